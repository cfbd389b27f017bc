"""Compress plain layers before an upload, if that makes them smaller.

docker save writes layers as plain tars; docker push compresses them. Layers that do not shrink
(weights, archives, images) are sent as they are, because gzip would only cost time.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final, Literal

from isal import isal_zlib

from keynet.archive.byte_source import scratch_file
from keynet.archive.json_documents import ManifestModel, parse
from keynet.archive.layers import FileLayer
from keynet.errors import TarReadError
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.image import Image, Layer
from keynet.oci.manifest import layer_type, render_manifest
from keynet.text import _, fill

__all__ = ["Policy", "compressed"]

# "auto" compresses a plain layer if a sample of it shrinks; "gzip" every plain layer; "none" none.
Policy = Literal["auto", "gzip", "none"]

# isal's level 1 compresses as well as zlib's in a quarter of the time; higher levels gain 1 %.
_LEVEL: Final = 1
_GZIP_WBITS: Final = 31
_SAMPLE: Final = 256 << 10
_SAMPLES: Final = 4
_WORTH: Final = 0.9


@asynccontextmanager
async def compressed(image: Image, policy: Policy = "auto") -> AsyncIterator[Image]:
    """Return the image with its plain layers compressed; valid until the block ends.

    Layers are compressed by one thread per core, each into one unnamed file on disk, so that an
    image of thousands of layers does not need as many open files. If there is no layer
    to compress, the image is returned unchanged, with the same manifest and digest.

    Raises:
        InvalidArchive: The digest of a layer does not match.
        TarReadError: No space is left on the disk.
    """
    with ExitStack() as files:
        gate = asyncio.Semaphore(_cores())
        done: dict[Digest, FileLayer] = {}
        idle: list[_Scratch] = []

        async def work(layer: FileLayer) -> None:
            async with gate:
                if policy == "gzip" or await asyncio.to_thread(_shrinks, layer):
                    scratch = idle.pop() if idle else _Scratch(files, layer.file.name)
                    done[layer.diff_id] = await asyncio.to_thread(_compress, layer, scratch)
                    idle.append(scratch)

        plain = _plain_layers(image)
        if policy != "none":
            await asyncio.gather(*(work(layer) for layer in plain.values()))
        yield _with_layers(image, done) if done else image


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _plain_layers(image: Image) -> dict[Digest, FileLayer]:
    types = (MediaType.DOCKER_LAYER, MediaType.OCI_LAYER)
    return {
        layer.diff_id: layer
        for layer in image.layers
        if isinstance(layer, FileLayer) and layer.descriptor.media_type in types
    }


def _shrinks(layer: FileLayer) -> bool:
    """Report whether a layer is worth compressing, from samples of it."""
    size = layer.descriptor.size
    step = max(_SAMPLE, size // _SAMPLES)
    taken = given = 0
    for position in range(0, size, step):
        block = layer.file.read(layer.offset + position, min(_SAMPLE, size - position))
        taken += len(block)
        given += len(isal_zlib.compress(block, _LEVEL))
    return given < taken * _WORTH


def _compress(layer: FileLayer, scratch: "_Scratch") -> FileLayer:
    compressor = isal_zlib.compressobj(level=_LEVEL, wbits=_GZIP_WBITS)
    hasher = hashlib.sha256()
    start = scratch.size

    def put(piece: bytes) -> None:
        hasher.update(piece)
        scratch.append(piece)

    for block in layer.blocks():
        put(compressor.compress(block))
    put(compressor.flush())
    family = (
        MediaType.OCI_MANIFEST
        if layer.descriptor.media_type == MediaType.OCI_LAYER
        else MediaType.DOCKER_MANIFEST
    )
    descriptor = replace(
        layer.descriptor,
        media_type=layer_type(family, "gzip"),
        digest=Digest("sha256", hasher.hexdigest()),
        size=scratch.size - start,
    )
    return replace(layer, descriptor=descriptor, offset=start, file=scratch)


def _with_layers(image: Image, done: dict[Digest, FileLayer]) -> Image:
    layers: tuple[Layer, ...] = tuple(done.get(layer.diff_id, layer) for layer in image.layers)
    manifest = parse(ManifestModel, image.manifest, _("image"), _("manifest"))
    media_type = manifest.media_type or MediaType.OCI_MANIFEST
    return Image(
        render_manifest(
            media_type, manifest.config.value(), [layer.descriptor for layer in layers]
        ),
        image.config,
        layers,
    )


class _Scratch:
    """An unnamed file to which layers are appended, and which is read at any offset.

    Args:
        name: The archive's, for error messages.
    """

    def __init__(self, files: ExitStack, name: str) -> None:
        self.name = name
        self.size = 0
        try:
            # Not the bare descriptor: once it is closed its number may be another file's, and a
            # thread whose push was cancelled may still write.
            self._file = os.fdopen(scratch_file(), "r+b", buffering=0)
        except OSError as error:
            raise self._failed(error) from error
        files.callback(self._file.close)

    def append(self, piece: bytes) -> None:
        view = memoryview(piece)
        try:
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            raise self._failed(error) from error
        self.size += len(piece)

    def read(self, offset: int, length: int) -> bytes:
        block = os.pread(self._file.fileno(), length, offset)
        while len(block) < length:
            rest = length - len(block)
            block += os.pread(self._file.fileno(), rest, offset + len(block))
        return block

    def _failed(self, error: OSError) -> TarReadError:
        return TarReadError(
            fill(
                _("{name} cannot be compressed: {reason}."),
                name=self.name,
                reason=error.strerror or error,
            ),
            _("Free some disk space, or set TMPDIR to a folder on another disk."),
        )
