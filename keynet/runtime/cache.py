"""What probing found, kept between runs: so that a push does not try every engine again.

An entry holds only while the engine's program, the ids and the settings that decide where
it runs are the same. The file is this program's own; one that cannot be read is made anew.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import keynet
from keynet.runtime.authfiles import docker_folder
from keynet.runtime.engine import Unusable, Usable, Way

__all__ = ["Cache"]

# A refusal may have causes that no key sees (a kernel setting), so it ages.
_REFUSAL_AGE_S: Final = 600.0
_VARIABLES: Final = (
    "BUILDAH_ISOLATION",
    "BUILDAH_RUNTIME",
    "BUILDX_BUILDER",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINER_CONNECTION",
    "CONTAINER_HOST",
    "CONTAINER_SSHKEY",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
    "HOME",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
)
_HELPERS: Final = ("crun", "runc", "fuse-overlayfs", "newuidmap", "newgidmap")
_FILES: Final = ("/etc/subuid", "/etc/subgid", "/etc/containers/storage.conf", "/dev/fuse")

Found = Usable | Unusable


class Cache:
    """Remember one answer an engine; reading never fails, writing is best effort."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or _default_path()

    def get(self, name: str) -> Found | None:
        """Give what was found for this engine; None when anything has changed since."""
        entry = self._load().get(name)
        if not isinstance(entry, dict) or entry.get("key") != _key(name):
            return None
        try:
            if "usable" in entry:
                return _usable(entry["usable"])
            age = time.time() - float(entry["at"])
            return Unusable(**entry["unusable"]) if 0 <= age < _REFUSAL_AGE_S else None
        except (TypeError, ValueError, KeyError):
            return None

    def put(self, name: str, found: Found) -> None:
        """Remember it, replacing what was known of this engine."""
        kind = "usable" if isinstance(found, Usable) else "unusable"
        value = dataclasses.asdict(found)
        entries = {**self._load(), name: {"key": _key(name), "at": time.time(), kind: value}}
        # A cache that cannot be written costs a second next time, and nothing else.
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=".engines-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(entries, file)
            Path(temporary).replace(self._path)

    def _load(self) -> dict[str, Any]:
        try:
            loaded = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return loaded if isinstance(loaded, dict) else {}


def _default_path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    folder = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return folder / "keynet" / "engines.json"


def _usable(value: Mapping[str, Any]) -> Usable:
    way = dict(value["way"])
    way["ulimits"] = tuple(way["ulimits"])
    return Usable(**{**value, "way": Way(**way), "facts": dict(value["facts"])})


def _key(name: str) -> str:
    """Hash everything that decides where and how this engine runs."""
    binary = shutil.which(name)
    parts: list[object] = [keynet.__version__, name, os.geteuid(), binary, os.uname().release]
    parts += [os.environ.get(variable) for variable in _VARIABLES]
    paths = [binary, *(shutil.which(helper) for helper in _HELPERS), *_FILES]
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "containers"
    paths += [str(config / "storage.conf"), str(config / "containers.conf")]
    paths += [str(config / "podman-connections.json")]
    if name == "docker":
        paths += [str(docker_folder() / "config.json"), str(docker_folder() / "cli-plugins")]
    parts += [_stamp(path) for path in paths]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


def _stamp(path: str | None) -> tuple[object, ...] | None:
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return (path, None)
    return (path, found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid)
