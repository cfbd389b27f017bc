"""Push archives to a registry and pull images to archives, one call each.

Each call opens and closes its own connections. ``registry_url`` is ``host[:port]``, or with a
scheme in front. Common keywords: ``auth`` (user and password, a credential, or sources; by default
the logins that docker, podman and skopeo stored), ``ca_cert`` (PEM file), ``insecure`` (allow plain
http and unverified TLS beyond loopback), ``token_hosts`` (further hosts that may be given the
credentials in exchange for tokens), ``timeout`` (seconds that a read or write may make no
progress), ``emit`` (called with progress events, see ``keynet.events``).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from keynet.archive.layout.watched import WatchedLayer
from keynet.archive.reader import choose, open_archive
from keynet.archive.recompress import Policy
from keynet.archive.writer import write_archive
from keynet.events import Emit, ignore
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.registry.archives import push_all_tags, push_archive, target_of
from keynet.registry.auth.credential_sources import Auth
from keynet.registry.client import CaCert
from keynet.registry.config import RegistryConfig
from keynet.registry.queries import reference_to
from keynet.registry.transfer.pull_image import read_image, require_image
from keynet.registry.transfer.select_image import fetch_manifest

__all__ = [
    "pull_image",
    "push_docker_tar",
    "push_docker_tar_with_all_original_tags",
    "push_docker_tar_with_original_tags",
]


async def push_docker_tar(
    tar_path: str | Path,
    registry_url: str,
    repository: str | None = None,
    tag: str | None = None,
    timeout: float = 300,  # noqa: ASYNC109 - of one read or write, not of the whole call
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    emit: Emit = ignore,
    platform: Platform | None = None,
    compress: Policy = "auto",
) -> str:
    """Push an archive's first image and return the digest of its manifest.

    Args:
        repository: By default, like ``tag``, that of the archive's first tag, without the
            registry in it.
        platform: Which of a multi-platform image; linux/amd64 by default.
        compress: Of plain layers: ``"auto"`` gzips those that shrink, ``"none"`` keeps every
            byte and so every digest.

    Raises:
        ArchiveNotFound: The file does not exist.
        InvalidArchive: It is not an image archive, or a member is broken.
        ValidationError: No repository is given and the archive has no tags.
        RegistryError: The registry refuses or fails.
    """
    config = RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts)
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
    token_hosts: Sequence[str] = (),
    emit: Emit = ignore,
    platform: Platform | None = None,
    compress: Policy = "auto",
) -> str:
    """Push an archive's first image under its first tag; return the manifest's digest.

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
        token_hosts=token_hosts,
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
    token_hosts: Sequence[str] = (),
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
    config = RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts)
    async with open_archive(tar_path) as archive, config.client(emit) as client:
        return await push_all_tags(client, archive, platform=platform, compress=compress, emit=emit)


async def pull_image(
    registry_url: str,
    repository: str,
    tag_or_digest: str,
    tar_path: str | Path,
    *,
    format: Literal["docker", "oci"] = "docker",  # noqa: A002 - part of the public signature
    platform: Platform | None = None,
    timeout: float = 300,  # noqa: ASYNC109
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    emit: Emit = ignore,
) -> str:
    """Write an image to an archive file, complete and verified or not at all.

    Args:
        tar_path: Replaced where it exists.
        format: ``"docker"`` for ``docker load`` (layers uncompressed), ``"oci"`` keeps every
            byte and digest. ``podman load`` and skopeo take both.
        platform: Which of a multi-platform image; linux/amd64 by default.

    Returns:
        The digest of the image's manifest.

    Raises:
        NotFound: The registry has no such image, or none for the platform.
        ValidationError: It is not an image but an artifact, or contradicts itself.
        DigestMismatch: The registry sends other bytes than it announces.
        KeynetError: The file cannot be written.
    """
    config = RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts)
    async with config.client(emit) as client:
        source = reference_to(client.registry, repository, tag_or_digest)
        manifest = await fetch_manifest(client, source, platform)
        require_image(manifest, source)
        image = await read_image(client, source, manifest)
        watched = replace(image, layers=tuple(WatchedLayer(layer, emit) for layer in image.layers))
        name = str(source) if source.tag is not None else None
        await write_archive(Path(tar_path), watched, layout=format, name=name)
        return str(Digest.of(image.manifest))
