"""An image in a registry, as a value whose layers are read when they are needed.

Source: OCI distribution-spec, "Pull".
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import field
from typing import ClassVar

from keynet.errors import NotFound, ValidationError
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.kinds import foreign_type, is_foreign_layer, not_an_image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry import wire
from keynet.registry.client import RegistryClient
from keynet.registry.kept_documents import KeptDocuments
from keynet.registry.manifests import Manifest
from keynet.text import _, fill

__all__ = ["RemoteLayer", "fetch_image", "kept_image", "read_image", "require_image"]


@frozen
class RemoteLayer:
    """A layer that is still in its registry; ``chunks`` needs the client to be open."""

    descriptor: Descriptor
    diff_id: Digest
    origin: Reference | None
    checks_digest: ClassVar[bool] = True
    client: RegistryClient = field(repr=False, compare=False)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Read the bytes as stored, from byte 0 at every call, verified at the end.

        Raises:
            NotFound: The registry does not have it; a foreign layer is named as such.
        """
        assert self.origin is not None
        try:
            async with aclosing(
                self.client.get_blob(self.origin.repository, self.descriptor)
            ) as chunks:
                async for chunk in chunks:
                    yield chunk
        except NotFound as error:
            if not is_foreign_layer(self.descriptor):
                raise
            raise _not_here(self.descriptor, self.origin) from error


async def fetch_image(
    client: RegistryClient, source: Reference, platform: Platform | None = None
) -> Image:
    """Read manifest and config of one image, or of an artifact; its layers are read later.

    Raises:
        NotFound: The registry has none of that name, or none for the platform.
        ValidationError: Config and manifest do not belong together.
        DigestMismatch: The registry sent other bytes than it announced.
    """
    from keynet.registry.transfer.select_image import fetch_manifest

    return await read_image(client, source, await fetch_manifest(client, source, platform))


def kept_image(
    client: RegistryClient, source: Reference, platform: Platform, kept: KeptDocuments
) -> Image | None:
    """Return an image named by its digest without a request; None where that cannot be.

    Args:
        client: Its layers are read with it.
    """
    manifest = None if source.digest is None else kept.manifest(source.digest)
    if manifest is None or manifest.config is None:
        return None
    config = kept.config(manifest.config)
    if config is None or foreign_type(manifest.config, manifest.layers) is not None:
        return None
    found = wire.read_config(config).platform()
    if found is None or not found.matches(platform):
        return None
    return _image(client, source, manifest, config)


async def read_image(client: RegistryClient, source: Reference, manifest: Manifest) -> Image:
    """Read the config that belongs to a manifest; see ``fetch_image``."""
    from keynet.registry.transfer.select_image import read_config

    return _image(client, source, manifest, await read_config(client, source, manifest))


def _image(client: RegistryClient, source: Reference, manifest: Manifest, config: bytes) -> Image:
    if foreign_type(manifest.config, manifest.layers) is None:
        diff_ids = _diff_ids(config, manifest.layers, source)
    else:
        # The files of an artifact are no layers: their digests serve as diff ids.
        diff_ids = [layer.digest for layer in manifest.layers]
    return Image(
        manifest.content,
        config,
        tuple(
            RemoteLayer(layer, diff_id, Reference(source.registry, source.repository), client)
            for layer, diff_id in zip(manifest.layers, diff_ids, strict=True)
        ),
    )


def require_image(manifest: Manifest, source: Reference) -> None:
    """Check that a manifest is an image's, which an engine can load.

    Raises:
        ValidationError: It is an artifact: a chart, a signature, an attestation.
    """
    foreign = foreign_type(manifest.config, manifest.layers)
    if foreign is not None:
        raise not_an_image(str(source), manifest.descriptor.artifact_type or foreign)


def _diff_ids(config: bytes, layers: Sequence[Descriptor], source: Reference) -> list[Digest]:
    named = wire.read_config(config).rootfs.diff_ids
    if len(named) != len(layers):
        raise ValidationError(
            fill(
                _("{reference} has {layers} layers, but its config names {named}."),
                reference=source,
                layers=len(layers),
                named=len(named),
            ),
            _("The image is damaged. Choose another one, or have it built and pushed again."),
        )
    return [Digest.parse(text) for text in named]


def _not_here(layer: Descriptor, origin: Reference) -> NotFound:
    return NotFound(
        fill(
            _("Layer {digest} of {repository} is a foreign layer, which its registry lacks."),
            digest=layer.digest,
            repository=origin.name,
        ),
        _("Its licence forbids to distribute it: pull the image with docker on Windows instead."),
        status=404,
    )
