"""Push an image: missing blobs are mounted or sent, then the manifest is stored.

Source: OCI distribution-spec, "Push".
"""

from collections.abc import Sequence
from typing import Final

from keynet.errors import RegistryError, ValidationError
from keynet.events import BlobSkipped, Emit, Notice, ignore
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.registry import manifests
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.blob_sending import CONCURRENCY, BlobSending
from keynet.registry.wire import ManifestWire, check_manifest
from keynet.text import _, fill

__all__ = ["CONCURRENCY", "already_pushed", "push_image"]

# docker's limit; registries have none but the size of the manifest.
_MOST_LAYERS_OF_ENGINES: Final = 127

# Codes of a manifest that is refused for the sake of its blobs.
_BLOB_MISSING: Final = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})


async def push_image(
    client: RegistryClient,
    image: Image,
    target: Reference,
    *,
    tags: Sequence[str] = (),
    mount_from: Sequence[str] = (),
    emit: Emit = ignore,
    concurrency: int = CONCURRENCY,
    chunk_size: int | None = None,
    known_missing: bool = False,
    new_repository: bool = False,
    begun: BlobSending | None = None,
) -> Descriptor:
    """Push an image; layers concurrently, each only where the registry lacks it.

    When every tag points to this very manifest already (``already_pushed``), nothing is sent. A
    layer that the registry has is not read: the registry hashed what it has under that digest
    when it came, so an archive that claims a wrong digest changes nothing.

    Args:
        target: In the client's registry; without tag and digest the tag is ``latest``.
        tags: Further tags for the same manifest.
        mount_from: Repositories of the same registry that may hold layers, in addition to the
            layers' own ``origin``.
        concurrency: Layers sent at the same time.
        chunk_size: Bytes in one upload request; see ``keynet.registry.transfer.upload.Upload``.
        known_missing: ``already_pushed`` has just returned False.
        new_repository: It probably holds nothing yet: what can be mounted and what is small is
            not looked for first.
        begun: Has begun to send some of the blobs there, by the same client; its own settings
            count.

    Returns:
        The manifest as it is stored, verified.

    Raises:
        ValidationError: Manifest, config and layers do not belong together.
        RegistryError: The manifest is larger than registries accept, before anything is sent; or
            the registry refuses or keeps failing; no tag points to what was sent.
    """
    manifest = check_manifest(image.manifest, None)
    media_type = manifest.mediaType or MediaType.OCI_MANIFEST
    config = _matching_config(image, manifest)
    if target.digest is not None and target.digest != Descriptor.of("", image.manifest).digest:
        raise ValidationError(
            fill(
                _("The image is not {digest}, so it cannot be pushed under that digest."),
                digest=target.digest,
            ),
            _("Push it under a tag."),
        )
    manifests.check_size(image.manifest, target.repository)
    identifiers: list[str] = [*dict.fromkeys([target.identifier, *tags])]
    stored = Descriptor.of(media_type, image.manifest)
    layers = {layer.descriptor.digest: layer for layer in image.layers}
    layers.pop(config.digest, None)
    if not known_missing and await already_pushed(client, image, target, tags=tags, emit=emit):
        return stored
    if len(image.layers) > _MOST_LAYERS_OF_ENGINES:
        emit(Notice(_too_many_layers(len(image.layers))))
    if begun is None:
        begun = BlobSending(
            client,
            target.repository,
            emit=emit,
            mount_from=mount_from,
            concurrency=concurrency,
            chunk_size=chunk_size,
            new_repository=new_repository,
        )
    await begun.send(layers.values(), image.config, config.media_type)
    try:
        await client.put_manifest(target.repository, identifiers[0], image.manifest, media_type)
    except RegistryError as error:
        if error.code not in _BLOB_MISSING:
            raise
        # It said that it had them, or that it mounted them.
        await begun.send_all_the_same(layers.values(), image.config, config.media_type)
        await client.put_manifest(target.repository, identifiers[0], image.manifest, media_type)
    for tag in identifiers[1:]:
        await client.put_manifest(target.repository, tag, image.manifest, media_type)
    return stored


async def already_pushed(
    client: RegistryClient,
    image: Image,
    target: Reference,
    *,
    tags: Sequence[str] = (),
    emit: Emit = ignore,
) -> bool:
    """Report whether the tags point to this very image already; no layer is read.

    The registry checked that it had the blobs when it accepted the manifest, and it keeps them as
    long as it lists the manifest; so they are not looked up.

    Args:
        target: As for ``push_image``.
        emit: Called for each blob as skipped when the image is there.

    Raises:
        ValidationError: Manifest, config and layers do not belong together.
    """
    manifest = check_manifest(image.manifest, None)
    config = _matching_config(image, manifest)
    digest = Descriptor.of("", image.manifest).digest
    for identifier in dict.fromkeys([target.identifier, *tags]):
        found = await client.look_for_manifest(target.repository, identifier)
        if found is None or (found.digest, found.media_type) != (
            digest,
            manifest.mediaType or MediaType.OCI_MANIFEST,
        ):
            return False
    blobs = {blob.digest: blob for blob in (*(one.descriptor for one in image.layers), config)}
    for blob in blobs.values():
        emit(BlobSkipped(str(blob.digest), blob.size))
    return True


def _matching_config(image: Image, manifest: ManifestWire) -> Descriptor:
    """Check that the image has the parts its manifest names; return the config's descriptor."""
    if manifest.config is None or manifest.layers is None:
        raise ValidationError(
            _("This is an index of several images, not one image."),
            _("Choose one platform."),
        )
    config = manifest.config.value()
    named = [entry.value() for entry in manifest.layers]
    present = [layer.descriptor for layer in image.layers]
    if config.digest != Descriptor.of("", image.config).digest or [
        (entry.digest, entry.size) for entry in named
    ] != [(entry.digest, entry.size) for entry in present]:
        raise ValidationError(
            _("The manifest names another config or other layers than the image has."),
            _("The image is inconsistent; create it again."),
        )
    return config


def _too_many_layers(count: int) -> str:
    return fill(
        _(
            "The image has {count} layers. Registries accept that, but docker runs images with at "
            "most {most} layers: build it with fewer to run it there."
        ),
        count=count,
        most=_MOST_LAYERS_OF_ENGINES,
    )
