"""Random images: values whose layers are bytes in memory, or made anew at each reading."""

import hashlib
import json
import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.manifest import render_manifest
from keynet.oci.reference import Reference

__all__ = ["BytesLayer", "RandomLayer", "random_image"]


@dataclass(frozen=True)
class BytesLayer:
    """A layer whose bytes are at hand, given in pieces."""

    content: bytes
    media_type: str = MediaType.OCI_LAYER
    origin: Reference | None = None
    piece: int = 1 << 20

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor.of(self.media_type, self.content)

    @property
    def diff_id(self) -> Digest:
        return Digest.of(self.content)

    async def chunks(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), self.piece):
            yield self.content[start : start + self.piece]


@dataclass(frozen=True)
class RandomLayer:
    """A layer of any size that costs no memory: its bytes come from a seed at each reading."""

    descriptor: Descriptor
    seed: int
    origin: Reference | None = None

    @classmethod
    def make(cls, seed: int, size: int) -> "RandomLayer":
        hasher = hashlib.sha256()
        for block in _blocks(seed, size):
            hasher.update(block)
        digest = Digest("sha256", hasher.hexdigest())
        return cls(Descriptor(MediaType.OCI_LAYER, digest, size), seed)

    @property
    def diff_id(self) -> Digest:
        return self.descriptor.digest

    async def chunks(self) -> AsyncIterator[bytes]:
        for block in _blocks(self.seed, self.descriptor.size):
            yield block


def _blocks(seed: int, size: int) -> Iterator[bytes]:
    base = random.Random(seed).randbytes(min(size, 1 << 20))
    for number, start in enumerate(range(0, size, 1 << 20)):
        length = min(1 << 20, size - start)
        # Every block differs, so that a byte at the wrong place is noticed.
        yield (number.to_bytes(8, "big") + base[8:])[:length]


def random_image(
    seed: int,
    *,
    sizes: tuple[int, ...] = (0, 1, 1000, 70_000),
    manifest_type: str = MediaType.OCI_MANIFEST,
) -> Image:
    """Make an image whose layers have these sizes; equal seeds give equal images."""
    rng = random.Random(seed)
    layer_type = (
        MediaType.OCI_LAYER if manifest_type == MediaType.OCI_MANIFEST else MediaType.DOCKER_LAYER
    )
    layers = tuple(BytesLayer(rng.randbytes(size), layer_type) for size in sizes)
    return image_of(layers, seed, manifest_type)


def image_of(
    layers: tuple[BytesLayer | RandomLayer, ...],
    seed: int = 0,
    manifest_type: str = MediaType.OCI_MANIFEST,
) -> Image:
    """Put layers together with a config and a manifest."""
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"seed": str(seed)}},
            "rootfs": {"type": "layers", "diff_ids": [str(layer.diff_id) for layer in layers]},
        }
    ).encode()
    config_type = (
        MediaType.OCI_CONFIG if manifest_type == MediaType.OCI_MANIFEST else MediaType.DOCKER_CONFIG
    )
    manifest = render_manifest(
        manifest_type,
        Descriptor.of(config_type, config),
        [layer.descriptor for layer in layers],
    )
    return Image(manifest, config, layers)
