"""The folder that an engine builds from: exactly the files of the plan, nothing of the host.

Files are hard links to the user's own where the file system allows, copies elsewhere.
Symlinks stay symlinks and are never followed. What the engine itself would ignore once
more is switched off by an ignore file that names nothing.
"""

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Emit, Notice
from keynet.files import atomic, places
from keynet.plan import BuildPlan, Recipe, UserContainerfile
from keynet.runtime.build.rendering import Rendered
from keynet.text import _, fill

__all__ = ["Stage", "keep_containerfile", "scratch", "stage"]

# Fixed, so that the same recipe gives the same layer wherever an engine keeps times.
_RECIPE_TIME: Final = 315_532_800
_NO_SPACE_LEFT: Final = 28


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the engine finds what it builds.

    ``root`` is the context; ``containerfile`` lies outside it, with an ignore file beside
    it (``ignorefile``) that ignores nothing; ``private`` is a folder for the engine's own
    small files, gone with the rest.
    """

    root: Path
    containerfile: Path
    ignorefile: Path
    private: Path


@contextlib.contextmanager
def stage(plan: BuildPlan, rendered: Rendered, emit: Emit) -> Iterator[Stage]:
    """Lay the plan's files out for an engine; everything is removed on every way out.

    Raises:
        ContextInvalid: A file vanished, cannot be read, or the disk is full.
    """
    parent = places.cache() / "staging"
    places.make_private(parent)
    with tempfile.TemporaryDirectory(
        prefix="build-", dir=parent, ignore_cleanup_errors=True
    ) as name:
        top = Path(name)
        private = top / "private"
        private.mkdir(mode=0o700)
        containerfile = private / "Containerfile"
        containerfile.write_text(rendered.text, encoding="utf-8", newline="")
        # BuildKit reads NAME.dockerignore beside the Containerfile before the context's own.
        ignorefile = private / "Containerfile.dockerignore"
        ignorefile.write_text("# everything was chosen already\n", encoding="utf-8")
        root = top / "root"
        root.mkdir(mode=0o755)
        try:
            _lay_out(plan, rendered, root, emit)
            yield Stage(root, containerfile, ignorefile, private)
        finally:
            _make_removable(root)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for an engine's own temporary files, removed on every way out.

    Interrupted engines leave files as big as layers there. It lies where they would put them.
    """
    parent = os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108  the folder in it is private
    with tempfile.TemporaryDirectory(
        prefix="keynet-engine-",
        dir=parent if os.access(parent, os.W_OK) else None,
        ignore_cleanup_errors=True,
    ) as name:
        yield Path(name)


def keep_containerfile(plan: BuildPlan, rendered: Rendered, project: str) -> str:
    """Write the Containerfile of a failed build where its user can read it; return the path.

    A file of the user's own is named where it is.
    """
    if isinstance(plan.recipe, UserContainerfile):
        return str(plan.recipe.path)
    folder = places.cache() / "failed"
    places.make_private(folder)
    path = folder / f"{project.rpartition('/')[2]}.Containerfile"
    atomic.write(path, rendered.text)
    return str(path)


def _lay_out(plan: BuildPlan, rendered: Rendered, root: Path, emit: Emit) -> None:
    target = root
    if isinstance(plan.recipe, Recipe):
        target = root / "context"
        target.mkdir(mode=0o755)
        for path, content in sorted(rendered.build_files.items()):
            executable = path in rendered.executables
            _write_recipe_file(root / "build" / path, content, 0o755 if executable else 0o644)
        (root / "build").mkdir(mode=0o755, exist_ok=True)
        _settle(root / "build")
    folders: list[tuple[Path, os.stat_result]] = []
    for entry in plan.files:
        source, destination = plan.context / entry.path, target / entry.path
        try:
            found = source.lstat()
            destination.parent.mkdir(parents=True, exist_ok=True)
            _place(source, found, destination, emit)
        except OSError as error:
            raise _unreadable(source, error) from error
        if stat.S_ISDIR(found.st_mode):
            folders.append((destination, found))
    # Last, deepest first: placing files changes a folder's time and needs it writable.
    for folder, found in reversed(folders):
        os.utime(folder, ns=(found.st_atime_ns, found.st_mtime_ns))
        folder.chmod(stat.S_IMODE(found.st_mode))


def _place(source: Path, found: os.stat_result, destination: Path, emit: Emit) -> None:
    mode = found.st_mode
    if stat.S_ISDIR(mode):
        destination.mkdir(exist_ok=True)
    elif stat.S_ISLNK(mode):
        destination.symlink_to(source.readlink())
        os.utime(destination, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)
    elif stat.S_ISREG(mode):
        _link_or_copy(source, destination)
    else:
        emit(
            Notice(
                fill(
                    _("{path} is no file, folder or link and is left out of the image."),
                    path=source,
                )
            )
        )


def _link_or_copy(source: Path, destination: Path) -> None:
    # A link to a file that cannot be read would fail later, in the engine's words.
    if os.access(source, os.R_OK):
        with contextlib.suppress(OSError):
            os.link(source, destination, follow_symlinks=False)
            return
    shutil.copy2(source, destination, follow_symlinks=False)


def _write_recipe_file(path: Path, content: bytes | Path, mode: int) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        _link_or_copy(content, path)
    path.chmod(mode)
    os.utime(path, (_RECIPE_TIME, _RECIPE_TIME))


def _settle(folder: Path) -> None:
    """Give folders the fixed time too: newer engines ask for it before they use their cache."""
    for parent, _folders, _files in os.walk(folder, topdown=False):
        os.utime(parent, (_RECIPE_TIME, _RECIPE_TIME))


def _make_removable(root: Path) -> None:
    """Give folders back the rights that removing their entries needs."""
    for folder, names, _files in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o700)


def _unreadable(source: Path, error: OSError) -> ContextInvalid:
    hint = _("Make it readable, or leave it out with a line in .dockerignore.")
    if error.errno == _NO_SPACE_LEFT:
        hint = fill(
            _("The disk of {folder} is full: make room, or set XDG_CACHE_HOME."),
            folder=places.cache(),
        )
    return ContextInvalid(
        fill(
            _("{path} could not be taken into the build: {reason}."),
            path=source,
            reason=error.strerror or error,
        ),
        hint,
    )
