"""BuildKit alone on a socket, as ``buildkitd`` is: the one inside of a dockerd, taken out.

Its image cannot be pulled here. dockerd hands a connection over to its BuildKit after an
upgrade of ``POST /grpc``; with the containerd image store it has all of BuildKit's outputs.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

from .daemon import Dockerd, running_dockerd
from .processes import Place, here

__all__ = ["BuildKit", "running_buildkit"]

_UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


class BuildKit:
    """Listens for gRPC on ``socket``; ``daemon`` is what does the work."""

    def __init__(self, path: Path, daemon: Dockerd) -> None:
        self.socket = path
        self.daemon = daemon
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(50)
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    @property
    def address(self) -> str:
        """What ``docker buildx create --driver remote`` takes."""
        return f"unix://{self.socket}"

    def close(self) -> None:
        """Take no more connections."""
        # Closing alone would leave the thread in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        self.socket.unlink()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(str(self.daemon.socket))
            server.sendall(_UPGRADE)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                if not (byte := server.recv(1)):
                    # A daemon that ends.
                    return
                answer += byte
            assert b" 101 " in answer.splitlines()[0], answer
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()


@contextlib.contextmanager
def running_buildkit(folder: Path, *, mirror: str = "", place: Place = here) -> Iterator[BuildKit]:
    """Run it with everything it keeps below ``folder`` until the block ends; needs docker 24."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "daemon.json"
    config.write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    flags = ["--config-file", str(config)]
    with running_dockerd(folder, mirror=mirror, flags=flags, place=place) as daemon:
        buildkit = BuildKit(folder / "buildkit.sock", daemon)
        try:
            yield buildkit
        finally:
            buildkit.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(1 << 16):
            target.sendall(chunk)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
