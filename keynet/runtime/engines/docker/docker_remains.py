"""Find what builds have left in docker's daemon: containers that install, and images."""

import contextlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from keynet.errors import EngineError
from keynet.files import owners
from keynet.frozen import frozen
from keynet.process import shell
from keynet.runtime.build import layer_cache, store_remains
from keynet.runtime.engines.docker.docker_host import NAME
from keynet.runtime.engines.docker.installing import docker_packages
from keynet.runtime.remains import Kind, Remnant, size_of
from keynet.runtime.workspace.labels import MANAGED
from keynet.text import _, fill

__all__ = ["DockerRemains", "note_target", "targets"]

_NOTE: Final = f"{NAME} image "


@frozen
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
        return [*containers, *store_remains.images(NAME, images), *self._targets()]

    def _targets(self) -> list[Remnant]:
        """Return images with the names of pushes that have not come to their ends."""
        owner_of = {
            name: owner for owner, names in owners.notes().items() for name in targets(names)
        }
        if not owner_of:
            return []
        template = "{{.Repository}}:{{.Tag}} {{.Size}}"
        listed = store_remains.ask(
            (self.binary,), "images", "--filter", f"label={MANAGED}=true", "--format", template
        )
        lines = [line.partition(" ") for line in listed.splitlines()]
        return [
            Remnant(Kind.IMAGE, name, name, NAME, NAME, owner_of[name], size=size_of(size))
            for name, _space, size in lines
            if name in owner_of
        ]

    def remove(self, remnants: Sequence[Remnant]) -> None:
        """See ``Finder.remove``."""
        if containers := [each.id for each in remnants if each.kind is Kind.BUILD]:
            argv = (self.binary, "rm", "--force", "--volumes", *containers)
            done = shell.run(shell.Command(argv, tidying=True), timeout_s=None)
            left = {each.id for each in self.find()} & set(containers)
            if left:
                raise store_remains.not_removed(NAME, done)
        store_remains.drop_images((self.binary,), remnants, self.find)


def note_target(name: str) -> None:
    """Write down the name of an image that is about to be built and pushed."""
    # Without a folder that this user may write to, what is left behind is not found.
    with contextlib.suppress(OSError):
        owners.note(f"{_NOTE}{name}")


def targets(lines: Sequence[str]) -> list[str]:
    """Return the names that ``note_target`` has written down."""
    return [line.removeprefix(_NOTE) for line in lines if line.startswith(_NOTE)]


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
