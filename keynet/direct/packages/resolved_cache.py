"""Remember which layers the dependencies of a project gave, so that nothing is chosen again.

As with the layer caches of engines, the same requirements give the same packages until a build
without the cache chooses again.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Final

from keynet.direct.base.target_python import TargetPython
from keynet.errors import KeynetError
from keynet.files import places
from keynet.files.disk_cache import DAMAGED, DiskCache
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import Dependencies, HostNetwork

__all__ = ["PackageLayer", "Resolved", "keep", "kept", "resolution_key"]

_MOST: Final = 128
_LOGIN: Final = re.compile(r"://[^/@\s]*@")


@frozen
class PackageLayer:
    """The key of a layer with packages, and the packages in words."""

    key: str
    names: str


@frozen
class Resolved:
    """The layers of a project's packages, and the documents about them: lock and SBOM."""

    layers: tuple[PackageLayer, ...]
    lock: str
    sbom: str


def resolution_key(
    dependencies: Dependencies,
    network: HostNetwork,
    python: TargetPython,
    platform: Platform,
    compiler: str,
    most_big: int,
    of_base: str = "",
    *,
    built: bool = False,
) -> str:
    """Return a hash of what decides the packages' layers; logins are not part of it.

    Args:
        compiler: The full version of what makes the byte code, "" if there is none.
        most_big: How many wheels may have layers of their own.
        of_base: The key of the packages that the base brings.
        built: Packages may be built on this machine.
    """
    whole = hashlib.sha256(f"4\0{python!r}\0{platform}\0{compiler}\0{most_big}\0".encode())
    for name, content in sorted(dependencies.files.items()):
        # A path is a copy in keynet's cache, whose folder is named by its hash.
        stated = content if isinstance(content, bytes) else content.parent.name.encode()
        whole.update(f"{name}\0{len(stated)}\0".encode() + stated)
    whole.update(of_base.encode() + (b"\0built" if built else b""))
    if network.pip_conf is not None:
        whole.update(_LOGIN.sub("://", network.pip_conf.reveal()).encode())
    return whole.hexdigest()


def kept(key: str) -> Resolved | None:
    """Return the result of an earlier choice; None if it is not known."""
    try:
        content = _cache().get(key)
        if content is None:
            return None
        known = json.loads(content)
        layers = tuple(PackageLayer(str(each[0]), str(each[1])) for each in known["layers"])
        return Resolved(layers, str(known["lock"]), str(known["sbom"]))
    except DAMAGED:
        return None


def keep(key: str, resolved: Resolved) -> None:
    """Remember a result; a folder that cannot be written is not an error."""
    layers = [[each.key, each.names] for each in resolved.layers]
    content = {"layers": layers, "lock": resolved.lock, "sbom": resolved.sbom}
    try:
        _cache().put(key, json.dumps(content))
    except (OSError, KeynetError):
        return


def _cache() -> DiskCache:
    return DiskCache(_folder(), "resolved", _MOST)


def _folder() -> Path:
    return places.cache() / "direct"
