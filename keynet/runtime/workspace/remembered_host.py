"""What an engine reported about this host within the last minutes, in keynet's cache.

``podman info`` takes 0.5 s: it asks the package manager about each program that it uses; docker's
client takes as long as it does to look at the image. A run needs only what changes with the machine
or the login session: cgroups, memory, rootless or not.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files import limited_read, places
from keynet.files.disk_cache import DAMAGED, DiskCache
from keynet.runtime.abilities import SystemFacts

__all__ = ["system"]

_VALID_S: Final = 600.0
_MOST: Final = 8
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
# The controllers that a user's processes get are those of the login session.
_SESSION: Final = Path("/proc/self/cgroup")


def system(engine: str, identity: object, ask: Callable[[], SystemFacts]) -> SystemFacts:
    """Return what an engine reports about this host, or has reported a few minutes ago.

    Args:
        engine: Its name.
        identity: What decides the answer: its program, settings and address. Its ``repr`` counts.
        ask: Asks it.

    Raises:
        EngineUnavailable: It does not answer.
    """
    try:
        cache = DiskCache(places.cache() / "hosts", engine, _MOST)
    except KeynetError:
        return ask()
    key = _key(identity)
    known = _fresh(cache, key)
    if known is None:
        known = ask()
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
    except DAMAGED:
        return None


def _key(identity: object) -> str:
    of_machine = []
    for path in (_BOOT, _SESSION):
        with contextlib.suppress(OSError, KeynetError):
            of_machine.append(limited_read.read(path, 65536))
    return hashlib.sha256(repr((identity, os.geteuid(), of_machine)).encode()).hexdigest()
