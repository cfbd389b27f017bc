"""Manifests and configs of base images in keynet's cache: what has a digest never changes.

A registry that counts pulls (Docker Hub) counts each GET of a manifest.
"""

import contextlib
from typing import Final, Self

from keynet.errors import KeynetError, RegistryError, ValidationError
from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.registry import manifests
from keynet.registry.manifests import Manifest

__all__ = ["KeptDocuments"]

_MOST: Final = 64


@frozen
class KeptDocuments:
    """The documents by digest; without a cache there are none, and nothing is kept."""

    cache: DiskCache | None

    @classmethod
    def here(cls) -> Self:
        """Return those of this user."""
        try:
            return cls(DiskCache(places.cache() / "bases", "document", _MOST))
        except KeynetError:
            return cls(None)

    def manifest(self, digest: Digest) -> Manifest | None:
        """Return a manifest or index, None where it is not kept whole."""
        kept = self._content(digest)
        if kept is None:
            return None
        kind, _newline, content = kept.partition(b"\n")
        if digest.of_same_kind(content) != digest:
            return None
        try:
            return manifests.read(content, kind.decode("ascii", "replace"), digest)
        except (RegistryError, ValidationError):
            # No digest covers the media type.
            return None

    def keep_manifest(self, digest: Digest, manifest: Manifest) -> None:
        """Keep a manifest with its media type."""
        self._put(digest, manifest.descriptor.media_type.encode() + b"\n" + manifest.content)

    def config(self, described: Descriptor) -> bytes | None:
        """Return a config, None where it is not kept whole."""
        kept = self._content(described.digest)
        whole = kept is not None and described.digest.of_same_kind(kept) == described.digest
        return kept if whole else None

    def keep_config(self, described: Descriptor, content: bytes) -> None:
        """Keep a config."""
        self._put(described.digest, content)

    def _content(self, digest: Digest) -> bytes | None:
        return None if self.cache is None else self.cache.get(digest.hex)

    def _put(self, digest: Digest, content: bytes) -> None:
        if self.cache is not None:
            # A folder that cannot be written: the registry is asked again next time.
            with contextlib.suppress(OSError):
                self.cache.put(digest.hex, content)
