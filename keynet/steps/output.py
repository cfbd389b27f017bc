"""Where a built image is written: checked ahead of the build, then whole or not at all."""

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keynet.errors import EngineError, UsageError
from keynet.events import Emit
from keynet.files import atomic, limited_read, places
from keynet.runtime.engine import AnyBuilder, Saver
from keynet.text import _, fill

__all__ = ["Output", "check", "parse", "save"]

_FORMS: Final = "oci:DIR, oci-archive:FILE, docker-archive:FILE"
_INDEX: Final = "index.json"
_LARGEST_INDEX: Final = 4_000_000
_KINDS: Final = ("oci", "oci-archive", "docker-archive")


@dataclass(frozen=True, slots=True)
class Output:
    """A destination of ``keynet build --output``; ``text`` is how it was given."""

    kind: str
    path: Path
    text: str


def parse(text: str) -> Output:
    """Read ``KIND:PATH`` and see that it can be written; nothing is made yet.

    Raises:
        UsageError: It is of no known form, or the path cannot be written.
    """
    kind, _colon, name = text.partition(":")
    # Engines would take anything else for a registry.
    if kind not in _KINDS or not name:
        raise UsageError(
            fill(_("--output {text} is none of {forms}."), text=text, forms=_FORMS),
            _("For example: --output oci-archive:train.tar"),
        )
    path = places.real(Path(name))
    refusal = _refusal(kind, path)
    if refusal:
        raise UsageError(
            fill(_("--output {text} cannot be written: {why}."), text=text, why=refusal),
            _("Choose another path."),
        )
    return Output(kind, path, text)


def check(output: Output | None, builder: AnyBuilder) -> Saver[Any]:
    """Return the builder as one that keeps and writes images, before it builds.

    Raises:
        EngineError: It does not keep images, or does not write this form.
    """
    if not isinstance(builder, Saver):
        raise EngineError(
            fill(_("{engine} keeps no image on this machine."), engine=builder.engine.name),
            _("Choose another one with --builder, or push the image: keynet push"),
        )
    if output is not None and output.kind not in builder.formats:
        raise EngineError(
            fill(
                _("{engine} writes {able} only, not {kind}."),
                engine=builder.engine.name,
                able=", ".join(sorted(builder.formats)),
                kind=output.kind,
            ),
            _("Use docker-archive:FILE, or --builder podman or buildah."),
        )
    return builder


def save(saver: Saver[Any], built: object, output: Output, emit: Emit) -> None:
    """Write the image; the one that stood there goes when the new one is complete.

    Raises:
        EngineError: The engine could not write it; what stood there before still does.
    """
    # Engines refuse a docker archive that exists, leave half of one behind, and gather the
    # images of a layout.
    is_layout = output.kind == "oci"
    parent = output.path if is_layout else output.path.parent
    made = not parent.exists()
    parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".keynet-", dir=parent) as folder:
            new = Path(folder, "image")
            saver.save(built, output.kind, new, emit)
            if is_layout:
                _replace_layout(output.path, new)
            else:
                atomic.move(new, output.path)
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                parent.rmdir()
        raise


def _replace_layout(path: Path, new: Path) -> None:
    """Move a layout's files into another's place; in between both images are there."""
    moved = set()
    for file in sorted(new.rglob("*")):
        target = path / file.relative_to(new)
        if file.is_file() and file.name != _INDEX:
            target.parent.mkdir(parents=True, exist_ok=True)
            atomic.move(file, target)
            moved.add(target)
    atomic.move(new / _INDEX, path / _INDEX)
    for blob in path.glob("blobs/*/*"):
        if blob not in moved:
            blob.unlink()


def _refusal(kind: str, path: Path) -> str:
    if ":" in str(path):
        return _("engines take what follows a colon for a tag")
    if not os.path.isdir(path.parent):  # noqa: PTH112  False where it is hidden from this user
        return fill(_("there is no folder {path}"), path=path.parent)
    if kind == "oci" and os.path.lexists(path):
        return _layout_refusal(path)
    if kind != "oci" and os.path.lexists(path) and not path.is_file():
        return _("it is no regular file")
    if not places.is_writable(path.parent):
        return _("this user may not write there")
    return ""


def _layout_refusal(path: Path) -> str:
    """Say why a folder is not written over: it may hold other things than one image."""
    if not path.is_dir():
        return _("it is no folder")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return _("this user may not write there")
    if not any(path.iterdir()):
        return ""
    try:
        index = limited_read.head(path / _INDEX, _LARGEST_INDEX, regular_only=True)
        images = len(json.loads(index)["manifests"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return _("the folder holds something else than an image")
    return "" if images == 1 else _("the folder holds other images, too")
