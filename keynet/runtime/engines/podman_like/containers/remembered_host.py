"""What podman reported about its host within the last minutes, in keynet's cache.

``podman info`` takes 0.5 s: it asks the package manager about each program that it uses. A run
needs only what changes with the machine or the login session: cgroups, memory, rootless or not.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files import limited_read, places
from keynet.files.disk_cache import DiskCache
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.engines.podman_like import podman_host
from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine

__all__ = ["system"]

_VALID_S: Final = 600.0
_MOST: Final = 8
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
# The controllers that a user's processes get are those of the login session.
_SESSION: Final = Path("/proc/self/cgroup")


def system(engine: PodmanEngine) -> SystemFacts:
    """Return what the engine reports about its host, or has reported a few minutes ago.

    Raises:
        EngineUnavailable: It does not answer.
    """
    cache = None if engine.invocation.remote else _cache()
    if cache is None:
        return engine.system()
    key = _key(engine)
    known = _fresh(cache, key)
    if known is None:
        known = engine.system()
        with contextlib.suppress(OSError):
            cache.put(key, json.dumps({**dataclasses.asdict(known), "limits": [*known.limits]}))
    return known


def _fresh(cache: DiskCache, key: str) -> SystemFacts | None:
    path = cache.find(key)
    try:
        if path is None or not 0 <= time.time() - path.stat().st_mtime < _VALID_S:
            return None
        found = json.loads(path.read_bytes())
        lists = {name: tuple(found[name]) for name in ("security", "warnings")}
        return SystemFacts(**{**found, **lists, "limits": frozenset(found["limits"])})
    except (OSError, LookupError, TypeError, ValueError):
        return None


def _key(engine: PodmanEngine) -> str:
    of_machine = []
    for path in (_BOOT, _SESSION):
        with contextlib.suppress(OSError, KeynetError):
            of_machine.append(limited_read.read(path, 65536))
    settings = [*podman_host.settings()]
    identity = repr((engine.dialect.name, engine.invocation, os.geteuid(), of_machine, settings))
    return hashlib.sha256(identity.encode()).hexdigest()


def _cache() -> DiskCache | None:
    try:
        return DiskCache(places.cache() / "hosts", "podman", _MOST)
    except KeynetError:
        return None
