"""The requirements file that the user names by a flag: it may be anything, anywhere."""

import contextlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import limited_read, places
from keynet.files.beneath import Beneath
from keynet.recipe.dependencies.folder import Folder, invalid
from keynet.text import _, fill

__all__ = ["opened"]

_LARGEST: Final = 5_000_000


@contextlib.contextmanager
def opened(path: Path, context: Folder) -> Iterator[tuple[Folder, bytes]]:
    """Yield the folder of the file, and its content.

    Args:
        context: Its own descriptor is used for a file that is in it.

    Raises:
        ContextInvalid: It is missing, a directory, unreadable or too large.
    """
    where = fill(
        _("The requirements file {given} ({resolved})"), given=path, resolved=places.real(path)
    )
    hint = _("Check the path given with --requirements.")
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ContextInvalid(fill(_("{where} is a directory."), where=where), hint)
        content = limited_read.read(path, _LARGEST)
        beneath = Beneath(path.parent)
    except FileNotFoundError as error:
        raise ContextInvalid(fill(_("{where} does not exist."), where=where), hint) from error
    except OSError as error:
        raise ContextInvalid(
            fill(_("{where} cannot be read: {why}."), where=where, why=error.strerror or error),
            hint,
        ) from error
    with beneath:
        if content is None:
            raise invalid(path, _("it is too large"), hint)
        parent, root = places.real(path.parent), places.real(context.root)
        if Path(parent).is_relative_to(root):
            inside = Path(parent).relative_to(root).as_posix().removeprefix(".")
            yield Folder(context.beneath, context.root, inside), content
        else:
            yield Folder(beneath, path.parent), content
