"""Write an image to an archive, complete and verified or not at all."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Final, Literal

from keynet.archive.compression import MAGIC, Decompressor, sniff
from keynet.archive.tar_writer import TarWriter, replacing
from keynet.errors import DigestMismatch
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image, Layer, opened
from keynet.oci.inspect import json_object
from keynet.text import _, fill

__all__ = ["Layout", "write_archive"]

Layout = Literal["docker", "oci"]

_REF_NAME: Final = "org.opencontainers.image.ref.name"
_FULL_NAME: Final = "io.containerd.image.name"


async def write_archive(path: Path, image: Image, *, layout: Layout, name: str | None) -> None:
    """Write one image; the file appears only when it is complete and verified.

    Args:
        path: Replaced if it exists.
        image: Every layer is read once.
        layout: ``"docker"`` decompresses the layers, as docker load expects; ``"oci"`` keeps
            every byte and so every digest.
        name: Repository and tag under which engines load it (``app:1``), None for none.

    Raises:
        DigestMismatch: The digest or the diff id of a layer does not match.
        KeynetError: The file cannot be written.
    """
    with replacing(path) as descriptor:
        tar = TarWriter(descriptor)
        if layout == "oci":
            await _write_oci(tar, image, name)
        else:
            await _write_docker(tar, image, name)
        tar.finish()


async def _write_oci(tar: TarWriter, image: Image, name: str | None) -> None:
    written: set[Digest] = set()
    for layer in image.layers:
        if layer.descriptor.digest not in written:
            written.add(layer.descriptor.digest)
            await tar.stream(_blob(layer.descriptor.digest), _checked(layer))
    for document in (image.config, image.manifest):
        digest = Digest.of(document)
        if digest not in written:
            written.add(digest)
            tar.add(_blob(digest), document)
    manifest = json_object(image.manifest, _("the manifest"))
    # Before OCI 1.1 mediaType was optional in a manifest.
    manifest_type = manifest.get("mediaType", MediaType.OCI_MANIFEST)
    annotations = {_REF_NAME: name, _FULL_NAME: name} if name else {}
    entry = Descriptor.of(manifest_type, image.manifest, annotations).to_json()
    tar.add(
        "index.json",
        _json({"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": [entry]}),
    )
    tar.add("oci-layout", _json({"imageLayoutVersion": "1.0.0"}))


async def _write_docker(tar: TarWriter, image: Image, name: str | None) -> None:
    members = [f"{layer.diff_id.hex}.tar" for layer in image.layers]
    written: set[str] = set()
    for layer, member in zip(image.layers, members, strict=True):
        if member not in written:
            written.add(member)
            await tar.stream(member, _decompressed(layer))
    config = f"{Digest.of(image.config).hex}.json"
    tar.add(config, image.config)
    entry = {"Config": config, "RepoTags": [name] if name else None, "Layers": members}
    tar.add("manifest.json", _json([entry]))


async def _verified(layer: Layer) -> AsyncGenerator[bytes, None]:
    hasher = hashlib.new(layer.descriptor.digest.algorithm)
    async with opened(layer) as blocks:
        async for block in blocks:
            await asyncio.to_thread(hasher.update, block)
            yield block
    hint = _("Nothing was written. The registry, or a proxy in between, changes the content.")
    _compare(_("A layer"), hasher.hexdigest(), layer.descriptor.digest, hint)


async def _checked(layer: Layer) -> AsyncGenerator[bytes, None]:
    """Yield a layer as stored, and check digest and diff id."""
    opening = _Opening(layer)
    async with aclosing(_verified(layer)) as blocks:
        async for block in blocks:
            await asyncio.to_thread(opening.swallow, block)
            yield block
    opening.finish()


async def _decompressed(layer: Layer) -> AsyncGenerator[bytes, None]:
    """Yield a layer decompressed, and check digest and diff id."""
    opening = _Opening(layer)
    async with aclosing(_verified(layer)) as blocks:
        async for block in blocks:
            pieces = opening.feed(block)
            while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
                yield piece
    if rest := opening.finish():
        yield rest


class _Opening:
    """Decompress a layer by what it is, not by its media type, as engines do; hash the result."""

    def __init__(self, layer: Layer) -> None:
        self._diff_id = layer.diff_id
        self._name = fill(_("layer {digest}"), digest=layer.descriptor.digest.short)
        self._hasher = hashlib.new(layer.diff_id.algorithm)
        self._head = b""
        self._decompressor: Decompressor | None = None

    def feed(self, block: bytes) -> Iterator[bytes]:
        self._head += block if self._decompressor is None else b""
        if self._decompressor is None:
            if len(self._head) < MAGIC:
                return
            block, self._head = self._head, b""
            self._decompressor = Decompressor(sniff(block), self._name)
        for piece in self._decompressor.feed(block):
            self._hasher.update(piece)
            yield piece

    def swallow(self, block: bytes) -> None:
        """Hash a block's decompressed bytes and drop them."""
        for _piece in self.feed(block):
            pass

    def finish(self) -> bytes:
        """Return what was held back: a layer that is shorter than any compressed stream."""
        if self._decompressor is None:
            self._hasher.update(self._head)
        else:
            self._decompressor.finish()
        hint = _("Nothing was written. The image's config is not of its layers: build it again.")
        _compare(_("A decompressed layer"), self._hasher.hexdigest(), self._diff_id, hint)
        return self._head


def _compare(what: str, actual: str, announced: Digest, hint: str) -> None:
    if actual != announced.hex:
        raise DigestMismatch(
            fill(
                _("{what} has the digest {actual}, not {announced}."),
                what=what,
                actual=f"{announced.algorithm}:{actual}",
                announced=announced,
            ),
            hint,
        )


def _blob(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
