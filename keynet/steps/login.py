"""Sign in to a platform and log the engines in to its registry; undo both.

Source: docs/reference/backend.md (the answer to a sign-in).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from keynet import credentials, settings
from keynet.backend.client import BackendClient
from keynet.errors import EngineError, KeynetError, RegistryError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.frozen import frozen
from keynet.net.token_hosts import declared
from keynet.plan import RegistryAccess
from keynet.runtime.engine import AnyBuilder, LoginStore
from keynet.saved_login import HarborAccount, SavedLogin
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = [
    "Login",
    "SignedInUser",
    "forget",
    "forget_stored",
    "log_in_engines",
    "log_out_engines",
    "sign_in",
]


@frozen
class Login:
    """Server and account of a sign-in; ``insecure`` allows plain http.

    ``token_hosts`` are further hosts that may see the registry's password, for tokens.
    """

    server_url: str
    username: str
    password: Secret
    ca_cert: Path | None = None
    insecure: bool = False
    token_hosts: tuple[str, ...] = ()


@frozen
class SignedInUser:
    """The signed-in user: name for people, saved login and registry account."""

    name: str
    saved: SavedLogin
    registry: RegistryAccess


def sign_in(login: Login, file: Path | None = None, now: datetime | None = None) -> SignedInUser:
    """Sign in, and save the login.

    Args:
        file: The config file; None is the user's own.
        now: The time that is saved as last login; None is the current time.

    Raises:
        UsageError: A token host is not an address.
        NotAuthorised: The platform refuses user name or password.
        BackendError: The platform failed, or its answer is not valid; nothing is saved.
        KeynetError: The config file is broken or cannot be written.
    """
    # Fail before the password is sent if a host is none, or the config file cannot be replaced.
    declared(login.token_hosts)
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
        token_hosts=login.token_hosts,
    )
    registry = settings.merge({}, {}, {}, made).registry_access()
    credentials.save(made, file)
    return SignedInUser(answer.display_name or answer.email, made, registry)


def forget(file: Path | None = None) -> tuple[bool, str | None]:
    """Remove the config file, even if it is broken.

    Returns:
        Whether there was a file, and the host of the registry that it named.

    Raises:
        KeynetError: The file cannot be removed.
    """
    host = None
    try:
        saved = credentials.load(file)
        if saved is not None and saved.harbor is not None:
            host = settings.merge({}, {}, {}, saved).registry_access().host
    except KeynetError:
        # A broken file names no registry, but it still has to be removed.
        host = None
    return credentials.clear(file), host


def log_in_engines(access: RegistryAccess, builders: Sequence[AnyBuilder], emit: Emit) -> list[str]:
    """Log each engine in to the registry; return the names of those that succeeded.

    A failure is a warning, because a push passes the credentials itself.
    """
    if not builders:
        emit(
            Notice(
                fill(
                    _(
                        "No engine works here, so none was logged in to {host}. "
                        "Details: keynet doctor"
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


def log_out_engines(host: str, builders: Iterable[AnyBuilder], emit: Emit) -> list[str]:
    """Log each engine out of the registry; return the names of those that succeeded.

    A failure is a warning.
    """
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


def forget_stored(host: str, emit: Emit) -> list[Path]:
    """Remove what the engines did not remove from files of theirs; return those files.

    Call it after ``log_out_engines``: a daemon may be down, or an engine no longer installed. What
    cannot be removed is a warning with its place.
    """
    # Its models take time to import.
    from keynet.registry.auth import stored_removal

    done = []
    for each in stored_removal.remove(host):
        if each.removed:
            done.append(each.file)
        if each.left:
            emit(
                Notice(
                    fill(
                        _("A login for {host} is still stored. See {file}: {why}"),
                        host=host,
                        file=each.file,
                        why=each.left,
                    )
                )
            )
    return done
