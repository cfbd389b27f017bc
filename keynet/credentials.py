"""The config file: where the login is saved, who may read it, and how it is replaced.

Its directory is 0700 and the file 0600; one that others can read is refused, and one that they
could exchange for another: it names the platform that gets the password. It is replaced as a whole,
under a lock, and one that is broken is never overwritten.
"""

import contextlib
import errno
import json
import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files import atomic, limited_read, locks, ownership, places
from keynet.saved_login import SavedLogin
from keynet.text import N_, _, fill, printable

__all__ = ["check_savable", "clear", "load", "path", "save", "update"]

_SIZE_LIMIT: Final = 1_000_000
_CANNOT_SAVE: Final = N_("Cannot save the credentials in {file}: {why}.")


def path(environment: Mapping[str, str] | None = None) -> Path:
    """Return the path of the config file: KEYNET_CONFIG, XDG_CONFIG_HOME, else ~/.config."""
    variables = os.environ if environment is None else environment
    if variables.get("KEYNET_CONFIG"):
        return places.expanded(Path(variables["KEYNET_CONFIG"]))
    xdg = variables.get("XDG_CONFIG_HOME", "")
    # By the XDG specification a relative path counts as unset.
    if xdg.startswith("/"):
        return Path(xdg, "keynet/config.json")
    return Path(variables.get("HOME") or places.home(), ".config/keynet/config.json")


def load(file: Path | None = None) -> SavedLogin | None:
    """Read the config file; None when there is none.

    Raises:
        KeynetError: Others can read or exchange it, it is broken, or it cannot be read.
    """
    file = file or path()
    content = _read(file)
    return None if content is None else _parse(content, file)


def update(
    change: Callable[[SavedLogin | None], SavedLogin], file: Path | None = None
) -> SavedLogin:
    """Replace the file by the result of ``change`` on its present content, under a lock.

    Raises:
        KeynetError: As ``load``; a broken file is not changed.
    """
    file = places.real(file or path())
    try:
        places.make_private(file.parent)
        _check_owners(file)
        with locks.locked(file):
            _remove_unfinished(file.parent)
            changed = change(load(file))
            text = json.dumps(changed.to_json(), ensure_ascii=False, indent=2) + "\n"
            # A lone surrogate in an unknown key is written as the JSON escape that it was.
            atomic.write(file, text.encode(errors="backslashreplace"))
    except OSError as e:
        raise _unusable(_CANNOT_SAVE, file, e) from e
    return changed


def check_savable(file: Path | None = None) -> None:
    """Check that ``save`` may write there, before a password is sent to a platform.

    Raises:
        KeynetError: This user may neither write to the folder nor create it, or others may.
    """
    file = places.real(file or path())
    if not places.is_writable(file.parent):
        refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        raise _unusable(_CANNOT_SAVE, file, refused)
    _check_owners(file)


def save(login: SavedLogin, file: Path | None = None) -> None:
    """Save the login; the file's unknown keys and selected project are kept.

    Raises:
        KeynetError: As ``update``.
    """

    def keep(present: SavedLogin | None) -> SavedLogin:
        if present is None:
            return login
        return replace(
            login,
            project=login.project or present.project,
            extra={**present.extra, **login.extra},
        )

    update(keep, file)


def clear(file: Path | None = None) -> bool:
    """Remove the config file, even a broken one; return False when there is none.

    Raises:
        KeynetError: It cannot be removed.
    """
    file = places.real(file or path())
    try:
        if not os.path.exists(file):  # noqa: PTH110  False where it is hidden from this user
            return False
        with locks.locked(file):
            file.unlink(missing_ok=True)
            _remove_unfinished(file.parent)
            locks.lock_of(file).unlink(missing_ok=True)
    except OSError as e:
        raise _unusable(N_("Cannot remove {file}: {why}."), file, e) from e
    return True


def _read(file: Path) -> bytes | None:
    try:
        with limited_read.opened(file) as descriptor:
            status = os.fstat(descriptor)
            mode = status.st_mode
            if not stat.S_ISREG(mode):
                raise KeynetError(
                    fill(_("The config file {file} is not a regular file."), file=file),
                    _("Set KEYNET_CONFIG to a file's path."),
                )
            if mode & 0o077:
                raise KeynetError(
                    fill(_("The config file {file} can be read or changed by others."), file=file),
                    fill(_("Run: chmod 600 {file}"), file=shlex.quote(printable(file))),
                )
            if status.st_uid not in {os.geteuid(), 0}:
                raise _of_others(file, file)
            _check_owners(file)
            return limited_read.take(descriptor, _SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as e:
        # In a folder that this user may not read (HOME is another's), they have no login.
        named = os.environ.get("KEYNET_CONFIG")
        if isinstance(e, PermissionError) and not named and not os.path.lexists(file):
            return None
        raise _unusable(N_("Cannot read the config file {file}: {why}."), file, e) from e


def _check_owners(file: Path) -> None:
    part = ownership.distrusted(file)
    if part is not None:
        raise _of_others(file, part)


def _of_others(file: Path, part: Path) -> KeynetError:
    found = part.stat()
    shown = shlex.quote(printable(part))
    if found.st_uid not in {os.geteuid(), 0} and part in {file, file.parent, *_real(file)}:
        message = _("The config file {file} is not used: {part} belongs to another user.")
        hint = fill(
            _("Run: chown {user} {part}; or set KEYNET_CONFIG to a file in a folder of your own."),
            user=os.geteuid(),
            part=shown,
        )
    else:
        message = _("The config file {file} is not used: other users can write to {part}.")
        hint = fill(
            _("Run: chmod go-w {part}; or set KEYNET_CONFIG to a file in a folder of your own."),
            part=shown,
        )
    return KeynetError(fill(message, file=file, part=part), hint)


def _real(file: Path) -> tuple[Path, Path]:
    real = places.real(file)
    return real, real.parent


def _remove_unfinished(folder: Path) -> None:
    """Remove what a killed process has left in keynet's own folder.

    Only under the lock, and not in a folder where others write files, too.
    """
    if folder.name != "keynet":
        return
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if atomic.is_unfinished(path.name):
                path.unlink(missing_ok=True)


def _parse(content: bytes, file: Path) -> SavedLogin:
    if len(content) > _SIZE_LIMIT:
        raise _broken(file, _("it is too large"))
    try:
        document = json.loads(content.decode())
    # The cause would show the file's text, with its secrets, in a traceback.
    except (ValueError, RecursionError) as e:
        where = f", line {e.lineno}" if isinstance(e, json.JSONDecodeError) else ""
        raise _broken(file, _("it is not JSON") + where) from None
    try:
        return SavedLogin.from_json(document)
    except ValueError as e:
        raise _broken(file, str(e)) from e


def _broken(file: Path, reason: str) -> KeynetError:
    return KeynetError(
        fill(_("The config file {file} is broken: {reason}."), file=file, reason=reason),
        _("Fix it, or remove it with `keynet config clear` and log in again."),
    )


def _unusable(message: str, file: Path, error: OSError) -> KeynetError:
    return KeynetError(
        fill(_(message), file=file, why=error.strerror or str(error)),
        _("Set KEYNET_CONFIG to a file that this user may read and write."),
    )
