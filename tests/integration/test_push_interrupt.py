"""Ctrl-C during ``keynet push`` with every engine: status 130 and nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.platform import EMAIL, PASSWORD, running_platform
from tests.testbed.program import HostSetup
from tests.testbed.registry import RegistryServer

from .pushing import NEWER, OLDER, marked, push_arguments, small_context, write
from .scripted_registry import scripted_registry

WITHIN_S = 60.0


@pytest.fixture(params=[*marked(OLDER), *marked(NEWER, pytest.mark.newer)])
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    """Every setup, with a folder for temporary files of its own."""
    made = host_setups.named(request.param)
    subprocess.run(made.command("mkdir", "-p", str(made.home / "tmp")), check=True)
    return made


def test_interrupt_during_build_leaves_nothing(setup: HostSetup, unused_platform: str) -> None:
    # A number of seconds that no other process sleeps.
    mark = str(100_000 + int.from_bytes(os.urandom(3)))
    context = small_context(setup, f"interrupted-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", f"FROM busybox\nCOPY . /workspace\nRUN sleep {mark}\n")
    _sign_in(setup, unused_platform)
    before = _left(setup)
    with _started(setup, context, "--dockerfile", "Recipe") as process:
        _until(lambda: _processes(f"sleep {mark}") != [], process)
        told = _interrupted(process)
    assert process.returncode == 130, told
    _until(lambda: not _processes(mark))
    assert _left(setup) == before


def test_interrupt_during_push_leaves_nothing(setup: HostSetup, tmp_path: Path) -> None:
    with scripted_registry(hangs=True) as hanging, _platform_of(hanging.host, tmp_path) as url:
        context = small_context(setup, f"interrupted-push-{os.urandom(4).hex()}")
        write(setup, context / "Recipe", "FROM busybox\nCOPY . /workspace\n")
        _sign_in(setup, url)
        before = _left(setup)
        with _started(setup, context, "--dockerfile", "Recipe") as process:
            assert hanging.uploading.wait(WITHIN_S), process.communicate()
            told = _interrupted(process)
        assert process.returncode == 130, told
        _until(lambda: not [line for line in _processes(hanging.host) if "keynet" in line])
        assert _left(setup) == before


@pytest.fixture
def unused_platform(tmp_path: Path) -> Iterator[str]:
    """A platform whose registry is asked for its account only: the build never ends."""
    with scripted_registry(hangs=True) as registry, _platform_of(registry.host, tmp_path) as url:
        yield url


@contextlib.contextmanager
def _platform_of(host: str, folder: Path) -> Iterator[str]:
    registry = RegistryServer(
        host=host,
        port=int(host.rpartition(":")[2]),
        folder=folder,
        auth="basic",
        username="robot$interrupted",
        password="a-password-of-some-length",
        ca=None,
        tokens=None,
        log=folder / "registry.log",
    )
    with running_platform(registry) as platform:
        yield platform.url


def _sign_in(setup: HostSetup, url: str) -> None:
    # An empty PATH of engines would warn only; the registry that hangs must not be asked now.
    told = setup.keynet(
        *("login", url, "--username", EMAIL, "--password-stdin"),
        stdin=PASSWORD,
        env={"PATH": "/nonexistent"},
    )
    assert told.returncode == 0, told.stderr


@contextlib.contextmanager
def _started(setup: HostSetup, context: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        setup.argv(*push_arguments(setup, *flags, base="busybox"), cwd=context),
        env={**setup.environment, "TMPDIR": str(setup.home / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _interrupted(process: subprocess.Popen[str]) -> str:
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=WITHIN_S)
    return output


def _left(setup: HostSetup) -> dict[str, list[str]]:
    """List what an interrupted push could leave: temporary files, containers, images, staging."""
    listings = {
        "docker": [
            ["docker", "ps", "--all", "--quiet"],
            ["docker", "images", "--quiet", "keynet/*"],
        ],
        "podman": [["podman", "ps", "--all", "--external", "--quiet"]],
        "buildah": [["buildah", "containers", "--quiet"]],
    }
    found = {" ".join(argv): _lines(setup, *argv) for argv in listings[setup.builder]}
    cache = setup.home / ".cache/keynet/staging"
    for folder in (setup.home / "tmp", cache):
        found[str(folder)] = _lines(
            setup, "sh", "-c", 'ls -A "$1" 2>/dev/null || true', "-", folder
        )
    return found


def _lines(setup: HostSetup, *argv: str | Path) -> list[str]:
    done = setup.run(setup.command(*map(str, argv)))
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.split())


def _processes(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            line = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
            if mark in line and int(process.name) != os.getpid():
                found.append(line)
    return found


def _until(holds: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended early with {process.returncode}: {process.communicate()}")
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
