"""The engines as hosts of containers, in the order in which ``auto`` takes them.

Nothing is built for that: an engine that does not work can be asked, too.
"""

from collections.abc import Callable, Mapping
from typing import Final

from keynet.errors import EngineUnavailable, InvalidRunSettings
from keynet.process import programs
from keynet.runtime.abilities import PING_TIMEOUT_S, TIMEOUT_S, Engine
from keynet.runtime.engines import engine_candidates
from keynet.runtime.engines.docker import docker_host
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["AUTO", "connect", "installed"]

AUTO: Final = "auto"


def connect(
    name: str = AUTO, *, timeout_s: float = TIMEOUT_S, ping_timeout_s: float = PING_TIMEOUT_S
) -> Engine:
    """Return an engine of this host; ``auto`` is the first that answers.

    An engine that is named is returned whether or not it answers: ask its ``ping``.

    Raises:
        EngineUnavailable: Not installed; for ``auto``, none answers.
        InvalidRunSettings: There is no engine of this name.
    """
    if name != AUTO:
        return _named(name, timeout_s)
    refused = []
    for each in _ENGINES:
        try:
            host = _named(each, timeout_s)
            host.ping(ping_timeout_s)
        except EngineUnavailable as error:
            refused += [f"  {error.message}", *([f"    → {error.hint}"] if error.hint else [])]
        else:
            return host
    raise EngineUnavailable(
        stacked(_("No engine answers here:"), Block("\n".join(refused))),
        _("Fix one of these; one is enough. Details: keynet doctor"),
    )


def installed() -> list[Engine]:
    """Return the engines whose programs are on PATH, without asking them."""
    return [_named(each, TIMEOUT_S) for each in _ENGINES if programs.find(each) is not None]


def _named(name: str, timeout_s: float) -> Engine:
    if name not in _ENGINES:
        raise InvalidRunSettings(
            fill(_("Unknown engine: {name}."), name=printable(name, 100)),
            fill(_("Use one of: {names}."), names=", ".join([AUTO, *_ENGINES])),
        )
    binary = programs.find(name)
    if binary is None:
        raise EngineUnavailable(
            fill(_("{name} is not installed (no such program on PATH)"), name=name),
            _("Install it, or choose another engine. Details: keynet doctor"),
        )
    return _ENGINES[name](binary, timeout_s)


def _docker(binary: str, timeout_s: float) -> Engine:
    from keynet.runtime.engines.docker.docker_engine import DockerEngine

    return DockerEngine(binary, timeout_s)


def _podman_like(dialect: Dialect) -> Callable[[str, float], Engine]:
    def make(binary: str, timeout_s: float) -> Engine:
        from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine

        return PodmanEngine(dialect, _invocation(dialect, binary), timeout_s)

    return make


def _invocation(dialect: Dialect, binary: str) -> Invocation:
    """Return how builds call the engine: in keynet's own store, if they have chosen it."""
    from keynet.runtime.engines.podman_like import own_store
    from keynet.runtime.engines.podman_like.podman_like import PodmanLike

    for candidate in engine_candidates.engines():
        if candidate.name == dialect.name:
            known = candidate.remembered()
            # To ask an own store that was removed would create it again.
            if isinstance(known, PodmanLike) and (not known.invocation.root or own_store.exists()):
                return known.invocation
    return Invocation(binary)


_ENGINES: Final[Mapping[str, Callable[[str, float], Engine]]] = {
    docker_host.NAME: _docker,
    PODMAN.name: _podman_like(PODMAN),
    BUILDAH.name: _podman_like(BUILDAH),
}
