"""What an engine can do besides building: values and protocols.

Nothing here needs a trial build: an ``Engine`` is there for each engine that is installed, even for
one that does not work, so that its health can be watched.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Final, Protocol, runtime_checkable

from keynet.frozen import frozen
from keynet.runtime.workspace.labels import Labels

__all__ = [
    "PING_TIMEOUT_S",
    "TIMEOUT_S",
    "Container",
    "Engine",
    "EngineVersion",
    "Hosting",
    "Monitored",
    "Network",
    "Networking",
    "Runner",
    "SystemFacts",
]

PING_TIMEOUT_S: Final = 5.0
TIMEOUT_S: Final = 30.0


@frozen
class EngineVersion:
    """Versions of an engine's program and of what it talks to.

    ``server`` equals ``client`` for an engine without a daemon. The API's versions are "" where
    the engine has none.
    """

    client: str
    server: str
    client_api: str = ""
    server_api: str = ""


@frozen
class SystemFacts:
    """An engine's own host, which is another machine than this one if ``remote``.

    ``cgroup_version`` is 0 if the engine does not report it, ``memory`` is bytes, ``store`` is
    the folder of its images on its host. ``limits`` are those that it can enforce: ``cpus``,
    ``memory``, ``pids``.
    """

    engine: str
    version: str
    operating_system: str = ""
    kernel: str = ""
    architecture: str = ""
    cpus: int = 0
    memory: int = 0
    rootless: bool = False
    remote: bool = False
    endpoint: str = ""
    storage_driver: str = ""
    store: str = ""
    runtime: str = ""
    cgroup_version: int = 0
    cgroup_driver: str = ""
    limits: frozenset[str] = frozenset()
    security: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@frozen
class Network:
    """A network of an engine; ``created`` is a time in the engine's own notation."""

    name: str
    id: str
    driver: str
    attachable: bool = False
    internal: bool = False
    created: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def managed(self) -> Labels | None:
        """Return keynet's own labels; None if keynet has not made it."""
        return Labels.parse(self.labels)


@frozen
class Container:
    """A container of an engine, running or not; ``state`` is the engine's own word."""

    name: str
    id: str
    image: str
    state: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def managed(self) -> Labels | None:
        """Return keynet's own labels; None if keynet has not made it."""
        return Labels.parse(self.labels)


@runtime_checkable
class Monitored(Protocol):
    """An engine whose health and host can be looked at."""

    @property
    def name(self) -> str:
        """Return the name for ``--builder``."""
        ...

    def ping(self, timeout_s: float = PING_TIMEOUT_S) -> float:
        """Return the seconds that the engine needed to answer.

        Raises:
            EngineUnavailable: Not installed, no daemon, or no answer within ``timeout_s``.
        """
        ...

    def version(self) -> EngineVersion:
        """Return the versions of program and daemon.

        Raises:
            EngineUnavailable: As for ``ping``.
        """
        ...

    def system(self) -> SystemFacts:
        """Return facts about the engine's host.

        Raises:
            EngineUnavailable: As for ``ping``.
        """
        ...


@runtime_checkable
class Networking(Protocol):
    """An engine that has networks."""

    def networks(self, *, managed: bool = True) -> list[Network]:
        """Return the networks that keynet has made; with ``managed=False`` all."""
        ...

    def network(self, name: str) -> Network:
        """Return one network.

        Raises:
            NetworkNotFound: There is no such network.
        """
        ...

    def ensure_network(self, name: str, labels: Labels | None = None) -> Network:
        """Return the network, which is made once if it does not exist: bridge, attachable.

        Any number of processes may call it at the same moment.

        Raises:
            InvalidRunSettings: Not a valid name, or one of the engine's own networks.
            EngineError: The engine refuses.
        """
        ...

    def remove_network(self, name: str) -> None:
        """Remove a network that nothing uses.

        Raises:
            NetworkNotFound: There is no such network.
            EngineError: A container uses it.
        """
        ...


@runtime_checkable
class Runner(Protocol):
    """An engine that has containers."""

    def containers(self, *, managed: bool = True) -> list[Container]:
        """Return the containers that keynet has made, also stopped ones; else all."""
        ...

    def container(self, name: str) -> Container:
        """Return one container, by its name or id.

        Raises:
            ContainerNotFound: There is no such container.
        """
        ...

    def remove_container(self, name: str) -> None:
        """Kill and remove one container with its volumes.

        Raises:
            ContainerNotFound: There is no such container.
        """
        ...

    def image_id(self, name: str) -> str:
        """Return the id of an image in the engine's store, in hex digits; nothing is pulled.

        Raises:
            LocalImageNotFound: The store has no such image.
        """
        ...


class Engine(Monitored, Networking, Runner, Protocol):
    """An engine with all of it, as docker and podman have it."""


@runtime_checkable
class Hosting(Protocol):
    """A builder whose engine also runs containers."""

    @property
    def host(self) -> Engine:
        """Return the engine as this builder calls it: the same store, runtime and daemon."""
        ...
