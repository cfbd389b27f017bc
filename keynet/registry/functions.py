"""Archives to a registry and back: one call, one purpose, nothing to close.

Each opens and closes its own connections. ``registry_url`` is ``host[:port]``, or with a
scheme in front. Common keywords: ``auth`` (user and password, or sources; by default the logins
that docker, podman and skopeo stored), ``ca_cert`` (PEM file), ``insecure`` (plain http and
unverified TLS beyond loopback), ``emit`` (takes progress events, see ``keynet.events``).

Source: SPEC 7.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from keynet.archive.contents import ArchivedImage
from keynet.archive.docker_tar import (
    extract_original_tags,
    get_primary_tag,
    get_tar_manifest,
    inspect_docker_tar,
    parse_repository_tag,
    validate_docker_tar,
)
from keynet.archive.layers import FileLayer
from keynet.archive.reader import Archive, choose, open_archive
from keynet.archive.recompress import Policy, compressed
from keynet.archive.writer import write_archive
from keynet.errors import DigestMismatch, RegistryError, ValidationError
from keynet.events import BlobAdvanced, BlobFinished, BlobStarted, Emit, ignore
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image, Layer
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.config import Auth, RegistryConfig
from keynet.registry.queries import named
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image, stands
from keynet.text import _, fill

__all__ = [
    "extract_original_tags",
    "get_primary_tag",
    "get_tar_manifest",
    "inspect_docker_tar",
    "parse_repository_tag",
    "pull_image",
    "push_archive",
    "push_docker_tar",
    "push_docker_tar_with_all_original_tags",
    "push_docker_tar_with_original_tags",
    "target_of",
    "validate_docker_tar",
]

CaCert = str | os.PathLike[str] | None


async def push_docker_tar(
    tar_path: str | Path,
    registry_url: str,
    repository: str | None = None,
    tag: str | None = None,
    timeout: float = 300,  # noqa: ASYNC109 - of one read or write, not of the whole push
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    emit: Emit = ignore,
    platform: Platform | None = None,
    compress: Policy = "auto",
) -> str:
    """Push an archive's first image and give the digest of its manifest.

    Args:
        repository: Without it, and without ``tag``, those of the archive's first tag; a
            registry in that tag is left out.
        timeout: Seconds that a read or write may make no progress.
        platform: Which of a multi-platform image; this machine's by default.
        compress: Of plain layers: ``"auto"`` gzips those that shrink, ``"none"`` keeps every
            byte and so every digest.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is no image archive, or a member is broken.
        ValidationError: No repository is given and the archive has no tags.
        RegistryError: The registry refuses or fails.
    """
    config = RegistryConfig(registry_url, timeout, auth, ca_cert, insecure)
    async with open_archive(tar_path) as archive, config.client(emit) as client:
        one = choose(archive.images, archive.name, platform=platform)
        target = target_of(client.registry, archive, one, repository, tag)
        return await push_archive(client, one, [target], compress=compress, emit=emit)


async def push_docker_tar_with_original_tags(
    tar_path: str | Path,
    registry_url: str,
    timeout: float = 300,  # noqa: ASYNC109
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    emit: Emit = ignore,
    platform: Platform | None = None,
    compress: Policy = "auto",
) -> str:
    """Push an archive's first image under its first tag; gives the manifest's digest.

    Raises:
        ValidationError: The archive has no tags.
        KeynetError: As ``push_docker_tar``.
    """
    return await push_docker_tar(
        tar_path,
        registry_url,
        timeout=timeout,
        auth=auth,
        ca_cert=ca_cert,
        insecure=insecure,
        emit=emit,
        platform=platform,
        compress=compress,
    )


async def push_docker_tar_with_all_original_tags(
    tar_path: str | Path,
    registry_url: str,
    timeout: float = 300,  # noqa: ASYNC109
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    emit: Emit = ignore,
    platform: Platform | None = None,
    compress: Policy = "auto",
) -> list[str]:
    """Push every image of an archive under every tag it has there.

    Layers are sent once and mounted into the other repositories.

    Returns:
        For each tag, in the order of ``extract_original_tags``, its manifest's digest.

    Raises:
        ValidationError: The archive has no tags.
        KeynetError: As ``push_docker_tar``.
    """
    config = RegistryConfig(registry_url, timeout, auth, ca_cert, insecure)
    async with open_archive(tar_path) as archive, config.client(emit) as client:
        if not archive.tags:
            raise _no_tags(archive)
        pushed: dict[str, str] = {}
        for tag in archive.tags:
            if tag in pushed:
                continue
            one = choose(archive.images, archive.name, tag=tag, platform=platform)
            mine = [tag, *(other for other in one.tags if other not in pushed and other != tag)]
            targets = [target_of(client.registry, archive, one, *_split(name)) for name in mine]
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
    # Asked before layers are sampled and compressed: what stands there as it is, stays.
    if compress != "gzip" and await _all_stand(client, one.image, groups, emit):
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
                    asked=len(groups) == 1 and compress != "gzip" and image is one.image,
                )
            except RegistryError as error:
                if isinstance(error, DigestMismatch) or error.code == "DIGEST_INVALID":
                    await asyncio.to_thread(_blame, image)
                raise
        assert stored is not None
        return str(stored.digest)


async def _all_stand(
    client: RegistryClient,
    image: Image,
    groups: Sequence[tuple[Reference, Sequence[str]]],
    emit: Emit,
) -> bool:
    for first, tags in groups:
        if not await stands(client, image, first, tags=tags, emit=emit):
            return False
    return True


async def pull_image(
    registry_url: str,
    repository: str,
    tag_or_digest: str,
    tar_path: str | Path,
    *,
    format: Literal["docker", "oci"] = "docker",  # noqa: A002 - SPEC 7 names it
    platform: Platform | None = None,
    timeout: float = 300,  # noqa: ASYNC109
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    emit: Emit = ignore,
) -> str:
    """Write an image to an archive file, whole and verified or not at all.

    Args:
        tar_path: Replaced where it exists.
        format: ``"docker"`` for ``docker load`` (layers uncompressed), ``"oci"`` keeps every
            byte and digest. ``podman load`` and skopeo take both.
        platform: Which of a multi-platform image; linux/amd64 by default.

    Returns:
        The digest of the image's manifest.

    Raises:
        NotFound: There is no such image, or none for the platform.
        DigestMismatch: The registry sends other bytes than it announces.
        KeynetError: The file cannot be written.
    """
    config = RegistryConfig(registry_url, timeout, auth, ca_cert, insecure)
    async with config.client(emit) as client:
        source = named(client.registry, repository, tag_or_digest)
        image = await fetch_image(client, source, platform)
        watched = replace(image, layers=tuple(_Watched(layer, emit) for layer in image.layers))
        name = str(source) if source.tag is not None else None
        await write_archive(Path(tar_path), watched, layout=format, name=name)
        return str(Digest.of(image.manifest))


def target_of(
    registry: str,
    archive: Archive,
    one: ArchivedImage,
    repository: str | None = None,
    tag: str | None = None,
) -> Reference:
    """Decide where an archive's image goes: what is given, else what its first tag says.

    Raises:
        ValidationError: No repository is given and the archive has no tags, or what is given
            breaks the grammar.
    """
    own_repository, own_tag = _split(one.tags[0]) if one.tags else (None, one.bare_tag)
    chosen = repository or own_repository
    if chosen is None:
        raise _no_tags(archive)
    return Reference(registry, chosen, tag or own_tag or "latest")


def _split(tag: str) -> tuple[str, str]:
    """Give repository and tag of an archive's tag, without the registry it names."""
    repository, name = parse_repository_tag(tag)
    registry = Reference.parse(tag).registry
    return repository.removeprefix(f"{registry}/"), name


def _no_tags(archive: Archive) -> ValidationError:
    return ValidationError(
        fill(_("{archive} does not say what its image is called."), archive=archive.name),
        _("Give a repository and a tag."),
    )


def _blame(image: Image) -> None:
    """Find the member whose bytes are wrong: its error says more than the upload's."""
    for layer in image.layers:
        if isinstance(layer, FileLayer):
            layer.verify()


@dataclass(frozen=True, slots=True)
class _Watched:
    """A layer that tells how far it has been read."""

    layer: Layer
    emit: Emit = field(repr=False)

    @property
    def descriptor(self) -> Descriptor:
        return self.layer.descriptor

    @property
    def diff_id(self) -> Digest:
        return self.layer.diff_id

    @property
    def origin(self) -> Reference | None:
        return self.layer.origin

    async def chunks(self) -> AsyncIterator[bytes]:
        blob, position = str(self.descriptor.digest), 0
        self.emit(BlobStarted(blob, self.descriptor.size))
        async for chunk in self.layer.chunks():
            position += len(chunk)
            self.emit(BlobAdvanced(blob, position))
            yield chunk
        self.emit(BlobFinished(blob))
