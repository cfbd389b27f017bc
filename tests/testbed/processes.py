"""Servers of the test bed: started in a group of their own, ended by it, even after a kill."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from .machine import need

__all__ = ["Place", "free_port", "here", "http_answers", "running", "socket_answers"]

# Turns a command line into the one that runs it in another root.
Place = Callable[[Sequence[str]], list[str]]

READY_WITHIN_S = 300.0
END_WITHIN_S = 60.0
# Below those that the system takes for connections: it would give one of these away again before
# the server has it, and a client that asks for such a port can even meet itself there.
_PORTS = range(10_000, 32_000)


def here(argv: Sequence[str]) -> list[str]:
    """Run it on this machine as it is."""
    return list(argv)


def free_port() -> int:
    """Return a loopback port that nobody listens at, and that no connection is given."""
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def http_answers(port: int) -> Callable[[], bool]:
    """Ready when the loopback port takes a connection."""

    def ready() -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return ready


def socket_answers(path: Path) -> Callable[[], bool]:
    """Ready when the UNIX socket takes a connection."""

    def ready() -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(path)) == 0

    return ready


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it dies with this process whatever happens.

    Raises:
        AssertionError: It ended or was not ready in time; the log's last lines are in it.
    """
    # pdeathsig ends the server although this process was killed and no finally ran.
    command = [need("setpriv"), "--pdeathsig", "TERM", *argv]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    try:
        _wait(process, ready, argv, log)
        yield process
    finally:
        _end(process)


def _wait(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], argv: Sequence[str], log: Path
) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    # Also where somebody answers: it may be another server, which had the port before.
    while process.poll() is not None or not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").splitlines()[-15:]
            state = f"ended with {process.returncode}" if process.poll() is not None else "is mute"
            raise AssertionError(f"{argv[0]} {state}:\n" + "\n".join(lines))
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN_S)
    # What the server itself started shares its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
