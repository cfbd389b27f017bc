"""A dockerd of the tests' own, on a socket of its own."""

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import need
from .processes import Place, free_port, here, http_answers, running, socket_answers

__all__ = ["DOCKER", "Dockerd", "running_dockerd"]

# Debian's own client: a newer one elsewhere on PATH may come without buildx.
DOCKER = "/usr/bin/docker"


@dataclass(frozen=True, slots=True)
class Dockerd:
    """One running daemon; ``host`` is what DOCKER_HOST takes, ``tcp`` the same over loopback."""

    host: str
    socket: Path
    tcp: str
    client: str = DOCKER
    place: Place = here

    def docker(self, *arguments: str) -> str:
        """Run the client against this daemon and return its standard output."""
        argv = self.place([self.client, "--host", self.host, *arguments])
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def running_dockerd(
    folder: Path,
    *,
    networks: bool = False,
    mirror: str = "",
    flags: Sequence[str] = (),
    place: Place = here,
) -> Iterator[Dockerd]:
    """Run dockerd with everything it keeps below ``folder`` until the block ends.

    Args:
        networks: With a bridge and iptables, for ``docker network`` and ``docker run``.
        mirror: ``http://host:port`` of a registry that stands for Docker Hub.
        place: Where to run it and its client, such as ``NewerRoot.argv``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    socket, port = folder / "docker.sock", free_port()
    argv = [
        *(
            need("dockerd"),
            "--data-root",
            str(folder / "data"),
            "--exec-root",
            str(folder / "exec"),
        ),
        *("--pidfile", str(folder / "pid")),
        *("--host", f"unix://{socket}", "--host", f"tcp://127.0.0.1:{port}", "--tls=false"),
        *(() if networks else ("--iptables=false", "--ip6tables=false", "--bridge=none")),
        *(("--registry-mirror", mirror) if mirror else ()),
        *flags,
    ]
    # Both sockets: the client of a test may come over either.
    ready = (socket_answers(socket), http_answers(port))
    log = folder / "dockerd.log"
    with running(place(argv), log=log, ready=lambda: all(answers() for answers in ready)):
        daemon = Dockerd(f"unix://{socket}", socket, f"tcp://127.0.0.1:{port}", place=place)
        try:
            yield daemon
        finally:
            _stop_containers(daemon)


def _stop_containers(daemon: Dockerd) -> None:
    containers = daemon.docker("ps", "--all", "--quiet").split()
    if containers:
        daemon.docker("rm", "--force", *containers)
