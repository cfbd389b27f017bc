"""Keep the lists of layers by their digests: the second time an image is explained at once."""

import contextlib
from typing import Final

from keynet.errors import KeynetError
from keynet.explain.layer_listing import LayerListing, from_bytes, to_bytes
from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.oci.descriptor import Digest

__all__ = ["keep_listing", "kept_listing"]

_MOST: Final = 400


def kept_listing(layer: Digest) -> LayerListing | None:
    """Return what is known of a layer; None if nothing is."""
    try:
        content = _cache().get(layer.hex)
    except KeynetError:
        return None
    return None if content is None else from_bytes(content)


def keep_listing(layer: Digest, listing: LayerListing) -> None:
    """Remember a layer; a folder that cannot be written is not an error."""
    with contextlib.suppress(OSError, KeynetError):
        _cache().put(layer.hex, to_bytes(listing))


def _cache() -> DiskCache:
    return DiskCache(places.cache() / "explain", "layer", _MOST)
