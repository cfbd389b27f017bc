"""Sign in to a platform, and hand its registry account to the engines; and the way back.

Source: SPEC 1.1, 1.2.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keynet import credentials, settings
from keynet.backend.client import BackendClient
from keynet.errors import EngineError, KeynetError, RegistryError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.plan import RegistryAccess
from keynet.runtime.engine import AnyBuilder, LoginStore
from keynet.saved_login import HarborAccount, SavedLogin
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["Login", "SignedInUser", "engines_in", "engines_out", "forget", "sign_in"]


@dataclass(frozen=True, slots=True)
class Login:
    """What a sign-in needs."""

    server_url: str
    username: str
    password: Secret
    ca_cert: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class SignedInUser:
    """Who is signed in now; ``name`` is safe to show."""

    name: str
    saved: SavedLogin
    registry: RegistryAccess


def sign_in(login: Login, file: Path | None = None, now: datetime | None = None) -> SignedInUser:
    """Sign in and save what the platform gave.

    Raises:
        NotAuthorised: The platform refuses user or password.
        BackendError: It failed, or gave what cannot be used; nothing is saved then.
        KeynetError: The config file is broken or cannot be written.
    """
    # A file that cannot be replaced is noticed before the password goes anywhere.
    credentials.load(file)
    credentials.check_savable(file)
    ca_cert = places.expanded(login.ca_cert).absolute() if login.ca_cert else None
    with BackendClient(login.server_url, ca_cert=ca_cert, insecure=login.insecure) as client:
        answer = client.sign_in(login.username, login.password)
        server_url = client.server_url
    made = SavedLogin(
        server_url=server_url,
        username=login.username,
        api_token=answer.token,
        api_token_expires_at=answer.expires_at,
        harbor=HarborAccount(answer.harbor.url, answer.harbor.username, answer.harbor.password),
        last_login=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%S"),
        ca_cert=ca_cert,
        insecure=login.insecure,
    )
    registry = settings.merge({}, {}, {}, made).registry_access()
    credentials.save(made, file)
    return SignedInUser(answer.display_name or answer.email, made, registry)


def forget(file: Path | None = None) -> tuple[bool, str | None]:
    """Remove the config file; tells whether there was one, and the registry it was for.

    Raises:
        KeynetError: It cannot be removed. One that is broken is removed all the same.
    """
    host = None
    try:
        saved = credentials.load(file)
        if saved is not None and saved.harbor is not None:
            host = settings.merge({}, {}, {}, saved).registry_access().host
    except KeynetError:
        # What cannot be read cannot name a registry; forgetting it is what was asked for.
        host = None
    return credentials.clear(file), host


def engines_in(access: RegistryAccess, builders: Sequence[AnyBuilder], emit: Emit) -> list[str]:
    """Log each engine in to the registry; gives the names of those that took it.

    A failure is a warning: a push brings its own credentials.
    """
    if not builders:
        emit(
            Notice(
                fill(
                    _(
                        "No engine works here, so none was logged in to {host}. "
                        "`keynet doctor` tells why."
                    ),
                    host=access.host,
                )
            )
        )
    done = []
    for builder in builders:
        if not isinstance(builder, LoginStore):
            continue
        try:
            builder.login(access)
        except (EngineError, RegistryError) as e:
            emit(
                Notice(
                    fill(
                        _("{engine} was not logged in to {host}: {why} {hint}"),
                        engine=builder.engine.name,
                        host=access.host,
                        why=printable(e.message, 500),
                        hint=e.hint,
                    ).strip()
                )
            )
        else:
            done.append(builder.engine.name)
    return done


def engines_out(host: str, builders: Iterable[AnyBuilder], emit: Emit) -> list[str]:
    """Make each engine forget the registry; a failure is a warning."""
    done = []
    for builder in builders:
        if not isinstance(builder, LoginStore):
            continue
        try:
            builder.logout(host)
        except EngineError as e:
            emit(
                Notice(
                    fill(
                        _("{engine} was not logged out of {host}: {why}"),
                        engine=builder.engine.name,
                        host=host,
                        why=printable(e.message, 500),
                    )
                )
            )
        else:
            done.append(builder.engine.name)
    return done
