"""Find what builds have left in docker's daemon: containers that install, and images."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.build import layer_cache, store_remains
from keynet.runtime.engines.docker import docker_packages
from keynet.runtime.engines.docker.docker_host import NAME
from keynet.runtime.remains import Kind, Remnant, size_of
from keynet.text import _, fill

__all__ = ["DockerRemains"]

_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class DockerRemains:
    """docker as a ``Finder``."""

    binary: str

    @property
    def engine(self) -> str:
        """See ``Finder.engine``."""
        return NAME

    def find(self) -> list[Remnant]:
        """See ``Finder.find``."""
        listed = store_remains.ask(
            (self.binary,),
            *("ps", "--all", "--no-trunc", "--size", "--format", "{{json .}}"),
            *("--filter", f"name={docker_packages.CONTAINERS}"),
        )
        containers = [found for line in listed.splitlines() if (found := _container(line))]
        images = layer_cache.list_images((self.binary,), "Repository", NAME)
        return [*containers, *store_remains.images(NAME, images)]

    def remove(self, remnants: Sequence[Remnant]) -> None:
        """See ``Finder.remove``."""
        if containers := [each.id for each in remnants if each.kind is Kind.BUILD]:
            argv = (self.binary, "rm", "--force", "--volumes", *containers)
            done = shell.run(shell.Command(argv, tidying=True), timeout_s=None)
            left = {each.id for each in self.find()} & set(containers)
            if left:
                raise store_remains.not_removed(NAME, done)
        store_remains.drop_images((self.binary,), remnants)


def _container(line: str) -> Remnant | None:
    try:
        found = json.loads(line)
        name = str(found["Names"])
        owner = docker_packages.owner_of(name)
        if owner is None:
            return None
        return Remnant(
            Kind.BUILD,
            str(found["ID"]),
            name,
            NAME,
            NAME,
            owner,
            running=found.get("State") == "running",
            created=_moment(str(found.get("CreatedAt", ""))),
            # "0B (virtual 88MB)"
            size=size_of(str(found.get("Size", "")).partition("(")[0]),
        )
    except (ValueError, LookupError, TypeError) as error:
        raise EngineError(
            fill(_("docker listed a container in an unknown form: {line}"), line=line),
            _("Update docker, or keynet."),
        ) from error


def _moment(text: str) -> datetime | None:
    """Return the time of ``2026-11-28 23:35:38 +0000 UTC``."""
    try:
        return datetime.strptime(" ".join(text.split()[:3]), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
