"""docker's daemon besides building: its health, host, networks and containers."""

import re
import time
from collections.abc import Mapping
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
from keynet.runtime.engine import Unusable
from keynet.runtime.engines import missing
from keynet.runtime.engines.docker.docker_host import GUIDE, NAME
from keynet.runtime.engines.questions import (
    Questions,
    documents,
    mapping,
    names,
    number,
    texts,
    unavailable,
)
from keynet.runtime.workspace import networks
from keynet.runtime.workspace.labels import MANAGED, Labels
from keynet.text import _

__all__ = ["DockerEngine"]

_JSON: Final = "{{json .}}"
_OURS: Final = f"label={MANAGED}=true"
_LIMITS: Final = {"CpuCfsQuota": "cpus", "MemoryLimit": "memory", "PidsLimit": "pids"}


@frozen
class DockerEngine:
    """docker as an ``Engine``; ``timeout_s`` is for each question but ``ping``."""

    binary: str = NAME
    timeout_s: float = TIMEOUT_S

    @property
    def name(self) -> str:
        """See ``Monitored.name``."""
        return NAME

    def ping(self, timeout_s: float = PING_TIMEOUT_S) -> float:
        """See ``Monitored.ping``."""
        started = time.monotonic()
        self._versions(timeout_s)
        return time.monotonic() - started

    def version(self) -> EngineVersion:
        """See ``Monitored.version``."""
        found = self._versions(self.timeout_s)
        client, server = mapping(found.get("Client")), mapping(found.get("Server"))
        return EngineVersion(
            client=str(client.get("Version") or ""),
            server=str(server.get("Version") or ""),
            client_api=str(client.get("ApiVersion") or ""),
            server_api=str(server.get("ApiVersion") or ""),
        )

    def system(self) -> SystemFacts:
        """See ``Monitored.system``."""
        facts = self._info()
        endpoint = self._questions.ask(
            "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"
        ).strip()
        return read_system(facts, endpoint)

    def system_at(self, endpoint: str) -> SystemFacts:
        """Return the facts about a host whose address is known."""
        return read_system(self._info(), endpoint)

    def networks(self, *, managed: bool = True) -> list[Network]:
        """See ``Networking.networks``."""
        filters = ("--filter", _OURS) if managed else ()
        listed = self._questions.ask("network", "ls", "--no-trunc", "--quiet", *filters)
        return self._networks(*listed.split())

    def named(self, name: str) -> list[Network]:
        """See ``NetworkStore.named``."""
        # One question for one network. Several of a name are an error, and so is none; an id that
        # begins like the name is found, too.
        if found := [each for each in self._networks(name) if each.name == name]:
            return found
        listed = self._questions.ask(
            *("network", "ls", "--no-trunc", "--quiet"),
            *("--filter", f"name=^{re.escape(name)}$"),
        )
        return [each for each in self._networks(*listed.split()) if each.name == name]

    def network(self, name: str) -> Network:
        """See ``Networking.network``."""
        return networks.find_one(self, name)

    def ensure_network(self, name: str, labels: Labels | None = None) -> Network:
        """See ``Networking.ensure_network``."""
        return networks.ensure(self, name, labels)

    def remove_network(self, name: str) -> None:
        """See ``Networking.remove_network``."""
        networks.remove(self, name)

    def create(self, name: str, labels: Labels) -> str:
        """See ``NetworkStore.create``."""
        arguments = ("network", "create", "--driver=bridge", "--attachable", *labels.flags())
        finished = self._questions.run(*arguments, "--", name)
        if finished.status == 0:
            return finished.stdout.strip()
        if "already exists" in finished.stderr:
            return ""
        raise self._questions.failure(finished, "network create")

    def drop(self, network_id: str) -> None:
        """See ``NetworkStore.drop``."""
        self._questions.ask("network", "rm", "--", network_id)

    def containers(self, *, managed: bool = True) -> list[Container]:
        """See ``Runner.containers``."""
        filters = ("--filter", _OURS) if managed else ()
        listed = self._questions.ask("ps", "--all", "--no-trunc", "--quiet", *filters).split()
        return self._containers(*listed) if listed else []

    def container(self, name: str) -> Container:
        """See ``Runner.container``."""
        if found := self._containers(name):
            return found[0]
        # Not there, or the daemon is not.
        self.ping(self.timeout_s)
        raise missing.container(NAME, name)

    def remove_container(self, name: str) -> None:
        """See ``Runner.remove_container``."""
        found = self.container(name)
        try:
            self._questions.ask("rm", "--force", "--volumes", "--", found.id)
        except EngineError:
            # It was started with --rm and has just ended.
            if not self._containers(found.id):
                return
            raise

    def image_id(self, name: str) -> str:
        """See ``Runner.image_id``."""
        finished = self._questions.run("image", "inspect", "--format", "{{.Id}}", "--", name)
        if finished.status == 0 and finished.stdout.strip():
            return finished.stdout.strip().removeprefix("sha256:")
        self.ping(self.timeout_s)
        raise missing.image(NAME, name)

    @property
    def _questions(self) -> Questions:
        hints = {"DOCKER_CLI_HINTS": "false"}
        return Questions(GUIDE, (self.binary,), hints, self.timeout_s)

    def _info(self) -> Mapping[str, Any]:
        [*found] = documents(self._questions.ask("info", "--format", _JSON))
        facts = found[0] if found else {}
        if errors := names(facts.get("ServerErrors")):
            raise self._down(errors[0])
        return facts

    def _versions(self, timeout_s: float) -> Mapping[str, Any]:
        finished = self._questions.run("version", "--format", _JSON, timeout_s=timeout_s)
        found = documents(finished.stdout)
        if found and mapping(found[0].get("Server")).get("Version"):
            return found[0]
        if finished.status != 0:
            raise self._questions.failure(finished, "version")
        raise unavailable(
            Unusable(
                NAME,
                _("the docker command is podman's emulation of docker"),
                _("Use podman directly: --builder podman"),
            )
        )

    def _networks(self, *ids: str) -> list[Network]:
        # One that has just been removed is an error, and the others are printed all the same.
        found = self._questions.run("network", "inspect", *ids).stdout if ids else "[]"
        return [_network(each) for each in documents(found)]

    def _containers(self, *ids: str) -> list[Container]:
        found = self._questions.run("container", "inspect", "--", *ids)
        return [_container(each) for each in documents(found.stdout)]

    def _down(self, said: str) -> EngineError:
        from keynet.runtime.probing import reasons

        return unavailable(reasons.explain(GUIDE, said))


def read_system(facts: Mapping[str, Any], endpoint: str) -> SystemFacts:
    """Return the facts of ``docker info`` as a value."""
    security = tuple(names(facts.get("SecurityOptions")))
    cgroup = str(facts.get("CgroupVersion") or "")
    return SystemFacts(
        engine=NAME,
        version=str(facts.get("ServerVersion") or ""),
        operating_system=str(facts.get("OperatingSystem") or ""),
        kernel=str(facts.get("KernelVersion") or ""),
        architecture=Platform("linux", str(facts.get("Architecture") or "")).architecture,
        cpus=number(facts.get("NCPU")),
        memory=number(facts.get("MemTotal")),
        rootless=any("rootless" in each for each in security),
        remote=not endpoint.startswith(("unix://", "npipe://")),
        endpoint=endpoint,
        storage_driver=str(facts.get("Driver") or ""),
        store=str(facts.get("DockerRootDir") or ""),
        runtime=str(facts.get("DefaultRuntime") or ""),
        cgroup_version=int(cgroup) if cgroup.isdecimal() else 0,
        cgroup_driver=str(facts.get("CgroupDriver") or ""),
        limits=frozenset(limit for key, limit in _LIMITS.items() if facts.get(key)),
        security=security,
        warnings=tuple(names(facts.get("Warnings"))),
    )


def _network(found: Mapping[str, Any]) -> Network:
    return Network(
        name=str(found.get("Name") or ""),
        id=str(found.get("Id") or ""),
        driver=str(found.get("Driver") or ""),
        attachable=bool(found.get("Attachable")),
        internal=bool(found.get("Internal")),
        created=str(found.get("Created") or ""),
        labels=texts(found.get("Labels")),
    )


def _container(found: Mapping[str, Any]) -> Container:
    config = mapping(found.get("Config"))
    return Container(
        name=str(found.get("Name") or "").removeprefix("/"),
        id=str(found.get("Id") or ""),
        image=str(config.get("Image") or ""),
        state=str(mapping(found.get("State")).get("Status") or ""),
        labels=texts(config.get("Labels")),
    )
