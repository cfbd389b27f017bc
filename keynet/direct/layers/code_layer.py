"""The context of a build as a layer: the last one, since it changes with each push."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keynet.direct.layers.tar_stream import Entry, folder_entry, link_entry
from keynet.errors import ContextInvalid
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.files.living_folders import living
from keynet.plan import BuildPlan
from keynet.runtime.build import copying
from keynet.text import _, fill

__all__ = ["content_key", "copied_context"]

# Whether the group may write depends on the umask of who made the file.
_MODE: Final = 0o755
_PIECE: Final = 1 << 16


@contextmanager
def copied_context(plan: BuildPlan, workdir: str, emit: Emit) -> Iterator[list[Entry]]:
    """Copy the context as it is at this moment; yield its entries, below ``workdir``.

    Raises:
        ContextInvalid: This user cannot read a file, or there is no room for its copy.
    """
    root = workdir.strip("/")
    parent = places.cache() / "staging"
    places.make_private(parent)
    with living("build", parent) as top:
        folder = top / "context"
        folder.mkdir()
        try:
            copied = copying.copy(plan.context, plan.files, folder, readable=True)
        except copying.Uncopied as error:
            raise ContextInvalid(
                fill(
                    _("{path} cannot be read: {why}."),
                    path=plan.context / str(error.filename),
                    why=error.strerror,
                ),
                _("Make it readable, or leave it out with a line in .dockerignore."),
            ) from error
        for path in copied.gone:
            emit(Notice(fill(_("{path} vanished and is not in the image."), path=path)))
        for path in copied.special:
            emit(Notice(fill(_("Skipping {path}: it is not a file, folder or link."), path=path)))
        yield [folder_entry(root), *_entries(folder, root)]


def content_key(entries: list[Entry]) -> str:
    """Return a hash of paths, modes and contents."""
    whole = hashlib.sha256()
    for entry in entries:
        digest = _digest(entry.content) if isinstance(entry.content, Path) else ""
        parts = (entry.path, entry.kind, str(entry.mode), entry.target, digest)
        whole.update("\0".join(parts).encode("utf-8", "surrogateescape") + b"\0")
    return whole.hexdigest()


def _digest(file: Path) -> str:
    """Return a file's SHA-256; ``file_digest`` clears 256 KiB of memory for each."""
    whole = hashlib.sha256()
    opened = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while piece := os.read(opened, _PIECE):
            whole.update(piece)
    finally:
        os.close(opened)
    return whole.hexdigest()


def _entries(folder: Path, root: str) -> Iterator[Entry]:
    pending = [""]
    while pending:
        inner = pending.pop()
        with os.scandir(folder / inner) as found:
            for each in sorted(found, key=lambda one: one.name):
                path = f"{inner}/{each.name}" if inner else each.name
                status = each.stat(follow_symlinks=False)
                if stat.S_ISLNK(status.st_mode):
                    yield link_entry(f"{root}/{path}", os.readlink(each.path))  # noqa: PTH115
                    continue
                mode = status.st_mode & _MODE
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                    yield Entry(f"{root}/{path}", "folder", mode)
                else:
                    yield Entry(f"{root}/{path}", "file", mode, Path(each.path))
