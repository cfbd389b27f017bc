"""Write a built image to a file or folder, completely or not at all.

The destination is checked before the build.
"""

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from keynet.errors import EngineError, UsageError
from keynet.events import Emit
from keynet.files import atomic, limited_read, places
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.runtime.engine import AnyBuilder, Saver
from keynet.text import _, fill

__all__ = ["Output", "check", "parse", "save"]

_FORMS: Final = "oci:DIR, oci-archive:FILE, docker-archive:FILE"
_INDEX: Final = "index.json"
_LARGEST_INDEX: Final = 4_000_000
_KINDS: Final = ("oci", "oci-archive", "docker-archive")


@frozen
class Output:
    """A destination of ``keynet build --output``; ``text`` is the option as given."""

    kind: str
    path: Path
    text: str


def parse(text: str) -> Output:
    """Parse ``KIND:PATH`` and check that it can be written; nothing is created.

    Raises:
        UsageError: The kind is unknown, or the path cannot be written.
    """
    kind, _colon, name = text.partition(":")
    # Engines would take any other kind for a registry.
    if kind not in _KINDS or not name:
        raise UsageError(
            fill(_("--output {text} is not valid: use one of {forms}."), text=text, forms=_FORMS),
            _("For example: --output oci-archive:train.tar"),
        )
    path = places.real(Path(name))
    reason = _why_not_writable(kind, path)
    if reason:
        raise UsageError(
            fill(_("--output {text} cannot be written: {why}."), text=text, why=reason),
            _("Choose another path."),
        )
    return Output(kind, path, text)


def check(
    output: Output | None, builder: AnyBuilder, platforms: Sequence[Platform] = ()
) -> Saver[Any]:
    """Check before a build that the builder can save its image; return it.

    Args:
        platforms: Of the images that will be built.

    Raises:
        EngineError: The builder does not keep images, or does not write this kind.
        UsageError: This kind holds one image.
    """
    if not isinstance(builder, Saver):
        raise EngineError(
            fill(_("{engine} does not keep images on this machine."), engine=builder.engine.name),
            _("Use another engine with --builder, or push the image with: keynet push"),
        )
    if output is not None and output.kind not in builder.formats:
        raise EngineError(
            fill(
                _("{engine} cannot write {kind}, only {able}."),
                engine=builder.engine.name,
                able=", ".join(sorted(builder.formats)),
                kind=output.kind,
            ),
            _("Use --output docker-archive:FILE, or --builder podman or buildah."),
        )
    if output is not None and output.kind == "docker-archive" and len(platforms) > 1:
        raise UsageError(
            fill(
                _("--output {text} cannot hold images for {platforms}: it holds one image."),
                text=output.text,
                platforms=", ".join(map(str, platforms)),
            ),
            _("Use --output oci:DIR or oci-archive:FILE, or one platform with --platform."),
        )
    return builder


def save(saver: Saver[Any], built: object, output: Output, emit: Emit) -> None:
    """Write the image; an older one is replaced when the new one is complete.

    Raises:
        EngineError: The engine could not write the image; an older one is unchanged.
    """
    # Engines refuse to overwrite a docker archive, leave half an archive behind when they fail,
    # and add to the images of a layout.
    is_layout = output.kind == "oci"
    parent = output.path if is_layout else output.path.parent
    made = not parent.exists()
    parent.mkdir(exist_ok=True)
    try:
        with living("output", parent) as folder:
            new = folder / "image"
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
    """Replace one layout by another; while files are moved, both images are complete."""
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


def _why_not_writable(kind: str, path: Path) -> str:
    if ":" in str(path):
        return _("the path has a colon, after which engines expect a tag")
    if not os.path.isdir(path.parent):  # noqa: PTH112  False where it is hidden from this user
        return fill(_("the folder {path} does not exist"), path=path.parent)
    if kind == "oci" and os.path.lexists(path):
        return _why_not_replaceable(path)
    if kind != "oci" and os.path.lexists(path) and not path.is_file():
        return _("it is not a regular file")
    if not places.is_writable(path.parent):
        return _("this user has no write access there")
    return ""


def _why_not_replaceable(path: Path) -> str:
    """Explain why a folder is not overwritten: it may contain more than one image."""
    if not path.is_dir():
        return _("it is not a folder")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return _("this user has no write access there")
    if not any(path.iterdir()):
        return ""
    try:
        index = limited_read.head(path / _INDEX, _LARGEST_INDEX, regular_only=True)
        images = len(json.loads(index)["manifests"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return _("the folder contains something else than an image")
    return "" if images == 1 else _("the folder contains other images too")
