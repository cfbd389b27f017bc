"""Create the folder that an engine builds from: exactly the files of the plan.

Files are hard links to the user's own files, or copies if the file system does not allow links.
Symlinks stay symlinks and are never followed. An ignore file without patterns stops the engine
from ignoring anything itself.
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

# 1980-01-01. Fixed, because engines that keep times would otherwise create a new layer.
_RECIPE_TIME: Final = 315_532_800
_NO_SPACE_LEFT: Final = 28


@dataclass(frozen=True, slots=True)
class Stage:
    """The paths of a staged build.

    ``root`` is the context. ``containerfile`` is outside the context, next to ``ignorefile``,
    which ignores nothing. ``private`` (0700) is a folder for small files of the engine, removed
    with the stage.
    """

    root: Path
    containerfile: Path
    ignorefile: Path
    private: Path


@contextlib.contextmanager
def stage(plan: BuildPlan, rendered: Rendered, emit: Emit) -> Iterator[Stage]:
    """Create the stage of a build, and remove it in any case.

    Raises:
        ContextInvalid: A file has vanished or is unreadable, or the disk is full.
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
        # BuildKit prefers NAME.dockerignore next to the Containerfile to the context's file.
        ignorefile = private / "Containerfile.dockerignore"
        ignorefile.write_text("# keynet has selected the files already\n", encoding="utf-8")
        root = top / "root"
        root.mkdir(mode=0o755)
        try:
            _populate(plan, rendered, root, emit)
            yield Stage(root, containerfile, ignorefile, private)
        finally:
            _make_removable(root)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Create a folder for an engine's temporary files, and remove it in any case.

    Interrupted engines leave files as large as layers in it. It is created where they would put
    their temporary files by default: in TMPDIR, else in /var/tmp.
    """
    parent = os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108  the folder in it is private
    with tempfile.TemporaryDirectory(
        prefix="keynet-engine-",
        dir=parent if os.access(parent, os.W_OK) else None,
        ignore_cleanup_errors=True,
    ) as name:
        yield Path(name)


def keep_containerfile(plan: BuildPlan, rendered: Rendered, project: str) -> str:
    """Return the path where the user can read the Containerfile of a failed build.

    A rendered one is written to keynet's cache, one for each project. A Containerfile of the
    user's own is not copied.
    """
    if isinstance(plan.recipe, UserContainerfile):
        return str(plan.recipe.path)
    folder = places.cache() / "failed"
    places.make_private(folder)
    path = folder / f"{project.rpartition('/')[2]}.Containerfile"
    atomic.write(path, rendered.text)
    return str(path)


def _populate(plan: BuildPlan, rendered: Rendered, root: Path, emit: Emit) -> None:
    target = root
    if isinstance(plan.recipe, Recipe):
        target = root / "context"
        target.mkdir(mode=0o755)
        for path, content in sorted(rendered.build_files.items()):
            executable = path in rendered.executables
            _write_recipe_file(root / "build" / path, content, 0o755 if executable else 0o644)
        for path, link in sorted(rendered.links.items()):
            (root / "build" / path).parent.mkdir(parents=True, exist_ok=True)
            (root / "build" / path).symlink_to(link)
        (root / "build").mkdir(exist_ok=True)
        _fix_folders(root / "build")
    folders: list[tuple[Path, os.stat_result]] = []
    for entry in plan.files:
        source, destination = plan.context / entry.path, target / entry.path
        try:
            found = source.lstat()
            destination.parent.mkdir(parents=True, exist_ok=True)
            _add_entry(source, found, destination, emit)
        except OSError as error:
            raise _unreadable(source, error) from error
        if stat.S_ISDIR(found.st_mode):
            folders.append((destination, found))
    # Last, and deepest first: adding files changes a folder's time and needs it to be writable.
    for folder, found in reversed(folders):
        os.utime(folder, ns=(found.st_atime_ns, found.st_mtime_ns))
        folder.chmod(stat.S_IMODE(found.st_mode))


def _add_entry(source: Path, found: os.stat_result, destination: Path, emit: Emit) -> None:
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
                    _("Skipping {path}: it is not a file, folder or link."),
                    path=source,
                )
            )
        )


def _link_or_copy(source: Path, destination: Path) -> None:
    # A link to an unreadable file would fail only later, inside the engine.
    if os.access(source, os.R_OK):
        with contextlib.suppress(OSError):
            os.link(source, destination, follow_symlinks=False)
            return
    shutil.copy2(source, destination, follow_symlinks=False)


def _write_recipe_file(path: Path, content: bytes | Path, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        _link_or_copy(content, path)
    path.chmod(mode)
    os.utime(path, (_RECIPE_TIME, _RECIPE_TIME))


def _fix_folders(root: Path) -> None:
    """Set a fixed time, which newer engines compare in cache look-ups, and mode 0755.

    The umask of a user may be 077, and the image's user is another one.
    """
    for folder, names, entries in os.walk(root, topdown=False):
        for path in (Path(folder, name) for name in (*names, *entries)):
            if path.is_symlink():
                os.utime(path, (_RECIPE_TIME, _RECIPE_TIME), follow_symlinks=False)
        Path(folder).chmod(0o755)
        os.utime(folder, (_RECIPE_TIME, _RECIPE_TIME))


def _make_removable(root: Path) -> None:
    """Restore the permissions on folders that are needed to remove their entries."""
    for folder, names, _files in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o700)


def _unreadable(source: Path, error: OSError) -> ContextInvalid:
    hint = _("Make it readable, or exclude it with a line in .dockerignore.")
    if error.errno == _NO_SPACE_LEFT:
        hint = fill(
            _("The disk of {folder} is full. Free some space, or set XDG_CACHE_HOME."),
            folder=places.cache(),
        )
    return ContextInvalid(
        fill(
            _("{path} could not be added to the build: {reason}."),
            path=source,
            reason=error.strerror or error,
        ),
        hint,
    )
