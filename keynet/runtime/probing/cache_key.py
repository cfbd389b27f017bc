"""What decides where and how an engine runs here, as one short key.

Only what does decide: a login that rewrites docker's config.json, or another user's line in
/etc/subuid, must not cost a new trial.
"""

import contextlib
import hashlib
import json
import os
import pwd
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import keynet
from keynet.files import limited_read, places
from keynet.runtime.build.authfiles import docker_folder

__all__ = ["of", "own_lines"]

_VARIABLES: Final = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
_OF_DOCKER: Final = (
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
)
_OF_CONTAINERS: Final = (
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
_LENGTH: Final = 32
_LARGEST: Final = 10_000_000


def of(name: str) -> str:
    """Hash everything that decides where and how this engine runs, into 32 letters."""
    binary = shutil.which(name)
    parts: list[object] = [keynet.__version__, name, os.geteuid(), os.uname().release]
    parts += _variables(_VARIABLES)
    parts.append(_stamp(binary))
    parts += _of_docker() if name == "docker" else _of_containers()
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_LENGTH]


def own_lines(file: Path, owners: Collection[str]) -> list[str]:
    """Give the entries of /etc/subuid or /etc/subgid that belong to these owners."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if line.partition(":")[0] in owners]


def _of_docker() -> Iterator[object]:
    yield from _variables(_OF_DOCKER)
    folder = docker_folder()
    settings: object = None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        settings = json.loads(limited_read.head(folder / "config.json", _LARGEST))
    chosen = settings if isinstance(settings, dict) else {}
    # The rest of it is logins, and how tables are printed.
    yield [chosen.get(each) for each in ("currentContext", "cliPluginsExtraDirs")]
    yield _stamp(str(folder / "cli-plugins"))
    context = os.environ.get("DOCKER_CONTEXT") or chosen.get("currentContext")
    if isinstance(context, str):
        place = hashlib.sha256(context.encode()).hexdigest()
        yield _stamp(str(folder / "contexts" / "meta" / place / "meta.json"))
    if builder := os.environ.get("BUILDX_BUILDER"):
        own = Path(os.environ.get("BUILDX_CONFIG") or folder / "buildx")
        yield _stamp(str(own / "instances" / builder))


def _of_containers() -> Iterator[object]:
    yield from _variables(_OF_CONTAINERS)
    config = Path(os.environ.get("XDG_CONFIG_HOME") or places.home() / ".config") / "containers"
    files = [shutil.which(helper) for helper in _HELPERS]
    files += [os.environ.get(name) for name in ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF")]
    for folder in (Path("/etc/containers"), config):
        files += [str(folder / file) for file in ("storage.conf", "containers.conf")]
    files.append(str(config / "podman-connections.json"))
    yield [_stamp(file) for file in files]
    yield os.access(_FUSE, os.R_OK | os.W_OK)
    if os.geteuid() != 0:
        yield [own_lines(file, _own_names()) for file in _SUBORDINATE_IDS]


def _variables(names: tuple[str, ...]) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def _own_names() -> set[str]:
    names = {str(os.geteuid())}
    # A user whom no file knows has a number only.
    with contextlib.suppress(KeyError):
        names.add(pwd.getpwuid(os.geteuid()).pw_name)
    return names


def _stamp(path: str | None) -> tuple[object, ...] | None:
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return (path, None)
    return (path, found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid)
