"""podman and buildah on this host: the settings that decide how they run."""

import contextlib
import os
import pwd
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from keynet.files import places
from keynet.process import programs
from keynet.runtime.probing.cache_key import stamp, variables
from keynet.runtime.probing.endpoints import Advice
from keynet.text import N_

__all__ = ["ADVICE", "own_lines", "settings"]

ADVICE: Final = Advice(
    start=N_(
        "Start the service (podman system service), or correct CONTAINER_HOST or the default "
        "connection (podman system connection list)"
    )
)

_VARIABLES: Final = (
    "BUILDAH_ISOLATION",
    "BUILDAH_RUNTIME",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINER_CONNECTION",
    "CONTAINER_HOST",
    "CONTAINER_SSHKEY",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
)
_HELPERS: Final = ("crun", "runc", "youki", "fuse-overlayfs", "newuidmap", "newgidmap")
_SUBORDINATE_IDS: Final = (Path("/etc/subuid"), Path("/etc/subgid"))
_FUSE: Final = "/dev/fuse"


def settings() -> Iterator[object]:
    """Yield everything that decides how they run; see ``EngineCandidate.settings``."""
    yield from variables(_VARIABLES)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or places.home() / ".config") / "containers"
    files = [programs.find(helper) for helper in _HELPERS]
    files += [os.environ.get(name) for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")]
    for folder in (Path("/etc/containers"), config):
        files += [str(folder / file) for file in ("storage.conf", "containers.conf")]
    files.append(str(config / "podman-connections.json"))
    yield [stamp(file) for file in files]
    yield os.access(_FUSE, os.R_OK | os.W_OK)
    if os.geteuid() != 0:
        yield [own_lines(file, _own_names()) for file in _SUBORDINATE_IDS]


def own_lines(file: Path, owners: Collection[str]) -> list[str]:
    """Return the entries of /etc/subuid or /etc/subgid that belong to these owners."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.partition(":")[0] in owners]


def _own_names() -> set[str]:
    names = {str(os.geteuid())}
    # A user without an entry in /etc/passwd only has a number.
    with contextlib.suppress(KeyError):
        names.add(pwd.getpwuid(os.geteuid()).pw_name)
    return names
