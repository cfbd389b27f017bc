"""Push an image: missing blobs are mounted or sent, then the manifest is stored.

Source: OCI distribution-spec, "Push".
"""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Final

from keynet.errors import ValidationError
from keynet.events import BlobSkipped, Emit, ignore
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.image import Image, Layer
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.wire import ManifestWire, check_manifest
from keynet.text import _, fill

__all__ = ["CONCURRENCY", "already_pushed", "push_image"]

CONCURRENCY: Final = 4


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

    Returns:
        The manifest as it is stored, verified.

    Raises:
        ValidationError: Manifest, config and layers do not belong together.
        RegistryError: The registry refuses or keeps failing; no tag points to what was sent.
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
    identifiers: list[str] = [*dict.fromkeys([target.identifier, *tags])]
    stored = Descriptor.of(media_type, image.manifest)
    layers = {layer.descriptor.digest: layer for layer in image.layers}
    layers.pop(config.digest, None)
    if not known_missing and await already_pushed(client, image, target, tags=tags, emit=emit):
        return stored
    gate = asyncio.Semaphore(concurrency)

    async def send(layer: Layer) -> None:
        origins = list(mount_from)
        origin = layer.origin
        if origin is not None and origin.registry == client.registry:
            origins.insert(0, origin.repository)
        async with gate:
            await client.upload(
                target.repository,
                layer.descriptor,
                layer.chunks,
                mount_from=origins,
                chunk_size=chunk_size,
                emit=emit,
                # Some layers hash themselves while they are read.
                checked=getattr(layer, "checks_digest", False) is True,
            )

    async def send_config() -> None:
        async with gate:
            await client.upload_bytes(target.repository, config.media_type, image.config, emit=emit)

    first = client.looks_denied
    if first:
        # Where nothing is allowed, one refusal is enough.
        await send_config()
    jobs = [send(layer) for layer in layers.values()]
    await _all(jobs if first else [*jobs, send_config()])
    stored, _tracked = await client.put_manifest(
        target.repository, identifiers[0], image.manifest, media_type
    )
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


async def _all(jobs: Iterable[Coroutine[object, object, None]]) -> None:
    """Run all jobs; the first failure cancels the others and is raised as it is."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
