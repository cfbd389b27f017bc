"""Find the manifest of one image behind a name: of an index, the one for a platform.

Source: OCI image-spec, "Image Index"; containerd's ``images.Manifest``.
"""

from collections.abc import Sequence
from typing import Final

from keynet.errors import NotFound, ValidationError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.index_entries import choose_entry, images_of
from keynet.oci.kinds import foreign_type
from keynet.oci.platform import DEFAULT, Platform, choose
from keynet.oci.reference import Reference
from keynet.registry import wire
from keynet.registry.client import RegistryClient
from keynet.registry.manifests import Manifest
from keynet.text import _, fill

__all__ = ["fetch_manifest", "read_config", "select_manifest"]

_CONFIG_LIMIT: Final = 8 * 1024 * 1024
_MOST_NESTED: Final = 4
# Entries without a platform are read one by one; real indexes have none or one. Fewer in nested
# indexes, so that a hostile one cannot cause thousands of requests.
_MOST_UNNAMED: Final = 16

_Found = tuple[Manifest, Platform | None]


async def fetch_manifest(
    client: RegistryClient, source: Reference, platform: Platform | None = None
) -> Manifest:
    """Read one image's manifest; of an index, the one for ``platform``.

    Args:
        platform: By default linux/amd64, or the only image of an index.

    Raises:
        NotFound: The registry has none of that name, or none for the platform.
    """
    identifier: str | Digest = source.digest or source.identifier
    manifest = await client.get_manifest(source.repository, identifier)
    return await select_manifest(client, source, manifest, platform)


async def select_manifest(
    client: RegistryClient, source: Reference, manifest: Manifest, platform: Platform | None = None
) -> Manifest:
    """Return one image's manifest, of a manifest or index that was read; see ``fetch_manifest``."""
    if manifest.manifests is not None:
        return await _from_index(client, source, manifest.manifests, platform, 1)
    if platform is not None:
        have = await _platform_of(client, source, manifest)
        if have is not None and not have.matches(platform):
            raise _none_for(source, platform, [have])
    return manifest


async def read_config(client: RegistryClient, source: Reference, manifest: Manifest) -> bytes:
    """Read the config of an image.

    Raises:
        ValidationError: It is larger than any real one.
        DigestMismatch: The registry sent other bytes than it announced.
    """
    described = manifest.config
    assert described is not None
    if described.size > _CONFIG_LIMIT:
        raise ValidationError(
            fill(
                _("The config of {reference} has {size} bytes; at most {limit} are allowed."),
                reference=source,
                size=described.size,
                limit=_CONFIG_LIMIT,
            ),
            _("Do not use this image; it may have been made to exhaust the memory."),
        )
    return b"".join([chunk async for chunk in client.get_blob(source.repository, described)])


async def _from_index(
    client: RegistryClient,
    source: Reference,
    entries: Sequence[Descriptor],
    platform: Platform | None,
    depth: int,
) -> Manifest:
    if depth > _MOST_NESTED:
        raise ValidationError(
            fill(_("{reference} is an index of indexes, nested too deeply."), reference=source),
            _("Do not use this image; it may have been made to deceive."),
        )
    chosen = choose_entry(entries, platform)
    if chosen is not None:
        manifest = await client.get_manifest(source.repository, chosen.digest)
        if manifest.manifests is None:
            return manifest
        return await _from_index(client, source, manifest.manifests, platform, depth + 1)
    wanted = platform or DEFAULT
    images = images_of(entries)
    unnamed = [entry for entry in images if entry.platform is None]
    found = [
        each
        for entry in unnamed[: _MOST_UNNAMED // depth**2]
        if (each := await _read_unnamed(client, source, entry, platform, depth)) is not None
    ]
    best = choose(found, wanted, lambda each: each[1])
    if best is not None:
        return best[0]
    there = [entry.platform for entry in images if entry.platform is not None]
    raise _none_for(source, wanted, [*there, *(each[1] for each in found if each[1] is not None)])


async def _read_unnamed(
    client: RegistryClient,
    source: Reference,
    entry: Descriptor,
    platform: Platform | None,
    depth: int,
) -> _Found | None:
    """Read an entry without a platform; None: an index without an image for it."""
    manifest = await client.get_manifest(source.repository, entry.digest)
    if manifest.manifests is not None:
        try:
            manifest = await _from_index(client, source, manifest.manifests, platform, depth + 1)
        except NotFound:
            return None
    return manifest, await _platform_of(client, source, manifest)


async def _platform_of(
    client: RegistryClient, source: Reference, manifest: Manifest
) -> Platform | None:
    """Return what an image's config says; None for an artifact, which runs nowhere."""
    if foreign_type(manifest.config, manifest.layers) is not None:
        return None
    config = await read_config(client, source, manifest)
    return wire.read_config(config).platform()


def _none_for(source: Reference, wanted: Platform, there: Sequence[Platform]) -> NotFound:
    names = ", ".join(dict.fromkeys(map(str, there)))
    return NotFound(
        fill(
            _("{reference} has no image for {platform}; it has: {there}."),
            reference=source,
            platform=wanted,
            there=names or _("none"),
        ),
        _("Choose one of these with --platform.")
        if names
        else _("Nothing under that name can be run. Choose another tag or another image."),
    )
