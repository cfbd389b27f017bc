"""Find the containers and networks that carry keynet's labels, in any engine."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from keynet.errors import ContainerNotFound, EngineError, NetworkNotFound
from keynet.frozen import frozen
from keynet.runtime.abilities import Container, Engine
from keynet.runtime.remains import Kind, Remnant
from keynet.runtime.workspace.labels import OWNER
from keynet.text import stacked

__all__ = ["LabelledRemains"]

_AT_WORK: Final = frozenset({"paused", "restarting", "running", "stopping"})


@frozen
class LabelledRemains:
    """An engine as a ``Finder`` of what has keynet's labels."""

    host: Engine

    @property
    def engine(self) -> str:
        """See ``Finder.engine``."""
        return self.host.name

    def find(self) -> list[Remnant]:
        """See ``Finder.find``."""
        containers = [self._container(each) for each in self.host.containers()]
        return [
            *containers,
            *(
                Remnant(
                    Kind.NETWORK,
                    each.id,
                    each.name,
                    self.engine,
                    self.engine,
                    None,
                    created=_created(each.managed.created if each.managed else None),
                )
                for each in self.host.networks()
            ),
        ]

    def remove(self, remnants: Sequence[Remnant]) -> None:
        """See ``Finder.remove``; containers first, since networks are kept by them."""
        failed: list[EngineError] = []
        for each in sorted(remnants, key=lambda remnant: remnant.kind is Kind.NETWORK):
            try:
                if each.kind is Kind.CONTAINER:
                    self.host.remove_container(each.id)
                elif each.kind is Kind.NETWORK:
                    self.host.remove_network(each.name)
            except (ContainerNotFound, NetworkNotFound):
                continue
            except EngineError as error:
                failed.append(error)
        if failed:
            raise EngineError(stacked(*(error.message for error in failed)), failed[0].hint)

    def _container(self, found: Container) -> Remnant:
        labels = found.managed
        return Remnant(
            Kind.CONTAINER,
            found.id,
            found.name,
            self.engine,
            self.engine,
            found.labels.get(OWNER, ""),
            running=found.state in _AT_WORK,
            created=_created(labels.created if labels else None),
        )


def _created(moment: datetime | None) -> datetime | None:
    """Return the time of a label; None where ``Labels.parse`` could not read it."""
    return None if moment == datetime.fromtimestamp(0, UTC) else moment
