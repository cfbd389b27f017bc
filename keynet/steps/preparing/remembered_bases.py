"""What earlier builds found out about base images, in keynet's cache.

The registry's answer is good for some minutes, as that about a login is: the client takes 0.1 s
to import, and a registry several round trips. All is best effort: without a cache folder,
everything is asked again.
"""

import contextlib
import hashlib
import json
import time
from typing import Final

from keynet.errors import KeynetError
from keynet.files import places
from keynet.files.disk_cache import DAMAGED, DiskCache
from keynet.oci import base_config
from keynet.oci.base_config import Looked
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference

__all__ = ["answer", "has_own_copy", "keep_answer", "keep_own_copy"]

_VALID_S: Final = 600.0
_MOST: Final = 64


def answer(base: Reference, wanted: Platform) -> Looked | None:
    """Return what the registry has said within the last minutes; None if that is not known."""
    cache = _cache("answer")
    key = _key(f"{base} {wanted}")
    if cache is None:
        return None
    try:
        path = cache.find(key)
        if path is None or not 0 <= time.time() - path.stat().st_mtime < _VALID_S:
            return None
        return base_config.from_json(json.loads(path.read_bytes()))
    except DAMAGED:
        return None


def keep_answer(base: Reference, wanted: Platform, looked: Looked) -> None:
    """Remember an image that the registry has for this platform."""
    _put("answer", f"{base} {wanted}", json.dumps(base_config.to_json(looked)).encode())


def has_own_copy(name: str) -> bool:
    """Report whether the engine had its own copy of an image the last time."""
    cache = _cache("copy")
    return cache is not None and cache.get(_key(name)) is not None


def keep_own_copy(name: str) -> None:
    """Remember that the engine has its own copy of an image."""
    if not has_own_copy(name):
        _put("copy", name, b"")


def _put(stem: str, name: str, content: bytes) -> None:
    cache = _cache(stem)
    if cache is not None:
        with contextlib.suppress(OSError):
            cache.put(_key(name), content)


def _cache(stem: str) -> DiskCache | None:
    try:
        return DiskCache(places.cache() / "bases", stem, _MOST)
    except KeynetError:
        return None


def _key(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
