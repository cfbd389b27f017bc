"""Create the folder that an engine builds from: exactly the files of the plan.

Files are copies, as they were when they were read. Symlinks stay symlinks and are never followed.
An ignore file without patterns stops the engine from ignoring anything itself.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Emit, Notice
from keynet.files import atomic, places
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.plan import BuildPlan, BuildSecret, Recipe, UserContainerfile
from keynet.runtime.build import copying
from keynet.runtime.build.rendering import Rendered
from keynet.text import _, fill, ngettext, printable

__all__ = ["Stage", "keep_containerfile", "scratch", "stage"]

# 1980-01-01. Fixed, because engines that keep times would otherwise create a new layer.
_RECIPE_TIME: Final = 315_532_800
_NO_SPACE_LEFT: Final = 28
_MANY_NAMED: Final = 5


@frozen
class Stage:
    """The paths of a staged build.

    ``root`` is the context. ``containerfile`` is outside the context, next to ``ignorefile``,
    which ignores nothing. ``private`` (0700) is a folder for small files of the engine, removed
    with the stage. ``links`` are other paths of secrets, by their id. No path has a character that
    an engine's options take for a separator.
    """

    root: Path
    containerfile: Path
    ignorefile: Path
    private: Path
    links: Mapping[str, Path] = field(default_factory=dict)

    def secret_flags(self, secrets: Iterable[BuildSecret]) -> list[str]:
        """Return the ``--secret`` flags, which all engines have in common."""
        return [
            f"--secret=id={each.id},src={self.links.get(each.id, each.source)}" for each in secrets
        ]


@contextlib.contextmanager
def stage(plan: BuildPlan, rendered: Rendered, emit: Emit) -> Iterator[Stage]:
    """Create the stage of a build, and remove it in any case.

    Raises:
        ContextInvalid: A file is unreadable, or the disk is full.
    """
    with living("build", _parent()) as top:
        private = top / "private"
        private.mkdir(mode=0o700)
        containerfile = private / "Containerfile"
        containerfile.write_text(rendered.text, encoding="utf-8", newline="")
        # BuildKit prefers NAME.dockerignore next to the Containerfile to the context's file.
        ignorefile = private / "Containerfile.dockerignore"
        ignorefile.write_text("# keynet has selected the files already\n", encoding="utf-8")
        root = _folder(top / "root")
        _populate(plan, rendered, root, emit)
        yield Stage(root, containerfile, ignorefile, private, _plain_sources(plan, private))


def _parent() -> Path:
    """Return where to create a folder whose path every option of an engine can hold."""
    parent = places.cache() / "staging"
    temporary = places.plain_temporary()
    if not places.is_plain(os.fspath(parent)) and places.is_plain(os.fspath(temporary)):
        return temporary
    places.make_private(parent)
    return parent


def _plain_sources(plan: BuildPlan, private: Path) -> Mapping[str, Path]:
    """Return a link to each secret whose own path an engine could not be given."""
    links = {}
    for number, secret in enumerate(plan.secrets):
        source = secret.source.absolute()
        if not places.is_plain(os.fspath(source)):
            links[secret.id] = private / f"secret-{number}"
            links[secret.id].symlink_to(source)
    return links


def _folder(path: Path) -> Path:
    """Create a folder that every user of the image may read, whatever the umask."""
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Create a folder for an engine's temporary files, and remove it in any case.

    Interrupted engines leave files as large as layers in it. It is created where they would put
    their temporary files by default: in TMPDIR, else in /var/tmp.
    """
    parent = os.environ.get("TMPDIR") or "/var/tmp"  # noqa: S108  the folder in it is private
    writable = os.access(parent, os.W_OK)
    with living("engine", Path(parent if writable else tempfile.gettempdir())) as folder:
        yield folder


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
        target = _folder(root / "context")
        _folder(root / "build")
        for path, content in sorted(rendered.build_files.items()):
            executable = path in rendered.executables
            _write_recipe_file(root / "build", path, content, 0o755 if executable else 0o644)
        for name, link in sorted(rendered.links.items()):
            for parent in reversed(Path(name).parents):
                _folder(root / "build" / parent)
            (root / "build" / name).symlink_to(link)
        _fix_folders(root / "build")
    try:
        copied = copying.copy(
            plan.context, plan.files, target, readable=isinstance(plan.recipe, Recipe)
        )
    except copying.Uncopied as error:
        raise _unreadable(plan.context / error.filename, error) from error
    if copied.gone:
        emit(_gone(copied.gone))
    for path in copied.special:
        emit(Notice(fill(_("Skipping {path}: it is not a file, folder or link."), path=path)))


def _gone(paths: list[str]) -> Notice:
    names = ", ".join(printable(path, 200) for path in paths[:_MANY_NAMED])
    if len(paths) > _MANY_NAMED:
        names += ", …"
    return Notice(
        fill(
            ngettext(
                "{count} file vanished or was replaced before it was read and is not in the "
                "image: {names}",
                "{count} files vanished or were replaced before they were read and are not in "
                "the image: {names}",
                len(paths),
            ),
            count=len(paths),
            names=names,
        )
    )


def _write_recipe_file(build: Path, name: str, content: bytes | Path, mode: int) -> None:
    path = build / name
    for folder in reversed(Path(name).parents):
        _folder(build / folder)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        # A file of keynet's own, which nobody changes.
        try:
            os.link(content, path)
        except OSError:
            shutil.copyfile(content, path)
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
