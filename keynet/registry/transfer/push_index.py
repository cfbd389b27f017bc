"""Push images for several platforms and the index that lists them.

Source: OCI image-spec, "Image Index".
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from keynet.errors import ValidationError
from keynet.events import Emit, ignore
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.manifest import render_index
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.push_image import push_image
from keynet.registry.wire import check_manifest
from keynet.text import _, fill

__all__ = ["index_of", "push_index"]

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


async def push_index(
    client: RegistryClient,
    images: Sequence[tuple[Platform, Image]],
    target: Reference,
    *,
    annotations: Mapping[str, str] = _NOTHING,
    mount_from: Sequence[str] = (),
    emit: Emit = ignore,
    known_missing: bool = False,
) -> Descriptor:
    """Push images by their digests, then their index under the target's tag.

    Layers that images share are sent once: they are there when the next image comes.

    Args:
        images: One for each platform, in the order of the index.
        target: In the client's registry; without a tag it is ``latest``.
        annotations: Of the index.
        mount_from: As for ``push_image``.
        known_missing: The repository is known to have none of the images.

    Returns:
        The index as it is stored.

    Raises:
        ValidationError: Two images are for the same platform.
        RegistryError: The registry refuses or fails; no tag points to what was sent.
    """
    content = index_of(images, annotations)
    for _platform, image in images:
        await push_image(
            client,
            image,
            target.with_digest(Digest.of(image.manifest)),
            mount_from=mount_from,
            emit=emit,
            known_missing=known_missing,
        )
    index, _tracked = await client.put_manifest(
        target.repository, target.tag or "latest", content, MediaType.OCI_INDEX
    )
    return index


def index_of(
    images: Sequence[tuple[Platform, Image]], annotations: Mapping[str, str] = _NOTHING
) -> bytes:
    """Return the index that lists images, one for each platform, in this order.

    Raises:
        ValidationError: Two images are for the same platform.
    """
    platforms = [platform for platform, _image in images]
    twice = next((one for one in platforms if platforms.count(one) > 1), None)
    if twice is not None:
        raise ValidationError(
            fill(_("Two images of the index are for {platform}."), platform=twice),
            _("An index has one image for each platform."),
        )
    entries = []
    for platform, image in images:
        media_type = check_manifest(image.manifest, None).mediaType or MediaType.OCI_MANIFEST
        entries.append(replace(Descriptor.of(media_type, image.manifest), platform=platform))
    return render_index(entries, annotations)
