"""Find what a requirements file refers to, in the folders that may be read for it."""

import errno
import posixpath
from collections.abc import Callable, Iterator
from typing import Final

from keynet.files.beneath import LeavesFolder
from keynet.frozen import frozen
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.lines import line_errors, references
from keynet.recipe.dependencies.lines.references import Local
from keynet.recipe.dependencies.local_archives import SUFFIXES

__all__ = ["At", "Locator"]

_PROJECT: Final = ("pyproject.toml", "setup.cfg", "setup.py")


@frozen
class At:
    """Where a line is: paths in it are relative to ``folder``; ``where`` is for messages.

    ``trusted`` if the user named the file by a flag; ``depth`` counts the files that include it;
    ``kind`` is ``-c`` in a file of constraints, "" for a line that the user did not write.
    """

    folder: Folder
    where: str
    trusted: bool = False
    depth: int = 0
    kind: str = "-r"


class Locator:
    """Find paths below ``top``, in which ``context`` is the build context."""

    def __init__(self, top: Folder, context: str) -> None:
        self._top = top
        self._context = context

    def file(self, written: str, at: At) -> tuple[Folder, str]:
        """Return where an included file or a folder of archives is: next to the file first.

        Raises:
            ContextInvalid: It does not exist, or is not in a folder that may be read.
        """
        found = references.local(written) if written.startswith("file:") else None
        path = found.path if found else written
        return self._find(path, written, at, None, lambda folder, inside: True)

    def requirement(self, found: Local, written: str, at: At) -> tuple[Folder, str]:
        """Return where an archive or a project is: next to the file, or where pip is started.

        Raises:
            ContextInvalid: As ``file``.
        """
        return self._find(found.path, written, at, found, _is_installable)

    def in_context(self, base: Folder, real: str, where: str) -> str:
        """Return a path without links as one of the context.

        Raises:
            ContextInvalid: It is outside.
        """
        if base.beneath is self._top.beneath:
            if not self._context:
                return real or "."
            if f"{real}/".startswith(f"{self._context}/"):
                return posixpath.relpath(real, self._context)
        raise line_errors.project_outside(where, base.root / real)

    def _find(
        self,
        path: str,
        written: str,
        at: At,
        found: Local | None,
        fits: Callable[[Folder, str], bool],
    ) -> tuple[Folder, str]:
        existing: list[tuple[Folder, str]] = []
        outside = False
        for base, inside in self._candidates(path, at.folder):
            try:
                if base.beneath.kind(inside) is None:
                    continue
            except LeavesFolder:
                outside = True
                continue
            except OSError as error:
                if error.errno == errno.ENAMETOOLONG:
                    continue
                raise line_errors.unreadable(at.where, path, error) from error
            if fits(base, inside):
                return base, inside
            existing.append((base, inside))
        if existing:
            return existing[0]
        if found is not None and references.is_conda(found):
            raise line_errors.of_conda(at.where, found)
        if outside:
            raise line_errors.outside(at.where, written)
        raise line_errors.missing(at.where, written, at.folder.where(path.replace("\0", "")))

    def _candidates(self, path: str, folder: Folder) -> Iterator[tuple[Folder, str]]:
        # Some write "-e ./mine#egg=mine".
        for candidate in dict.fromkeys([path, path.partition("#")[0]]):
            yield folder, folder.inside(candidate)
            yield self._top, posixpath.join(self._context, candidate)
            if folder.beneath is not self._top.beneath:
                absolute = posixpath.join(str(folder.where().resolve()), candidate)
                yield self._top, posixpath.normpath(absolute)


def _is_installable(base: Folder, path: str) -> bool:
    if path.endswith(SUFFIXES):
        return True
    folder = Folder(base.beneath, base.root, path)
    return any(folder.has(name) for name in _PROJECT)
