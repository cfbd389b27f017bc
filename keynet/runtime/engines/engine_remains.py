"""What keynet has left in the engines of this host: the finders of all that are installed."""

from collections.abc import Iterator

from keynet.process import programs
from keynet.runtime.engines import engine_hosts
from keynet.runtime.engines.docker import docker_host
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Dialect
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.remains import Finder
from keynet.runtime.workspace.labelled import LabelledRemains

__all__ = ["finders"]


def finders() -> Iterator[Finder]:
    """Yield the finders of the installed engines, without asking the engines.

    Those that share a store find the same things in it.
    """
    if binary := programs.find(docker_host.NAME):
        from keynet.runtime.engines.docker.docker_remains import DockerRemains

        yield DockerRemains(binary)
    # buildah first: it removes working containers without asking podman's database for them.
    for dialect in (BUILDAH, PODMAN):
        yield from _stores(dialect)
    for host in engine_hosts.installed():
        if host.name != BUILDAH.name:
            yield LabelledRemains(host)


def _stores(dialect: Dialect) -> Iterator[Finder]:
    binary = programs.find(dialect.name)
    if binary is not None:
        from keynet.runtime.engines.podman_like import podman_remains

        yield from podman_remains.stores(dialect, binary)
