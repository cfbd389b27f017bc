"""Send images to a registry, to a cache in one, or to an OCI layout."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from keynet.direct.caching.registry_cache import RegistryCache, Stored, open_cache, write_cache
from keynet.direct.early_sending import EarlySending
from keynet.direct.image_making import Made
from keynet.direct.layers import mounting
from keynet.events import Emit
from keynet.files import places
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.registry.account_client import open_client
from keynet.registry.transfer.push_image import push_image

__all__ = ["held_by", "mounts", "push_images", "root_of", "save_images", "write_to_cache"]


def mounts() -> Path:
    """Return the folder that remembers which repositories have which layers."""
    return places.cache() / "direct" / "mounts"


def held_by(cache: RegistryCache | None, target: Reference) -> list[str]:
    """Return the cache's repository if it is in the registry of ``target``."""
    same = cache is not None and cache.reference.registry == target.registry
    return [cache.reference.repository] if cache is not None and same else []


async def push_images(
    images: Sequence[Made],
    target: Reference,
    access: RegistryAccess,
    cache: RegistryCache | None,
    emit: Emit,
    early: EarlySending | None = None,
) -> Descriptor:
    """Send what the registry lacks, and an index if there are several platforms.

    Args:
        cache: Whose repository may hold layers that can be mounted.
        early: Has begun to send layers of the only image.

    Raises:
        RegistryError: The registry refuses or fails.
    """
    also_in = held_by(cache, target)
    folder = mounts()
    placed = [
        (made.platform, mounting.mountable(made.image, target.registry, folder)) for made in images
    ]
    if early is not None and early.begun:
        return await early.push(placed[0][1])
    async with open_client(target.registry, access, emit) as client:
        if len(placed) == 1:
            return await push_image(
                client,
                placed[0][1],
                target,
                mount_from=also_in,
                emit=emit,
                # The name is that of a new upload key: nothing is there.
                known_missing=True,
                new_repository=True,
            )
        from keynet.registry.transfer.push_index import push_index

        return await push_index(client, placed, target, mount_from=also_in, emit=emit)


async def write_to_cache(
    reference: Reference,
    images: Sequence[Stored],
    target: Reference | None,
    access: RegistryAccess | None,
    emit: Emit,
) -> None:
    """Add images to a cache in a registry; ``target`` is where they were pushed."""
    async with open_cache(reference, access) as client:
        await write_cache(client, reference, images, target, emit)


def root_of(images: Sequence[Made]) -> tuple[bytes, Descriptor]:
    """Return what a tag names once they are pushed: the only image's manifest, or an index."""
    if len(images) == 1:
        content = images[0].image.manifest
        return content, Descriptor.of(MediaType.OCI_MANIFEST, content)
    from keynet.registry.transfer.push_index import index_of

    content = index_of([(made.platform, made.image) for made in images])
    return content, Descriptor.of(MediaType.OCI_INDEX, content)


async def save_images(
    kind: Literal["oci", "oci-archive"], path: Path, images: Sequence[Made], emit: Emit
) -> None:
    """Write images to a folder or a file, as an OCI layout with one image or one index.

    Raises:
        KeynetError: It cannot be written, or a layer cannot be read.
    """
    from keynet.archive.layout.archive_target import writing_archive
    from keynet.archive.layout.folder_target import writing_folder

    writing = writing_folder if kind == "oci" else writing_archive
    async with writing(path, emit) as target:
        for made in images:
            for layer in made.image.layers:
                await target.add_blob(layer)
            config = Descriptor.of(MediaType.OCI_CONFIG, made.image.config)
            await target.add_manifest(made.image.config, config)
            manifest = Descriptor.of(MediaType.OCI_MANIFEST, made.image.manifest)
            await target.add_manifest(made.image.manifest, manifest)
        content, root = root_of(images)
        await target.add_root(content, root, None)
