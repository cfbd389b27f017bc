"""Remember which repositories of a registry have a layer, so that it can be mounted from there.

It only saves work: a registry that has lost it gets it again.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from keynet.errors import KeynetError
from keynet.files import atomic, places
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image, Layer
from keynet.oci.reference import Reference

__all__ = ["mountable", "placed", "remember"]

_LONGEST: Final = 300


@frozen
class _Placed:
    """A layer that can also be mounted from another repository than its own."""

    layer: Layer
    origin: Reference | None

    @property
    def descriptor(self) -> Descriptor:
        return self.layer.descriptor

    @property
    def diff_id(self) -> Digest:
        return self.layer.diff_id

    @property
    def checks_digest(self) -> bool:
        return getattr(self.layer, "checks_digest", False) is True

    def chunks(self) -> Any:
        return self.layer.chunks()


def mountable(image: Image, registry: str, folder: Path) -> Image:
    """Return the image with layers that name a repository of this registry, where one is known.

    Args:
        folder: Of the records; it need not exist.
    """
    return replace(image, layers=tuple(placed(each, registry, folder) for each in image.layers))


def remember(layers: Iterable[Layer], target: Reference, folder: Path) -> None:
    """Remember that the repository of ``target`` has these layers."""
    with contextlib.suppress(OSError):
        places.make_private(folder)
        for layer in layers:
            file = _file(folder, target.registry, layer.descriptor.digest)
            if not file.exists():
                atomic.write(file, target.repository, flushed=False)


def placed(layer: Layer, registry: str, folder: Path) -> Layer:
    """Return a layer that names a repository of this registry, if one is known."""
    if layer.origin is not None and layer.origin.registry == registry:
        return layer
    try:
        with _file(folder, registry, layer.descriptor.digest).open(encoding="utf-8") as file:
            return _Placed(layer, Reference(registry, file.read(_LONGEST)))
    except (OSError, ValueError, KeynetError):
        return layer


def _file(folder: Path, registry: str, digest: Digest) -> Path:
    place = hashlib.sha256(registry.encode()).hexdigest()[:16]
    return folder / f"at-{place}-{digest.hex}"
