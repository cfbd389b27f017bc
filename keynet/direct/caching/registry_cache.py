"""Read a cache from a registry, and write one.

Whoever names a cache trusts those who can write it. What comes from it is used for this build
alone and never gets into this machine's own cache.
"""

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final

from keynet.direct.caching.cache_document import (
    CACHE_TYPE,
    CachedBase,
    CachedLayer,
    CacheDocument,
    merged,
    parsed,
    rendered,
)
from keynet.direct.packages.resolved_cache import Resolved
from keynet.errors import KeynetError, NotFound, ValidationError
from keynet.events import Emit, Notice
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image, Layer
from keynet.oci.manifest import render_manifest
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.registry.account_client import open_client
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.pull_image import RemoteLayer
from keynet.registry.transfer.push_image import push_image
from keynet.text import _, fill

__all__ = ["RegistryCache", "Stored", "open_cache", "read_cache", "write_cache"]

_LARGEST: Final = 16 << 20


class _Unreadable(ValidationError):
    """A cache of keynet's that this version cannot read."""


@frozen
class Stored:
    """What one image has for a cache: what decided its packages, and the layers by their keys."""

    key: str
    resolved: Resolved
    layers: Sequence[tuple[str, Layer]] = field(repr=False)
    base: str = ""
    known: CachedBase = field(default_factory=CachedBase, repr=False)
    base_layers: Sequence[Layer] = field(default=(), repr=False)


@frozen
class RegistryCache:
    """A cache that was read; its layers are mounted or streamed with ``client``."""

    reference: Reference
    document: CacheDocument
    client: RegistryClient = field(repr=False)

    def resolved(self, key: str) -> Resolved | None:
        """Return the result for what decides the packages; None if it is not there."""
        return self.document.resolved.get(key)

    def layer(self, key: str) -> RemoteLayer | None:
        """Return a layer that the cache's repository holds."""
        cached = self.document.layers.get(key)
        if cached is None:
            return None
        place = Reference(self.reference.registry, self.reference.repository)
        return RemoteLayer(cached.descriptor, cached.diff_id, place, client=self.client)

    def base(self, config: Digest) -> CachedBase:
        """Return what is known of a base by the digest of its config."""
        return self.document.bases.get(config.hex, CachedBase())


def open_cache(reference: Reference, access: RegistryAccess | None) -> RegistryClient:
    """Return a client for a cache's registry, with keynet's login if that is for it."""
    same = access is not None and access.host == reference.registry
    return open_client(reference.registry, access if same else None)


async def read_cache(
    client: RegistryClient, reference: Reference, emit: Emit
) -> RegistryCache | None:
    """Return a cache; None with a notice if there is none or it cannot be read."""
    try:
        document = await _document(client, reference)
    except NotFound:
        emit(Notice(fill(_("There is no cache at {reference} yet."), reference=reference), "note"))
        return None
    except KeynetError as error:
        text = fill(
            _("The cache {reference} is not used: {why}"), reference=reference, why=error.message
        )
        emit(Notice(text))
        return None
    return RegistryCache(reference, document, client)


async def write_cache(
    client: RegistryClient,
    reference: Reference,
    images: Sequence[Stored],
    pushed_to: Reference | None,
    emit: Emit,
) -> None:
    """Add images to a cache; what it has already is left as it is. A failure is a notice.

    Args:
        pushed_to: Where the images were pushed: in the same registry layers are mounted.
    """
    try:
        await _write(client, reference, images, pushed_to)
    except KeynetError as error:
        text = fill(
            _("The cache {reference} was not written: {why}"),
            reference=reference,
            why=error.message,
        )
        emit(Notice(text))


async def _write(
    client: RegistryClient,
    reference: Reference,
    images: Sequence[Stored],
    pushed_to: Reference | None,
) -> None:
    try:
        old = await _document(client, reference)
    except NotFound:
        old = CacheDocument()
    except _Unreadable:
        # Of another version of keynet, perhaps; an image stays what it is.
        old = CacheDocument()
    layers = dict(pair for image in images for pair in image.layers)
    new = CacheDocument(
        {image.key: image.resolved for image in images},
        {key: CachedLayer(layer.descriptor, layer.diff_id) for key, layer in layers.items()},
        {image.base: image.known for image in images},
    )
    if _has(old, new):
        return
    try:
        await _push(client, reference, images, merged(new, old), pushed_to)
    except NotFound:
        # The registry has lost layers of other images: what is new is enough.
        await _push(client, reference, images, new, pushed_to)


async def _push(
    client: RegistryClient,
    reference: Reference,
    images: Sequence[Stored],
    document: CacheDocument,
    pushed_to: Reference | None,
) -> None:
    place = Reference(reference.registry, reference.repository)
    named = [
        *document.layers.values(),
        *(layer for each in document.bases.values() for layer in each.layers),
    ]
    unique: dict[Digest, Layer] = {
        each.descriptor.digest: RemoteLayer(each.descriptor, each.diff_id, place, client=client)
        for each in named
    }
    # The images' own come from where they are; the cache has the others.
    for image in images:
        for layer in (*(layer for _key, layer in image.layers), *image.base_layers):
            if layer.descriptor.digest in unique:
                unique[layer.descriptor.digest] = layer
    content = rendered(document)
    manifest = render_manifest(
        MediaType.OCI_MANIFEST,
        Descriptor.of(CACHE_TYPE, content),
        [layer.descriptor for layer in unique.values()],
    )
    same = pushed_to is not None and pushed_to.registry == reference.registry
    origins = [pushed_to.repository] if same and pushed_to is not None else []
    image_of_all = Image(manifest, content, tuple(unique.values()))
    await push_image(client, image_of_all, reference, mount_from=origins)


def _has(old: CacheDocument, new: CacheDocument) -> bool:
    pairs: list[tuple[Any, Any]] = [
        (old.resolved, new.resolved),
        (old.layers, new.layers),
        (old.bases, new.bases),
    ]
    return all(there.get(key) == value for there, mine in pairs for key, value in mine.items())


async def _document(client: RegistryClient, reference: Reference) -> CacheDocument:
    manifest = await client.get_manifest(reference.repository, reference.identifier)
    config = manifest.config
    if config is None or config.media_type != CACHE_TYPE:
        raise ValidationError(
            _("It is not a cache of keynet's, but an image."),
            _("Name a reference of its own for the cache, such as HOST/PROJECT/cache:latest."),
        )
    if config.size > _LARGEST:
        raise _Unreadable(_("It is too large for a cache of keynet's."))
    content = b"".join([chunk async for chunk in client.get_blob(reference.repository, config)])
    try:
        return parsed(content)
    except ValidationError as error:
        raise _Unreadable(error.message, error.hint) from error
