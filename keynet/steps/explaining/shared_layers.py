"""What other images have in common with one: by the digests of their layers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from keynet.errors import KeynetError, RegistryError, ValidationError
from keynet.events import Emit, Notice
from keynet.explain.explanation import Shared
from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.config import RegistryConfig
from keynet.registry.transfer.pull_image import fetch_image
from keynet.text import _, fill

__all__ = ["Compared", "shared_with"]

_MOST_IMAGES: Final = 100
_MOST_TAGS: Final = 5


@frozen
class Compared:
    """An image to compare with, or all images of a project.

    ``reference`` is the image's; None for a project, whose repositories start with ``prefix``.
    """

    config: RegistryConfig
    reference: Reference | None
    prefix: str = ""


async def shared_with(
    layers: Mapping[str, int],
    digest: str,
    others: Sequence[Compared],
    platform: Platform,
    emit: Emit,
) -> list[Shared]:
    """Return what each other image shares, those with most first.

    Args:
        layers: Digests and sizes of the image's own layers.
        digest: The image's own, which is left out of a project.

    Raises:
        KeynetError: An image that was named cannot be read; one of a project is skipped.
    """
    found: list[Shared] = []
    for other in others:
        async with other.config.client() as client:
            if other.reference is not None:
                one, _digest = await _shared(client, other.reference, layers, platform)
                found.append(one)
                continue
            async for reference in _images(client, other.prefix, emit):
                try:
                    one, its_digest = await _shared(client, reference, layers, platform)
                except (RegistryError, ValidationError) as error:
                    emit(Notice(_skipped(reference, error), "note"))
                    continue
                if its_digest != digest:
                    found.append(one)
    return sorted(found, key=lambda each: (-each.size, each.image))


async def _shared(
    client: RegistryClient, reference: Reference, layers: Mapping[str, int], platform: Platform
) -> tuple[Shared, str]:
    image = await fetch_image(client, reference, platform)
    theirs = {str(each.descriptor.digest) for each in image.layers}
    common = [size for digest, size in layers.items() if digest in theirs]
    others = len(theirs) - len(common)
    return Shared(str(reference), len(common), sum(common), others), str(Digest.of(image.manifest))


async def _images(client: RegistryClient, prefix: str, emit: Emit) -> AsyncIterator[Reference]:
    """Yield the images of a project: the first tags of each repository."""
    count = 0
    for repository in await client.catalog():
        if not repository.startswith(prefix):
            continue
        try:
            tags = await client.tags(repository)
        except RegistryError as error:
            emit(Notice(_skipped(Reference(client.registry, repository), error), "note"))
            continue
        for tag in tags[:_MOST_TAGS]:
            if count == _MOST_IMAGES:
                emit(
                    Notice(fill(_("Compared with the first {count} images."), count=count), "note")
                )
                return
            count += 1
            yield Reference(client.registry, repository, tag)


def _skipped(reference: Reference, error: KeynetError) -> str:
    return fill(_("Skipping {image}: {why}"), image=reference, why=error.message)
