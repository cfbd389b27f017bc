"""Send a stage as a tar to the standard input of docker's legacy builder.

For a folder, docker's client would apply the context's ``.dockerignore`` again, and only by its
own rules. A tar is used unchanged.
"""

import io
import tarfile
from pathlib import Path
from typing import BinaryIO, Final

from keynet.plan import BuildPlan, UserContainerfile
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.staging import Stage

__all__ = ["containerfile_name", "write"]

_HIDDEN: Final = ".keynet-containerfile"
_IGNORE: Final = ".dockerignore"


def containerfile_name(plan: BuildPlan) -> str:
    """Return the Containerfile's path in the tar, for ``docker build --file``.

    A user's Containerfile that is part of the context keeps its path.
    """
    if isinstance(plan.recipe, UserContainerfile):
        path, context = plan.recipe.path.resolve(), plan.context.resolve()
        if path.is_relative_to(context):
            relative = path.relative_to(context).as_posix()
            if any(entry.path == relative for entry in plan.files):
                return relative
    return _HIDDEN


def write(plan: BuildPlan, rendered: Rendered, staged: Stage, pipe: BinaryIO) -> None:
    """Write the stage as a tar; files belong to root, as with docker's client."""
    name = containerfile_name(plan)
    with tarfile.open(
        fileobj=pipe,
        mode="w|",
        format=tarfile.GNU_FORMAT,
        encoding="utf-8",
        errors="surrogateescape",
        dereference=False,
    ) as tar:
        if name == _HIDDEN:
            _add_text(tar, _HIDDEN, rendered.text)
            _add_text(tar, _IGNORE, _hiding(staged.root / _IGNORE))
        for path in sorted(staged.root.iterdir()):
            if not (name == _HIDDEN and path.name == _IGNORE):
                tar.add(path, arcname=path.name, filter=_as_root)


def _hiding(ignore: Path) -> str:
    """Return the ignore file that removes the Containerfile from the context.

    The daemon only applies it to these two names. docker's client adds such a line itself if
    ``--file`` is outside the context.
    """
    if not ignore.is_file() or ignore.is_symlink():
        return f"{_IGNORE}\n{_HIDDEN}\n"
    own = ignore.read_text(encoding="utf-8", errors="surrogateescape")
    return f"{own.rstrip()}\n{_HIDDEN}\n"


def _as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode("utf-8", errors="surrogateescape")
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(content))
