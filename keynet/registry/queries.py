"""Query a registry and delete from it, one call each.

Keywords as in ``keynet.registry.functions``.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from keynet.errors import NotFound, RegistryError, ValidationError
from keynet.events import Emit, ignore
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.inspect import describe
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.oci.summary import BlobInfo, ImageInspect, ManifestInfo
from keynet.registry.client import CaCert, RegistryClient
from keynet.registry.config import Auth, RegistryConfig
from keynet.registry.transfer.pull_image import read_image, require_image
from keynet.registry.transfer.select_image import fetch_manifest
from keynet.text import _, fill

__all__ = [
    "check_registry_connectivity",
    "delete_image",
    "delete_image_by_digest",
    "get_image_info",
    "get_manifest",
    "inspect_repositories",
    "list_repositories",
    "list_tags",
    "reference_to",
]

_FEWEST: Final = 4
_MOST: Final = 48
# About what one request costs this machine: during a longer wait others can be made.
_WORK_S: Final = 0.001


async def check_registry_connectivity(
    registry_url: str,
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109 - of one read or write, not of the whole call
    emit: Emit = ignore,
) -> bool:
    """Check that a registry answers and accepts the credentials: True, or an error.

    Raises:
        RegistryUnreachable: No answer.
        RegistryDenied: The credentials are refused.
        RegistryError: The answer is not a registry's.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        await client.ping()
    return True


async def list_repositories(
    registry_url: str,
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> list[str]:
    """List every repository, from every page, in the registry's order."""
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        return await client.catalog()


async def list_tags(
    registry_url: str,
    repository: str,
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> list[str]:
    """List every tag of a repository, from every page, in the registry's order.

    Raises:
        NotFound: The registry has no such repository.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        return await client.tags(reference_to(client.registry, repository).repository)


async def get_manifest(
    registry_url: str,
    repository: str,
    tag: str,
    *,
    platform: Platform | None = None,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> ManifestInfo:
    """Return one image's manifest.

    Args:
        tag: Or a digest.
        platform: Which of a multi-platform image; linux/amd64 by default.

    Raises:
        NotFound: The registry has no such image, or none for the platform.
        DigestMismatch: The registry sends other bytes than it announces.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        manifest = await fetch_manifest(
            client, reference_to(client.registry, repository, tag), platform
        )
    assert manifest.config is not None
    return ManifestInfo(
        2,
        manifest.descriptor.media_type,
        _blob(manifest.config),
        tuple(_blob(layer) for layer in manifest.layers),
        str(manifest.descriptor.digest),
    )


async def get_image_info(
    registry_url: str,
    repository: str,
    tag: str,
    *,
    platform: Platform | None = None,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> ImageInspect:
    """Describe one image from its manifest and config; no layer is read.

    Args:
        tag: Or a digest.
        platform: Which of a multi-platform image; linux/amd64 by default.

    Raises:
        NotFound: The registry has no such image, or none for the platform.
        ValidationError: Manifest and config do not belong together.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        return await _inspect(client, reference_to(client.registry, repository, tag), platform)


async def inspect_repositories(
    registry_url: str,
    repositories: Sequence[str] | None = None,
    *,
    concurrency: int | None = None,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> dict[str, dict[str, ImageInspect]]:
    """Inspect every tag of many repositories over one set of connections.

    Args:
        repositories: All of the registry by default.
        concurrency: Concurrent requests; by default 4 for a registry nearby, where this
            machine's work takes the time, up to 48 for a distant one, where waiting does.

    Returns:
        By repository and tag, in the registry's order. Tags that are not an image for
        linux/amd64 (an artifact, another platform, deleted meanwhile) are left out.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        names = list(repositories) if repositories is not None else await client.catalog()
        gate = asyncio.Semaphore(concurrency or await _concurrency(client))

        async def inspect(reference: Reference) -> ImageInspect | None:
            async with gate:
                try:
                    return await _inspect(client, reference, None)
                except (NotFound, ValidationError):
                    return None

        async def one(name: str) -> dict[str, ImageInspect]:
            async with gate:
                try:
                    tags = await client.tags(reference_to(client.registry, name).repository)
                except NotFound:
                    # The catalog lists repositories whose last manifest was deleted.
                    tags = []
            found = await asyncio.gather(
                *(inspect(reference_to(client.registry, name, tag)) for tag in tags)
            )
            return {tag: image for tag, image in zip(tags, found, strict=True) if image}

        return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


async def delete_image(
    registry_url: str,
    repository: str,
    tag: str,
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> bool:
    """Delete the manifest that a tag points to, and with it every tag that points there.

    Returns:
        False when there was none.

    Raises:
        RegistryDenied: The credentials do not allow it.
        RegistryError: The registry does not delete at all.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        target = reference_to(client.registry, repository, tag)
        found = await client.head_manifest(target.repository, target.digest or target.identifier)
        if found is None:
            return False
        if await client.delete_manifest(target.repository, found.digest):
            return True
        # Servers that have no deletion answer it as any path that they do not know.
        if await client.head_manifest(target.repository, found.digest) is None:
            return False
        raise RegistryError(
            fill(
                _("{image} was not deleted: {registry} has it and does not offer deletion (404)."),
                image=target,
                registry=client.registry,
            ),
            _("Ask its owner to enable deletion, or delete on its web page or by its own API."),
            status=404,
        )


async def delete_image_by_digest(
    registry_url: str,
    repository: str,
    digest: str,
    *,
    auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109
    emit: Emit = ignore,
) -> bool:
    """Delete a manifest; False when there was none.

    Raises:
        ValidationError: It is not a valid digest.
        RegistryError: As ``delete_image``.
    """
    async with RegistryConfig(registry_url, timeout, auth, ca_cert, insecure, token_hosts).client(
        emit
    ) as client:
        target = reference_to(client.registry, repository)
        return await client.delete_manifest(target.repository, Digest.parse(digest))


def reference_to(registry: str, repository: str, tag_or_digest: str | None = None) -> Reference:
    """Return the reference to a repository of ``registry``, or to an image in it.

    Raises:
        ValidationError: A part breaks the grammar.
    """
    if tag_or_digest is None:
        return Reference(registry, repository)
    if ":" in tag_or_digest:
        return Reference(registry, repository, digest=Digest.parse(tag_or_digest))
    return Reference(registry, repository, tag_or_digest)


async def _concurrency(client: RegistryClient) -> int:
    started = time.perf_counter()
    await client.ping()
    return max(_FEWEST, min(_MOST, round((time.perf_counter() - started) / _WORK_S)))


async def _inspect(
    client: RegistryClient, source: Reference, platform: Platform | None
) -> ImageInspect:
    manifest = await fetch_manifest(client, source, platform)
    image = await read_image(client, source, manifest)
    tags = [str(source)] if source.tag is not None else []
    try:
        return describe(image, str(source), tags=tags, repositories=[source.name])
    except ValidationError:
        # The config of an artifact is its own business: the image is not damaged.
        require_image(manifest, source)
        raise


def _blob(descriptor: Descriptor) -> BlobInfo:
    return BlobInfo(str(descriptor.digest), descriptor.size, descriptor.media_type)
