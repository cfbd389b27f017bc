"""One image of an archive as the source of a copy."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import field, replace
from typing import Final

from keynet.archive.json_documents import ManifestModel, parse
from keynet.archive.layers import FileLayer
from keynet.errors import InvalidArchive
from keynet.frozen import frozen
from keynet.oci.content import Root
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Blob, Image, Layer
from keynet.oci.manifest import render_manifest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.text import _, fill

__all__ = ["BytesBlob", "ImageSource", "with_oci_types"]

_OCI_TYPES: Final = {
    MediaType.DOCKER_LAYER: MediaType.OCI_LAYER,
    MediaType.DOCKER_LAYER_GZIP: MediaType.OCI_LAYER_GZIP,
}


@frozen
class BytesBlob:
    """A blob in memory."""

    descriptor: Descriptor
    content: bytes = field(repr=False)
    origin: Reference | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes."""
        yield self.content


class ImageSource:
    """An image whose manifest was made while it was read, as those of docker's archives."""

    def __init__(self, name: str, image: Image) -> None:
        self.name = name
        self._image = image
        model = parse(ManifestModel, image.manifest, name, _("manifest"))
        media_type = model.media_type or MediaType.OCI_MANIFEST
        self._manifest = Descriptor.of(media_type, image.manifest)
        self._blobs: dict[Digest, Blob] = {each.descriptor.digest: each for each in image.layers}
        config = model.config.value()
        self._blobs[config.digest] = BytesBlob(config, image.config)

    async def root(self, platform: Platform | None, *, everything: bool) -> Root:
        """Return the image, which was chosen before."""
        return Root(self._manifest, made=True)

    async def image(self, root: Root) -> Image:
        """Return the image, which was chosen before."""
        return self._image

    async def document(self, descriptor: Descriptor) -> bytes:
        """Return the manifest.

        Raises:
            InvalidArchive: Another one is asked for.
        """
        if descriptor.digest != self._manifest.digest:
            raise InvalidArchive(
                fill(
                    _("{archive} has no manifest {digest}."),
                    archive=self.name,
                    digest=descriptor.digest,
                ),
                _("The file is incomplete; create it again."),
            )
        return self._image.manifest

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return config or layer."""
        return self._blobs[descriptor.digest]

    async def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """Return nothing: docker's archives have no referrers."""
        return ()


def with_oci_types(image: Image) -> Image:
    """Return the image with the OCI's manifest and media types; config and layers stay."""
    layers = tuple(_with_oci_type(layer) for layer in image.layers)
    config = Descriptor.of(MediaType.OCI_CONFIG, image.config)
    manifest = render_manifest(
        MediaType.OCI_MANIFEST, config, [layer.descriptor for layer in layers]
    )
    return Image(manifest, image.config, layers)


def _with_oci_type(layer: Layer) -> Layer:
    media_type = _OCI_TYPES.get(layer.descriptor.media_type)
    if media_type is None or not isinstance(layer, FileLayer):
        return layer
    return replace(layer, descriptor=replace(layer.descriptor, media_type=media_type))
