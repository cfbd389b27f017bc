"""The differences between podman and buildah as values, and their ``info``."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.process import programs
from keynet.runtime.probing.reasons import Guide

__all__ = ["Dialect", "Facts", "Invocation", "read_info"]

_RUNTIMES: Final = ("crun", "runc", "youki")
# The controllers of control groups v2 where v1 has the others.
_CONTROLLERS: Final = Path("/sys/fs/cgroup/unified/cgroup.controllers")


@frozen
class Invocation:
    """How to invoke podman or buildah on this host, as a trial build succeeded.

    Empty strings mean the engine's default. ``driver``, ``root`` and ``runroot`` select keynet's
    own overlay store; ``graph_root`` is the store in use. A ``remote`` engine cannot access
    folders of this host.
    """

    binary: str
    isolation: str = ""
    runtime: str = ""
    network: str = ""
    driver: str = ""
    root: str = ""
    runroot: str = ""
    graph_root: str = ""
    ulimits: tuple[str, ...] = ()
    remote: bool = False


@frozen
class Facts:
    """What ``podman info`` or ``buildah info`` reports about the engine's host."""

    rootless: bool
    storage_driver: str
    graph_root: str
    architecture: str
    runtime: str = ""
    remote: bool = False

    def with_runtimes(
        self, invocation: Invocation, controllers: Path = _CONTROLLERS
    ) -> list[Invocation]:
        """Return the invocation with each OCI runtime of this host, the likeliest to work first.

        The engine's default one comes first, unless it is known to start nothing here.

        Args:
            controllers: The file with the control groups of v2 where v1 is in use, too.
        """
        paths = [programs.find(name) for name in _RUNTIMES if name != self.runtime]
        others = [replace(invocation, runtime=path) for path in paths if path]
        if self.runtime == "crun" and _has_content(controllers):
            # "cgroups in hybrid mode not supported, drop all controllers from cgroupv2"
            return [*others, invocation]
        return [invocation, *others]


@frozen
class Dialect:
    """How the argv of podman or buildah differs; ``invocations`` are best first."""

    guide: Guide
    prefix: Callable[[Invocation], tuple[str, ...]]
    build_flags: Callable[[Invocation], tuple[str, ...]]
    invocations: Callable[[Invocation, Facts], Iterable[Invocation]]
    rm_flags: tuple[str, ...] = ()
    # The first version whose RUN can mount a folder of the context.
    mounts_since: tuple[int, int] = (0, 0)
    # The first version whose Containerfiles may have heredocs.
    heredocs_since: tuple[int, int] = (0, 0)
    # The field of an image's repository in templates of ``images``.
    repository: str = "Repository"
    # The command that removes images without a name.
    prune: str = ""
    # Whether it may be a client of a service, on this or another machine.
    has_service: bool = False
    # The arguments that print facts about the engine's host as JSON.
    info: tuple[str, ...] = ("info",)
    # Arguments that read the store, in a tenth of the time that ``info`` takes.
    ping: tuple[str, ...] = ("ps", "--quiet")
    # The arguments of ``version`` that print JSON.
    version_json: tuple[str, ...] = ("--format", "json")
    # The arguments that print an image's id.
    image_id: tuple[str, ...] = ("image", "inspect", "--format", "{{.Id}}")
    # Whether it has networks, and containers that run.
    runs_containers: bool = True

    @property
    def name(self) -> str:
        """Return the name of the engine, which is also the name of its program."""
        return self.guide.name


def _has_content(file: Path) -> bool:
    try:
        return bool(file.read_bytes().strip())
    except OSError:
        return False


def read_info(text: str) -> Facts:
    """Parse the JSON of ``info`` of either engine.

    Raises:
        ValueError: The text is not JSON, or has no facts about a host.
    """
    found = _object(json.loads(text))
    host, store = _object(found.get("host")), _object(found.get("store"))
    if not host:
        raise ValueError("info has no host")
    security = _object(host.get("security"))
    runtime = host.get("ociRuntime")
    name = _object(runtime).get("name") if isinstance(runtime, dict) else host.get("OCIRuntime")
    architecture = str(host.get("arch", ""))
    return Facts(
        rootless=bool(security.get("rootless", host.get("rootless", False))),
        storage_driver=str(store.get("graphDriverName") or store.get("GraphDriverName") or ""),
        graph_root=str(store.get("graphRoot") or store.get("GraphRoot") or ""),
        architecture=Platform("linux", architecture).architecture,
        runtime=str(name or "").rpartition("/")[2],
        remote=bool(host.get("serviceIsRemote", False)),
    )


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
