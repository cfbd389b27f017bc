"""The config file: who the user is, on which platform, and the Harbor account it gave.

Source: SPEC 1.1, 1.2; FACTS "Security", config file.
"""

import errno
import json
import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from keynet.confidential import is_suspicious_name, is_suspicious_value
from keynet.errors import KeynetError
from keynet.files import atomic, locks, places
from keynet.secret import Secret, mask
from keynet.text import N_, _, fill, printable

__all__ = [
    "Credentials",
    "Harbor",
    "SavedProject",
    "check_savable",
    "clear",
    "load",
    "path",
    "save",
    "update",
]

_SIZE_LIMIT: Final = 1_000_000
_CANNOT_SAVE: Final = N_("Cannot save the credentials in {file}: {why}.")
_KNOWN: Final = frozenset(
    {
        "server_url",
        "username",
        "api_token",
        "api_token_expires_at",
        "harbor",
        "last_login",
        "project",
        "ca_cert",
        "insecure",
    }
)


@dataclass(frozen=True, slots=True)
class Harbor:
    """The robot account that the platform made at sign-in; ``url`` has a scheme."""

    url: str
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class SavedProject:
    """The project chosen with ``keynet project select``; it counts for ``server_url`` only."""

    id: int
    title: str
    server_url: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the config file holds; ``extra`` are keys that this version does not know."""

    server_url: str = ""
    username: str = ""
    api_token: Secret | None = None
    api_token_expires_at: datetime | None = None
    harbor: Harbor | None = None
    last_login: str = ""
    project: SavedProject | None = None
    ca_cert: Path | None = None
    insecure: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def shown(self) -> dict[str, Any]:
        """Give the file's JSON object with every secret masked.

        Source: SPEC 1.2.
        """
        masked = _masked(_to_json(self))
        assert isinstance(masked, dict)
        return masked


def path(environment: Mapping[str, str] | None = None) -> Path:
    """Tell where the config file is: KEYNET_CONFIG, XDG_CONFIG_HOME, else ~/.config."""
    variables = os.environ if environment is None else environment
    if variables.get("KEYNET_CONFIG"):
        return places.expanded(Path(variables["KEYNET_CONFIG"]))
    xdg = variables.get("XDG_CONFIG_HOME", "")
    # The XDG specification says that a relative path there counts as unset.
    if xdg.startswith("/"):
        return Path(xdg, "keynet/config.json")
    return Path(variables.get("HOME") or places.home(), ".config/keynet/config.json")


def load(file: Path | None = None) -> Credentials | None:
    """Read the config file; None when there is none.

    Raises:
        KeynetError: Others can read it, it is broken, or it cannot be read.
    """
    file = file or path()
    content = _read(file)
    return None if content is None else _from_json(_parse(content, file), file)


def update(
    change: Callable[[Credentials | None], Credentials], file: Path | None = None
) -> Credentials:
    """Replace the file by what ``change`` makes of its present content, under a lock.

    Raises:
        KeynetError: As ``load``; a broken file is left as it is.
    """
    file = places.real(file or path())
    try:
        places.make_private(file.parent)
        with locks.locked(file):
            changed = change(load(file))
            text = json.dumps(_to_json(changed), ensure_ascii=False, indent=2) + "\n"
            # A lone surrogate of an unknown key stays the escape that it was.
            atomic.write(file, text.encode(errors="backslashreplace"))
    except OSError as e:
        raise _unusable(_CANNOT_SAVE, file, e) from e
    return changed


def check_savable(file: Path | None = None) -> None:
    """See that ``save`` may write there, before anything is asked of a platform.

    Raises:
        KeynetError: This user may neither write to the folder nor make it.
    """
    file = places.real(file or path())
    if not places.is_writable(file.parent):
        refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        raise _unusable(_CANNOT_SAVE, file, refused)


def save(credentials: Credentials, file: Path | None = None) -> None:
    """Write these credentials; the file's unknown keys and chosen project survive.

    Raises:
        KeynetError: As ``update``.
    """

    def keep(present: Credentials | None) -> Credentials:
        if present is None:
            return credentials
        return replace(
            credentials,
            project=credentials.project or present.project,
            extra={**present.extra, **credentials.extra},
        )

    update(keep, file)


def clear(file: Path | None = None) -> bool:
    """Remove the config file, whatever is in it; False when there was none.

    Raises:
        KeynetError: It cannot be removed.
    """
    file = places.real(file or path())
    try:
        if not os.path.exists(file):  # noqa: PTH110  False where it is hidden from this user
            return False
        with locks.locked(file):
            file.unlink(missing_ok=True)
            locks.lock_of(file).unlink(missing_ok=True)
    except OSError as e:
        raise _unusable(N_("Cannot remove {file}: {why}."), file, e) from e
    return True


def _read(file: Path) -> bytes | None:
    try:
        # A fifo in its place would make this wait for a writer.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise KeynetError(
                    fill(_("The config file {file} is no regular file."), file=file),
                    _("Set KEYNET_CONFIG to a file's path."),
                )
            if status.st_mode & 0o077:
                raise KeynetError(
                    fill(_("The config file {file} can be read or changed by others."), file=file),
                    fill(_("Run: chmod 600 {file}"), file=shlex.quote(printable(file))),
                )
            return stream.read(_SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        # Where this user may not even look (HOME is another's) there is no login of theirs.
        named = os.environ.get("KEYNET_CONFIG")
        if isinstance(e, PermissionError) and not named and not os.path.lexists(file):
            return None
        raise _unusable(N_("Cannot read the config file {file}: {why}."), file, e) from e


def _parse(content: bytes, file: Path) -> dict[str, Any]:
    if len(content) > _SIZE_LIMIT:
        raise _broken(file, _("it is too large"))
    try:
        parsed = json.loads(content.decode())
    # The cause would carry the file's text, and with it the secrets, into a traceback.
    except (ValueError, RecursionError) as e:
        where = f", line {e.lineno}" if isinstance(e, json.JSONDecodeError) else ""
        raise _broken(file, _("it is not JSON") + where) from None
    if not isinstance(parsed, dict):
        raise _broken(file, _("it is no JSON object"))
    return parsed


def _from_json(wire: dict[str, Any], file: Path) -> Credentials:
    def text(values: dict[str, Any], key: str, inside: str = "") -> str:
        value = values.get(key)
        if value is not None and not isinstance(value, str):
            raise _broken(file, fill(_("{key} is no string"), key=inside + key))
        return value or ""

    def table(key: str) -> dict[str, Any] | None:
        value = wire.get(key)
        if value is not None and not isinstance(value, dict):
            raise _broken(file, fill(_("{key} is no object"), key=key))
        return value or None

    harbor, project, token = table("harbor"), table("project"), text(wire, "api_token")
    if project is not None and type(project.get("id")) is not int:
        raise _broken(file, fill(_("{key} is no number"), key="project.id"))
    if not isinstance(wire.get("insecure", False), bool):
        raise _broken(file, fill(_("{key} is neither true nor false"), key="insecure"))
    ca_cert = text(wire, "ca_cert")
    return Credentials(
        server_url=text(wire, "server_url"),
        username=text(wire, "username"),
        api_token=Secret(token) if token else None,
        api_token_expires_at=_moment(text(wire, "api_token_expires_at"), file),
        harbor=None
        if harbor is None
        else Harbor(
            text(harbor, "url", "harbor."),
            text(harbor, "username", "harbor."),
            Secret(text(harbor, "password", "harbor.")),
        ),
        last_login=text(wire, "last_login"),
        project=None
        if project is None
        else SavedProject(
            project["id"],
            text(project, "title", "project."),
            text(project, "server_url", "project."),
        ),
        ca_cert=Path(ca_cert) if ca_cert else None,
        insecure=wire.get("insecure", False),
        extra={key: value for key, value in wire.items() if key not in _KNOWN},
    )


def _to_json(credentials: Credentials) -> dict[str, Any]:
    harbor, project = credentials.harbor, credentials.project
    expires = credentials.api_token_expires_at
    wire: dict[str, Any] = {
        "server_url": credentials.server_url,
        "username": credentials.username,
        "api_token": credentials.api_token.reveal() if credentials.api_token else None,
        "api_token_expires_at": expires
        and expires.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "harbor": harbor
        and {
            "url": harbor.url,
            "username": harbor.username,
            "password": harbor.password.reveal(),
        },
        "last_login": credentials.last_login,
        "project": project
        and {"id": project.id, "title": project.title, "server_url": project.server_url},
        "ca_cert": str(credentials.ca_cert) if credentials.ca_cert else None,
        "insecure": credentials.insecure,
    }
    return {key: value for key, value in wire.items() if value} | dict(credentials.extra)


def _masked(value: object, *, secret: bool = False) -> object:
    match value:
        case dict():
            return {
                key: _masked(item, secret=secret or is_suspicious_name(str(key), "variable"))
                if key != "api_token_expires_at"
                else item
                for key, item in value.items()
            }
        case list():
            return [_masked(item, secret=secret) for item in value]
        case str() if secret or is_suspicious_value(value):
            return mask(value)
        case _:
            return value


def _moment(text: str, file: Path) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise _broken(file, _("api_token_expires_at is no date and time")) from e
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _broken(file: Path, reason: str) -> KeynetError:
    return KeynetError(
        fill(_("The config file {file} is broken: {reason}."), file=file, reason=reason),
        _("Repair it, or remove it with `keynet config clear` and log in again."),
    )


def _unusable(message: str, file: Path, error: OSError) -> KeynetError:
    return KeynetError(
        fill(_(message), file=file, why=error.strerror or str(error)),
        _("Set KEYNET_CONFIG to a file that this user may read and write."),
    )
