"""podman besides building: its health, host, networks and containers; buildah as far as it goes."""

import time
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from keynet.errors import EngineError
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.runtime.abilities import (
    PING_TIMEOUT_S,
    TIMEOUT_S,
    Container,
    EngineVersion,
    Network,
    SystemFacts,
)
from keynet.runtime.engines import missing
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation
from keynet.runtime.engines.questions import (
    Questions,
    documents,
    mapping,
    names,
    number,
    texts,
    unavailable,
)
from keynet.runtime.probing import reasons
from keynet.runtime.workspace import networks
from keynet.runtime.workspace.labels import MANAGED, Labels
from keynet.text import _, fill

__all__ = ["PodmanEngine", "read_system"]

_OURS: Final = f"label={MANAGED}=true"
_CONTROLLERS: Final = {"cpu": "cpus", "memory": "memory", "pids": "pids"}


@frozen
class PodmanEngine:
    """podman as an ``Engine``; ``timeout_s`` is for each question but ``ping``.

    buildah is one, too, but has neither networks nor containers that run.
    """

    dialect: Dialect
    invocation: Invocation = field(default_factory=lambda: Invocation(""))
    timeout_s: float = TIMEOUT_S

    @property
    def name(self) -> str:
        """See ``Monitored.name``."""
        return self.dialect.name

    def ping(self, timeout_s: float = PING_TIMEOUT_S) -> float:
        """See ``Monitored.ping``: without a daemon, the store has to be usable."""
        started = time.monotonic()
        finished = self._questions.run(*self.dialect.ping, timeout_s=timeout_s)
        if finished.status != 0:
            said = finished.stderr or finished.stdout
            raise unavailable(reasons.explain(self.dialect.guide, said))
        return time.monotonic() - started

    def version(self) -> EngineVersion:
        """See ``Monitored.version``."""
        found = documents(self._questions.ask("version", *self.dialect.version_json))
        answer = found[0] if found else {}
        client = mapping(answer.get("Client")) or answer
        server = mapping(answer.get("Server")) or client
        return EngineVersion(
            client=str(client.get("Version") or client.get("version") or ""),
            server=str(server.get("Version") or server.get("version") or ""),
            client_api=str(client.get("APIVersion") or ""),
            server_api=str(server.get("APIVersion") or ""),
        )

    def system(self) -> SystemFacts:
        """See ``Monitored.system``."""
        info = self._info(self.timeout_s)
        # podman's has it, buildah's has not.
        known = mapping(info.get("version")).get("Version")
        return read_system(self.dialect.name, info, str(known or self.version().server))

    def networks(self, *, managed: bool = True) -> list[Network]:
        """See ``Networking.networks``."""
        self._need_containers()
        # A network that is being made or removed just now is not whole on the disk: ask again.
        finished = self._questions.run("network", "ls", "--format", "json")
        text = finished.stdout if finished.status == 0 else self._ask_networks()
        found = [_network(each) for each in documents(text)]
        return [each for each in found if each.managed or not managed]

    def named(self, name: str) -> list[Network]:
        """See ``NetworkStore.named``."""
        return [each for each in self.networks(managed=False) if each.name == name]

    def network(self, name: str) -> Network:
        """See ``Networking.network``."""
        return networks.find_one(self, name)

    def ensure_network(self, name: str, labels: Labels | None = None) -> Network:
        """See ``Networking.ensure_network``; every network of podman is attachable."""
        return networks.ensure(self, name, labels)

    def remove_network(self, name: str) -> None:
        """See ``Networking.remove_network``."""
        networks.remove(self, name)

    def create(self, name: str, labels: Labels) -> str:
        """See ``NetworkStore.create``."""
        finished = self._questions.run(
            "network", "create", "--driver=bridge", *labels.flags(), "--", name
        )
        if finished.status == 0:
            return next((each.id for each in self.named(name)), "")
        if "already exists" in finished.stderr:
            return ""
        raise self._questions.failure(finished, "network create")

    def drop(self, network_id: str) -> None:
        """See ``NetworkStore.drop``."""
        self._questions.ask("network", "rm", "--", network_id)

    def containers(self, *, managed: bool = True) -> list[Container]:
        """See ``Runner.containers``."""
        self._need_containers()
        filters = ("--filter", _OURS) if managed else ()
        text = self._questions.ask("ps", "--all", "--no-trunc", "--format", "json", *filters)
        return [_listed_container(each) for each in documents(text)]

    def container(self, name: str) -> Container:
        """See ``Runner.container``."""
        self._need_containers()
        finished = self._questions.run("container", "inspect", "--", name)
        if found := documents(finished.stdout):
            return _container(found[0])
        # Not there, or the store cannot be used.
        self.ping(self.timeout_s)
        raise missing.container(self.name, name)

    def remove_container(self, name: str) -> None:
        """See ``Runner.remove_container``."""
        found = self.container(name)
        # Otherwise it waits ten seconds for the program to end.
        flags = ("--force", "--volumes", "--time", "0")
        finished = self._questions.run("rm", *flags, "--", found.id)
        if finished.status != 0 and "no such container" not in finished.stderr.lower():
            raise self._questions.failure(finished, "rm")

    def image_id(self, name: str) -> str:
        """See ``Runner.image_id``."""
        finished = self._questions.run(*self.dialect.image_id, "--", name)
        if finished.status == 0 and finished.stdout.strip():
            return finished.stdout.strip().removeprefix("sha256:")
        self.ping(self.timeout_s)
        raise missing.image(self.name, name)

    @property
    def _questions(self) -> Questions:
        known = self.invocation.binary or self.dialect.name
        prefix = (known, *self.dialect.prefix(self.invocation)[1:])
        return Questions(self.dialect.guide, prefix, timeout_s=self.timeout_s)

    def _ask_networks(self) -> str:
        time.sleep(0.1)
        return self._questions.ask("network", "ls", "--format", "json")

    def _info(self, timeout_s: float) -> Mapping[str, Any]:
        finished = self._questions.run(*self.dialect.info, timeout_s=timeout_s)
        found = documents(finished.stdout)
        if finished.status != 0 or not found:
            said = finished.stderr or finished.stdout
            raise unavailable(reasons.explain(self.dialect.guide, said))
        return found[0]

    def _need_containers(self) -> None:
        if not self.dialect.runs_containers:
            raise EngineError(
                fill(
                    _("{engine} builds images, but has neither networks nor containers to run."),
                    engine=self.name,
                ),
                _("Use docker or podman for that."),
            )


def read_system(engine: str, info: Mapping[str, Any], version: str) -> SystemFacts:
    """Return the facts of ``podman info`` or ``buildah info`` as a value."""
    host, store = mapping(info.get("host")), mapping(info.get("store"))
    security = mapping(host.get("security"))
    runtime = mapping(host.get("ociRuntime")).get("name") or host.get("OCIRuntime")
    distribution = mapping(host.get("distribution") or host.get("Distribution"))
    rootless = bool(security.get("rootless", host.get("rootless", False)))
    cgroup = str(host.get("cgroupVersion") or host.get("CgroupVersion") or "").removeprefix("v")
    cgroup_version = int(cgroup) if cgroup.isdecimal() else 0
    remote = bool(host.get("serviceIsRemote", False))
    # On cgroups v1 limits of a user without root are ignored, whatever controllers there are.
    controllers = () if rootless and cgroup_version == 1 else names(host.get("cgroupControllers"))
    return SystemFacts(
        engine=engine,
        version=version,
        operating_system=" ".join(
            str(distribution[key]) for key in ("distribution", "version") if distribution.get(key)
        ),
        kernel=str(host.get("kernel") or ""),
        architecture=Platform("linux", str(host.get("arch") or "")).architecture,
        cpus=number(host.get("cpus")),
        memory=number(host.get("memTotal") or host.get("MemTotal")),
        rootless=rootless,
        remote=remote,
        endpoint=str(mapping(host.get("remoteSocket")).get("path") or "") if remote else "",
        storage_driver=str(store.get("graphDriverName") or store.get("GraphDriverName") or ""),
        store=str(store.get("graphRoot") or store.get("GraphRoot") or ""),
        runtime=str(runtime or "").rpartition("/")[2],
        cgroup_version=cgroup_version,
        cgroup_driver=str(host.get("cgroupManager") or ""),
        limits=frozenset(_CONTROLLERS[each] for each in controllers if each in _CONTROLLERS),
        security=tuple(
            word
            for key, word in (
                ("seccompEnabled", "seccomp"),
                ("apparmorEnabled", "apparmor"),
                ("selinuxEnabled", "selinux"),
            )
            if security.get(key)
        ),
    )


def _network(found: Mapping[str, Any]) -> Network:
    # podman 3 prints the files of its network plugins.
    plugins = [mapping(each) for each in found.get("plugins") or ()]
    name = str(found.get("name") or "")
    labels = found.get("labels") or mapping(found.get("args")).get("podman_labels")
    return Network(
        name=name,
        id=str(found.get("id") or name),
        driver=str(found.get("driver") or (plugins[0].get("type") if plugins else "") or ""),
        attachable=True,
        internal=bool(found.get("internal")),
        created=str(found.get("created") or ""),
        labels=texts(labels),
    )


def _listed_container(found: Mapping[str, Any]) -> Container:
    called = names(found.get("Names"))
    return Container(
        name=called[0] if called else "",
        id=str(found.get("Id") or ""),
        image=str(found.get("Image") or ""),
        state=str(found.get("State") or ""),
        labels=texts(found.get("Labels")),
    )


def _container(found: Mapping[str, Any]) -> Container:
    return Container(
        name=str(found.get("Name") or ""),
        id=str(found.get("Id") or ""),
        image=str(found.get("ImageName") or ""),
        state=str(mapping(found.get("State")).get("Status") or ""),
        labels=texts(mapping(found.get("Config")).get("Labels")),
    )
