"""Push images of an open archive, to chosen targets or under the archive's own tags."""

import asyncio
from collections.abc import Sequence

from keynet.archive.contents import ArchivedImage
from keynet.archive.docker_tar import parse_repository_tag
from keynet.archive.layers import FileLayer
from keynet.archive.reader import Archive, choose
from keynet.archive.recompress import Policy, compressed
from keynet.errors import DigestMismatch, RegistryError, ValidationError
from keynet.events import Emit, ignore
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.push_image import already_pushed, push_image
from keynet.text import _, fill

__all__ = ["push_all_tags", "push_archive", "target_of"]


async def push_all_tags(
    client: RegistryClient,
    archive: Archive,
    *,
    platform: Platform | None = None,
    compress: Policy = "auto",
    emit: Emit = ignore,
) -> list[str]:
    """Push every image of an archive under every tag it has there.

    Returns:
        For each of the archive's tags, in order, its manifest's digest.

    Raises:
        ValidationError: The archive has no tags.
        KeynetError: As ``push_archive``.
    """
    if not archive.tags:
        raise _no_tags(archive)
    pushed: dict[str, str] = {}
    for tag in archive.tags:
        if tag in pushed:
            continue
        one = choose(archive.images, archive.name, tag=tag, platform=platform)
        mine = [tag, *(other for other in one.tags if other not in pushed and other != tag)]
        targets = [Reference(client.registry, *_split(name)) for name in mine]
        digest = await push_archive(client, one, targets, compress=compress, emit=emit)
        pushed |= dict.fromkeys(mine, digest)
    return [pushed[tag] for tag in archive.tags]


async def push_archive(
    client: RegistryClient,
    one: ArchivedImage,
    targets: Sequence[Reference],
    *,
    compress: Policy = "auto",
    emit: Emit = ignore,
) -> str:
    """Push one image of an open archive to repositories of one registry.

    Args:
        targets: At least one, all in the client's registry; later repositories mount what the
            first one got.

    Raises:
        InvalidArchive: With the member: a layer does not have its digest.
        RegistryError: The registry refuses or fails.
    """
    grouped: dict[str, list[Reference]] = {}
    for target in targets:
        grouped.setdefault(target.repository, []).append(target)
    groups = [(names[0], [other.identifier for other in names[1:]]) for names in grouped.values()]
    # Before layers are sampled and compressed: an image that is there as it is stays.
    if compress != "gzip" and await _all_pushed(client, one.image, groups, emit):
        return str(Digest.of(one.image.manifest))
    async with compressed(one.image, compress) as image:
        stored: Descriptor | None = None
        for first, tags in groups:
            try:
                stored = await push_image(
                    client,
                    image,
                    first,
                    tags=tags,
                    mount_from=[targets[0].repository] if stored is not None else [],
                    emit=emit,
                    known_missing=len(groups) == 1 and compress != "gzip" and image is one.image,
                )
            except RegistryError as error:
                if isinstance(error, DigestMismatch) or error.code == "DIGEST_INVALID":
                    await asyncio.to_thread(_verify_layers, image)
                raise
        assert stored is not None
        return str(stored.digest)


async def _all_pushed(
    client: RegistryClient,
    image: Image,
    groups: Sequence[tuple[Reference, Sequence[str]]],
    emit: Emit,
) -> bool:
    for first, tags in groups:
        if not await already_pushed(client, image, first, tags=tags, emit=emit):
            return False
    return True


def target_of(
    registry: str,
    archive: Archive,
    one: ArchivedImage,
    repository: str | None = None,
    tag: str | None = None,
) -> Reference:
    """Return where an archive's image goes; its first tag completes what is not given.

    Raises:
        ValidationError: No repository is given and the archive has no tags, or a part is not
            valid.
    """
    own_repository, own_tag = _split(one.tags[0]) if one.tags else (None, one.bare_tag)
    chosen = repository or own_repository
    if chosen is None:
        raise _no_tags(archive)
    return Reference(registry, chosen, tag or own_tag or "latest")


def _split(tag: str) -> tuple[str, str]:
    """Split an archive's tag into repository and tag, without the registry in it."""
    repository, name = parse_repository_tag(tag)
    registry = Reference.parse(tag).registry
    return repository.removeprefix(f"{registry}/"), name


def _no_tags(archive: Archive) -> ValidationError:
    return ValidationError(
        fill(_("{archive} does not contain a name for its image."), archive=archive.name),
        _("Pass a repository and a tag."),
    )


def _verify_layers(image: Image) -> None:
    """Raise the error of the member whose bytes are wrong: it explains more than the upload's."""
    for layer in image.layers:
        if isinstance(layer, FileLayer):
            layer.verify()
