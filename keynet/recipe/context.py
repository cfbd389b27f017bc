"""List the files of a build context: sorted, without ignored ones, following no link."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Final

from keynet import confidential
from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.plan import ContextFile
from keynet.recipe.ignore import Rules
from keynet.text import _, fill, ngettext, printable, size

__all__ = ["Context", "locate_entrypoint", "scan"]

_BIG: Final = 1_000_000_000
_MANY_NAMED: Final = 5
# Training rarely needs these. docker sends them, so they are reported and not dropped.
_RARELY_WANTED: Final = (".git", ".venv", "venv", "node_modules", ".tox", ".mypy_cache")


@dataclass(frozen=True, slots=True)
class Context:
    """The files of /workspace: sorted by path, with directories and links."""

    root: Path
    files: tuple[ContextFile, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def size(self) -> int:
        """Sum of all files, in bytes."""
        return sum(file.size for file in self.files)


@dataclass(slots=True)
class _Walk:
    """The results of a walk so far."""

    root: str
    rules: Rules
    files: list[ContextFile] = field(default_factory=list)
    links_outside: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)


def scan(root: Path, rules: Rules) -> Context:
    """List the files of a directory that the rules do not ignore.

    Symbolic links are entries of their own and are never followed. Sockets, fifos and
    devices are skipped with a notice; files that vanish during the walk, without one.

    Raises:
        ContextInvalid: The directory is missing or not a directory; this user cannot read
            something in it; a name is not UTF-8, so an image cannot contain it.
    """
    _check_root(root)
    walk = _Walk(os.fspath(root.resolve()), rules)
    pending = [("", 0)]
    while pending:
        directory, mask = pending.pop()
        pending.extend(_list(walk, directory, mask))
    files = tuple(sorted(walk.files, key=lambda file: file.path))
    return Context(root, files, tuple(_notices(walk, files)))


def locate_entrypoint(root: Path, entrypoint: Path, rules: Rules) -> str:
    """Return the entrypoint's path inside the context, with ``/``.

    Raises:
        ContextInvalid: It is outside, or the ignore file excludes it.
    """
    inside = _relative(root, entrypoint)
    if inside is None:
        raise ContextInvalid(
            fill(
                _("The script {script} is not inside the build context {context}."),
                script=entrypoint,
                context=root.resolve(),
            ),
            _("Pass a directory that contains it with --context DIR."),
        )
    rule = rules.rule_for(inside)
    if rule is not None:
        raise ContextInvalid(
            fill(
                _(
                    "The script {script} would not be in the image: "
                    "line {line} of {path} excludes it ({pattern})."
                ),
                script=inside,
                line=rule.line,
                path=rules.source,
                pattern=printable(rule.pattern, 200),
            ),
            fill(_("Remove that line, or add the line !{script} after it."), script=inside),
        )
    return inside


def _relative(root: Path, entrypoint: Path) -> str | None:
    real_root = root.resolve()
    real = entrypoint.resolve()
    if not real.is_relative_to(real_root):
        return None
    # The name that the user gave, unless a link above it points to another folder.
    named = real_root / Path(os.path.relpath(entrypoint.absolute(), root.absolute()))
    if named.is_relative_to(real_root) and ".." not in named.parts and named.resolve() == real:
        return named.relative_to(real_root).as_posix()
    return real.relative_to(real_root).as_posix()


def _check_root(root: Path) -> None:
    where = fill(_("The build context {given} ({resolved})"), given=root, resolved=root.absolute())
    hint = _("Pass the directory that contains the script with --context DIR.")
    try:
        status = root.stat()
    except FileNotFoundError as error:
        raise ContextInvalid(fill(_("{where} does not exist."), where=where), hint) from error
    except OSError as error:
        raise ContextInvalid(
            fill(_("{where} cannot be read: {reason}."), where=where, reason=error),
            hint,
        ) from error
    if not S_ISDIR(status.st_mode):
        raise ContextInvalid(fill(_("{where} is not a directory."), where=where), hint)


def _list(walk: _Walk, directory: str, mask: int) -> Iterator[tuple[str, int]]:
    """Record the entries of one directory and yield its subdirectories to walk."""
    try:
        with os.scandir(os.path.join(walk.root, directory)) as entries:  # noqa: PTH118  100 000 files
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                own = walk.rules.mask(path, mask)
                if walk.rules.ignores(own):
                    if walk.rules.may_reinclude_below(path) and entry.is_dir(follow_symlinks=False):
                        yield path, own
                elif _note(walk, entry, path):
                    yield path, own
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise _unreadable(directory or ".", is_directory=True) from error
    except OSError as error:
        raise ContextInvalid(
            fill(
                _("The directory {path} of the build context cannot be read: {reason}."),
                path=directory or ".",
                reason=error,
            )
        ) from error


def _note(walk: _Walk, entry: os.DirEntry[str], path: str) -> bool:
    """Record one entry; return True for a directory."""
    if not _is_text(path):
        raise ContextInvalid(
            fill(
                _("The name of {path} in the build context is not UTF-8."),
                path=ascii(path.encode("utf-8", "surrogateescape"))[1:],
            ),
            _("Rename it, or exclude it by a pattern in .dockerignore (? stands for one byte)."),
        )
    try:
        status = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    mode = status.st_mode
    if S_ISDIR(mode):
        walk.files.append(ContextFile(path, 0))
        return True
    if S_ISLNK(mode):
        walk.files.append(ContextFile(path, 0))
        if _points_outside(walk.root, entry.path):
            walk.links_outside.append(path)
    elif S_ISREG(mode):
        # The kernel need not be asked about a file that everybody can read.
        if not mode & 0o004 and not os.access(entry.path, os.R_OK, effective_ids=True):
            raise _unreadable(path, is_directory=False)
        walk.files.append(ContextFile(path, status.st_size))
    else:
        walk.special.append(path)
    return False


def _is_text(path: str) -> bool:
    if path.isascii():
        return True
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _points_outside(root: str, link: str) -> bool:
    target = os.readlink(link)  # noqa: PTH115  strings, as the walk
    if os.path.isabs(target):  # noqa: PTH117
        return True
    joined = os.path.normpath(os.path.join(os.path.dirname(link), target))  # noqa: PTH118, PTH120
    return joined != root and not joined.startswith(root + os.sep)


def _unreadable(path: str, *, is_directory: bool) -> ContextInvalid:
    what = _("directory") if is_directory else _("file")
    return ContextInvalid(
        fill(
            _("The {what} {path} of the build context cannot be read: permission denied."),
            what=what,
            path=path,
        ),
        fill(
            _("Make it readable (chmod u+r{x} {path}) or exclude it in .dockerignore."),
            x="x" if is_directory else "",
            path=path,
        ),
    )


def _notices(walk: _Walk, files: tuple[ContextFile, ...]) -> Iterator[Notice]:
    if walk.special:
        yield _named(
            sorted(walk.special),
            lambda count: ngettext(
                "Skipping {count} socket, fifo or device of the context: {names}",
                "Skipping {count} sockets, fifos or devices of the context: {names}",
                count,
            ),
        )
    if walk.links_outside:
        yield _named(
            sorted(walk.links_outside),
            lambda count: ngettext(
                "{count} symbolic link points outside the context and will be broken in the "
                "image: {names}",
                "{count} symbolic links point outside the context and will be broken in the "
                "image: {names}",
                count,
            ),
            level="note",
        )
    suspicious = [file.path for file in files if confidential.is_suspicious_path(file.path)]
    if suspicious:
        yield _named(
            suspicious,
            lambda count: ngettext(
                "{count} file looks like a secret and goes into the image: {names}. "
                "Exclude it in .dockerignore.",
                "{count} files look like secrets and go into the image: {names}. "
                "Exclude them in .dockerignore.",
                count,
            ),
        )
    total = sum(file.size for file in files)
    if total > _BIG:
        yield _big(files, total)


def _named(paths: list[str], text: Callable[[int], str], level: str = "warning") -> Notice:
    names = ", ".join(printable(path, 200) for path in paths[:_MANY_NAMED])
    if len(paths) > _MANY_NAMED:
        names += ", …"
    return Notice(fill(text(len(paths)), count=len(paths), names=names), level)


def _big(files: tuple[ContextFile, ...], total: int) -> Notice:
    biggest = sorted(files, key=lambda file: (-file.size, file.path))[:_MANY_NAMED]
    text = fill(
        _("The build context is {total}; the biggest files: {names}."),
        total=size(total),
        names=", ".join(f"{printable(file.path, 200)} ({size(file.size)})" for file in biggest),
    )
    rarely = [
        name
        for name in _RARELY_WANTED
        if any(file.path == name or file.path.startswith(name + "/") for file in files)
    ]
    if rarely:
        text += " " + fill(_("It includes {names}."), names=", ".join(rarely))
    return Notice(text + " " + _("Exclude in .dockerignore what the training does not need."))
