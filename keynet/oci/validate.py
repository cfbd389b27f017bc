"""Check that an image is consistent: digests, sizes, diff ids."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.text import _, fill

__all__ = ["Decompress", "LayerCheck", "document_problems", "problems"]

# Decompresses the next block of a layer; yields the result in pieces.
Decompress = Callable[[bytes], Iterable[bytes]]

_PLAIN: Final = (MediaType.OCI_LAYER, MediaType.DOCKER_LAYER)
_GZIP: Final = (MediaType.OCI_LAYER_GZIP, MediaType.DOCKER_LAYER_GZIP)
_OPENED_AT_ONCE: Final = 1 << 20


async def problems(
    image: Image, decompressors: Mapping[str, Callable[[], Decompress]] | None = None
) -> list[str]:
    """Read every byte of an image and list its inconsistencies, as texts for people.

    Args:
        image: Its layers are read once each.
        decompressors: By media type of a layer, used in place of zlib. A diff id is not checked
            if its layer cannot be decompressed here.

    Returns:
        An empty list for a valid image.
    """
    found = document_problems(image)
    for layer in image.layers:
        check = LayerCheck(layer.descriptor, layer.diff_id, decompressors or {})
        async for block in layer.chunks():
            check.feed(block)
        found += check.problems()
    return found


def document_problems(image: Image) -> list[str]:
    """List the inconsistencies of manifest and config, without reading a layer."""
    manifest, config = _object(image.manifest), _object(image.config)
    if manifest is None or config is None:
        return [_("The manifest or the config is not a JSON object.")]
    if "layers" in manifest and "manifests" in manifest:
        return [_("The manifest has both layers and manifests.")]
    found = []
    if not _same(manifest.get("config"), Digest.of(image.config), len(image.config)):
        found.append(_("The manifest's config does not match the image's config."))
    listed = manifest.get("layers")
    held = [layer.descriptor for layer in image.layers]
    if not isinstance(listed, list) or len(listed) != len(held):
        found.append(_("The manifest's layers do not match the image's layers."))
    else:
        found += [
            fill(
                _("Layer {number} of the manifest is not {digest} with {size} bytes."),
                number=number,
                digest=descriptor.digest,
                size=descriptor.size,
            )
            for number, (entry, descriptor) in enumerate(zip(listed, held, strict=True), 1)
            if not _same(entry, descriptor.digest, descriptor.size)
        ]
    rootfs = config.get("rootfs")
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if (diff_ids or []) != [str(layer.diff_id) for layer in image.layers]:
        found.append(_("The config's diff_ids do not match the layers."))
    return found


class LayerCheck:
    """Compare a layer's bytes, fed in order, with its descriptor and diff id."""

    def __init__(
        self,
        descriptor: Descriptor,
        diff_id: Digest,
        decompressors: Mapping[str, Callable[[], Decompress]],
    ) -> None:
        self._descriptor = descriptor
        self._diff_id = diff_id
        self._size = 0
        self._stored = hashlib.new(descriptor.digest.algorithm)
        self._opened = hashlib.new(diff_id.algorithm)
        self._decompress = _decompressor(descriptor.media_type, decompressors)
        self._broken = ""

    def feed(self, block: bytes) -> None:
        """Add the next bytes as stored."""
        self._size += len(block)
        self._stored.update(block)
        if self._decompress is None or self._broken:
            return
        try:
            for piece in self._decompress(block):
                self._opened.update(piece)
        except zlib.error as error:
            self._broken = str(error)

    def problems(self) -> list[str]:
        """List the differences, after the last bytes."""
        announced, found = self._descriptor, []
        if self._size != announced.size:
            found.append(
                fill(
                    _("Layer {digest} has {actual} bytes, not {size}."),
                    digest=announced.digest,
                    actual=self._size,
                    size=announced.size,
                )
            )
        if self._stored.hexdigest() != announced.digest.hex:
            found.append(
                fill(
                    _("Layer {digest} has the digest {actual}."),
                    digest=announced.digest,
                    actual=self._stored.hexdigest(),
                )
            )
        if self._broken:
            found.append(
                fill(
                    _("Layer {digest} cannot be decompressed: {reason}."),
                    digest=announced.digest,
                    reason=self._broken,
                )
            )
        elif self._decompress is not None and self._opened.hexdigest() != self._diff_id.hex:
            found.append(
                fill(
                    _("Layer {digest} decompresses to {actual}, but its diff id is {diff_id}."),
                    digest=announced.digest,
                    actual=self._opened.hexdigest(),
                    diff_id=self._diff_id,
                )
            )
        return found


def _decompressor(
    media_type: str, given: Mapping[str, Callable[[], Decompress]]
) -> Decompress | None:
    if media_type in given:
        return given[media_type]()
    if media_type in _PLAIN:
        return lambda block: (block,)
    if media_type in _GZIP:
        return _gunzip()
    return None


def _gunzip() -> Decompress:
    inner = zlib.decompressobj(wbits=31)

    def feed(block: bytes) -> Iterable[bytes]:
        nonlocal inner
        while block:
            if inner.eof:
                inner = zlib.decompressobj(wbits=31)
            yield inner.decompress(block, _OPENED_AT_ONCE)
            block = inner.unused_data if inner.eof else inner.unconsumed_tail

    return feed


def _object(document: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(document)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _same(entry: object, digest: Digest, size: int) -> bool:
    return (
        isinstance(entry, dict) and entry.get("digest") == str(digest) and entry.get("size") == size
    )
