"""List the files of a build context: sorted, without ignored ones, following no link."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.files.atomic import is_unfinished
from keynet.files.descent import Descent, Inodes, is_gone
from keynet.files.living_folders import kind_of
from keynet.frozen import frozen
from keynet.oci.whiteouts import WHITEOUT
from keynet.plan import ContextFile
from keynet.recipe import context_notices
from keynet.recipe.context_notices import Seen
from keynet.recipe.credential_files import has_logins, is_credential, may_have_logins
from keynet.recipe.ignore import NAMES, Rules
from keynet.text import _, fill, printable

__all__ = ["Context", "locate_entrypoint", "scan", "unused_containerfile"]

_POINTER: Final = b"version https://git-lfs.github.com/spec/v1\n"
# Git LFS keeps pointers below 1,024 bytes; those that it writes have about 130.
_POINTER_SIZES: Final = range(100, 1_024)
_MOST_OPENED: Final = 20_000
# Engines open the files of a stage by their paths, which the system limits to 4,096 bytes.
_LONGEST_PATH: Final = 3_000
_CONTAINERFILES: Final = ("Containerfile", "Dockerfile")


@frozen
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
    """The state of a walk and its results so far."""

    rules: Rules
    logins: Inodes
    outputs: Inodes
    folder: Descent
    files: list[ContextFile] = field(default_factory=list)
    seen: Seen = field(default_factory=Seen)
    opened: int = 0


def scan(
    root: Path, rules: Rules, logins: Inodes | None = None, outputs: Inodes | None = None
) -> Context:
    """List the files of a directory that the rules do not ignore.

    Symbolic links are entries of their own and are never followed. Sockets, fifos, devices and
    a user's own credentials are skipped with a notice; files that vanish during the walk and
    private folders of keynet, without one.

    Args:
        logins: Files with logins of this host and folders of keynet, which are skipped, too.
        outputs: What the command that builds will write to, which is no part of the image.

    Raises:
        ContextInvalid: The directory is missing or not a directory; this user cannot read
            something in it; a name is not UTF-8, so an image cannot contain it.
    """
    _check_root(root)
    try:
        descent = Descent(root)
    except OSError as error:
        raise _unreadable(".", is_directory=True) from error
    with descent:
        walk = _Walk(rules, logins or Inodes(), outputs or Inodes(), descent)
        pending = [("", 0)]
        while pending:
            directory, mask = pending.pop()
            pending.extend(_list(walk, directory, mask))
    files = tuple(sorted(walk.files, key=lambda file: file.path))
    ignorefile = rules.source.name if rules.source else NAMES[1]
    return Context(root, files, tuple(context_notices.notices(walk.seen, files, ignorefile)))


def unused_containerfile(root: Path) -> str | None:
    """Return the name of a Containerfile or Dockerfile directly in the context, if any."""
    for name in _CONTAINERFILES:
        path = root / name
        if path.is_file() and not path.is_symlink():
            return name
    return None


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
    # The name that the user gave, unless a link above it points to another folder, or the image
    # will have a broken link there. Python puts the folder of the real file on its path anyway.
    named = real_root / Path(os.path.relpath(entrypoint.absolute(), root.absolute()))
    if named.is_relative_to(real_root) and ".." not in named.parts and named.resolve() == real:
        inside = named.relative_to(real_root)
        if _leads_inside(real_root, inside):
            return inside.as_posix()
    return real.relative_to(real_root).as_posix()


def _leads_inside(root: Path, inside: Path) -> bool:
    """Report whether each link on a path of the context works in the image, too."""
    links = [root / each for each in (inside, *inside.parents) if (root / each).is_symlink()]
    targets = (link.readlink() for link in links)
    return all(
        not target.is_absolute()
        and Path(os.path.normpath(link.parent / target)).is_relative_to(root)
        for link, target in zip(links, targets, strict=True)
    )


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
        walk.folder.enter(directory)
        listing = walk.folder.listing()
        try:
            with os.scandir(listing) as entries:
                for entry in entries:
                    path = f"{directory}/{entry.name}" if directory else entry.name
                    own = walk.rules.mask(path, mask)
                    if walk.rules.ignores(own):
                        if walk.rules.may_reinclude_below(path) and entry.is_dir(
                            follow_symlinks=False
                        ):
                            yield path, own
                    elif _note(walk, entry, path):
                        yield path, own
        finally:
            os.close(listing)
    except PermissionError as error:
        raise _unreadable(directory or ".", is_directory=True) from error
    except OSError as error:
        if is_gone(error):
            return
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
    if len(path) > _LONGEST_PATH // 4 and len(path.encode()) > _LONGEST_PATH:
        raise _too_deep(path)
    try:
        status = entry.stat(follow_symlinks=False)
        mode = status.st_mode
        if is_unfinished(entry.name) or walk.outputs.have(status):
            return False
        if entry.name.startswith(WHITEOUT):
            walk.seen.whiteouts.append(path)
            return False
        if S_ISDIR(mode):
            # keynet's own may hold the credentials of a push that runs or was killed.
            if kind_of(entry.name) or walk.logins.have(status):
                return False
            walk.files.append(ContextFile(path, 0, is_folder=True))
            return True
        if S_ISLNK(mode):
            walk.files.append(ContextFile(path, 0))
            target = os.readlink(entry.name, dir_fd=walk.folder.descriptor)
            if _points_outside(path, target):
                walk.seen.links_outside.append(path)
        elif S_ISREG(mode):
            _note_file(walk, entry.name, path, status)
        else:
            walk.seen.special.append(path)
    except OSError as error:
        # A link that was exchanged for something else cannot be read as a link (EINVAL).
        if not is_gone(error) and error.errno != errno.EINVAL:
            raise
    return False


def _note_file(walk: _Walk, name: str, path: str, status: os.stat_result) -> None:
    credential = is_credential(path) or walk.logins.have(status)
    looked_at = may_have_logins(name) or status.st_size in _POINTER_SIZES
    readable = bool(status.st_mode & 0o004)
    # The kernel need not be asked about a file that everybody can read.
    if not readable and not credential:
        descriptor = walk.folder.descriptor
        if not os.access(name, os.R_OK, dir_fd=descriptor, effective_ids=True):
            raise _unreadable(path, is_directory=False)
    if looked_at and not credential and walk.opened < _MOST_OPENED and not name.endswith(".py"):
        walk.opened += 1
        credential = _look_into(walk, name, path)
    if credential and not walk.rules.names(path):
        walk.seen.credentials.append(path)
        return
    walk.files.append(ContextFile(path, status.st_size))


def _look_into(walk: _Walk, name: str, path: str) -> bool:
    """Record a Git LFS pointer; report whether the file has an engine's logins."""
    try:
        opened = walk.folder.file(name)
    except PermissionError as error:
        raise _unreadable(path, is_directory=False) from error
    try:
        if not S_ISREG(os.fstat(opened).st_mode):
            return False
        if may_have_logins(name):
            return has_logins(opened)
        if os.read(opened, len(_POINTER)) == _POINTER:
            walk.seen.pointers.append(path)
    finally:
        os.close(opened)
    return False


def _is_text(path: str) -> bool:
    if path.isascii():
        return True
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _points_outside(link: str, target: str) -> bool:
    if target.startswith("/"):
        return True
    joined = os.path.normpath(os.path.join(os.path.dirname(link), target))  # noqa: PTH118, PTH120
    return joined == ".." or joined.startswith("../")


def _too_deep(path: str) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("The path {path} in the build context is longer than {limit} bytes."),
            path=printable(path, 100),
            limit=_LONGEST_PATH,
        ),
        _("Exclude it in .dockerignore, or move it up: engines cannot open longer paths."),
    )


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
