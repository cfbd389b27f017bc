"""Read and check the user's own Containerfile."""

import os
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import limited_read
from keynet.files.beneath import Beneath, LeavesFolder
from keynet.plan import UserContainerfile
from keynet.recipe import instructions
from keynet.text import _, fill

__all__ = ["read"]

_LARGEST: Final = 1_000_000


def read(path: Path, within: Path | None = None) -> UserContainerfile:
    """Read a Containerfile.

    Args:
        within: The context, if it was the context that named the file and not the user: no link
            out of it is followed then.

    Raises:
        ContextInvalid: The file is missing, not a regular file, not UTF-8, larger than 1 MB, or
            without a FROM instruction; or it leads out of ``within``.
    """
    text = _text(path, within)
    parsed = tuple(instructions.parse(text))
    if not any(instruction.name == "FROM" for instruction in parsed):
        raise _unusable(path, _("has no FROM instruction"))
    return UserContainerfile(path, text, parsed, instructions.syntax(text))


def _text(path: Path, within: Path | None) -> str:
    try:
        if within is not None:
            with Beneath(within) as folder:
                content = folder.read(os.path.relpath(path, within), _LARGEST)
        else:
            if path.is_dir():
                raise _unusable(path, _("is a directory"))
            content = limited_read.read(path, _LARGEST)
        if content is None:
            raise _unusable(path, _("is larger than 1 MB"))
        return content.decode("utf-8-sig")
    except FileNotFoundError as error:
        raise _unusable(path, _("does not exist")) from error
    except LeavesFolder as error:
        raise _unusable(
            path, _("leads out of the context, whose pyproject.toml names it")
        ) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, _("is not UTF-8")) from error
    except OSError as error:
        raise _unusable(
            path, fill(_("cannot be read: {why}"), why=error.strerror or error)
        ) from error


def _unusable(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("The Containerfile {given} ({resolved}) cannot be used: it {reason}."),
            given=path,
            resolved=path.absolute(),
            reason=reason,
        ),
        _("Correct the path of --dockerfile, or omit it: keynet then writes a Containerfile."),
    )
