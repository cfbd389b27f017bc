"""Pushes that are interrupted or killed, and what they could leave behind."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.testbed.platform import EMAIL, PASSWORD, running_platform
from tests.testbed.program import HostSetup
from tests.testbed.registry import RegistryServer

from .engines import run_root
from .pushing import push_arguments

__all__ = [
    "WITHIN_S",
    "graph_root",
    "interrupted",
    "left",
    "lines",
    "platform_of",
    "processes",
    "records",
    "remains",
    "running",
    "settled",
    "sign_in",
    "started",
    "store_engine",
    "until",
]

# Ends what hangs; whatever is slow is done long before.
WITHIN_S = 300.0
Found = dict[str, list[str]]


@contextlib.contextmanager
def platform_of(host: str, folder: Path) -> Iterator[str]:
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


def with_temporary_folder(setup: HostSetup) -> HostSetup:
    """Return the setup, with a folder for temporary files of its own."""
    subprocess.run(setup.command("mkdir", "-p", str(setup.home / "tmp")), check=True)
    return setup


def sign_in(setup: HostSetup, url: str) -> None:
    # An empty PATH of engines would warn only; the registry that hangs must not be asked now.
    told = setup.keynet(
        *("login", url, "--username", EMAIL, "--password-stdin"),
        stdin=PASSWORD,
        env={"PATH": "/nonexistent"},
    )
    assert told.returncode == 0, told.stderr


@contextlib.contextmanager
def started(setup: HostSetup, context: Path, *flags: str) -> Iterator[subprocess.Popen[str]]:
    arguments = push_arguments(setup, *flags, base="busybox")
    with running(setup, context, *arguments) as process:
        yield process


@contextlib.contextmanager
def running(
    setup: HostSetup, context: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run keynet in a group of its own, which is killed at the end of the block."""
    process = subprocess.Popen(
        setup.argv(*arguments, cwd=context),
        env={**setup.environment, "TMPDIR": str(setup.home / "tmp"), **(env or {})},
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
            process.communicate()


def interrupted(process: subprocess.Popen[str]) -> str:
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=WITHIN_S)
    return output


def left(setup: HostSetup) -> dict[str, list[str]]:
    """List what an interrupted push could leave: temporary files, containers, images, staging."""
    listings = {
        "docker": [
            ["docker", "ps", "--all", "--quiet"],
            ["docker", "images", "--quiet", "keynet/*"],
        ],
        "podman": [["podman", "ps", "--all", "--external", "--quiet"]],
        "buildah": [["buildah", "containers", "--quiet"]],
    }
    found = {" ".join(argv): lines(setup, *argv) for argv in listings[setup.builder]}
    cache = setup.home / ".cache/keynet/staging"
    for folder in (setup.home / "tmp", cache):
        found[str(folder)] = lines(setup, "sh", "-c", 'ls -A "$1" 2>/dev/null || true', "-", folder)
    return found


def lines(setup: HostSetup, *argv: str | Path) -> list[str]:
    done = setup.run(setup.command(*map(str, argv)))
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.split())


def processes(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            line = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
            if mark in line and int(process.name) != os.getpid():
                found.append(line)
    return found


def settled(setup: HostSetup, look: Callable[[], Found], expected: Found) -> Found:
    """Return what is seen; docker's daemon gets time for what it does once its client has gone."""
    deadline = time.monotonic() + WITHIN_S
    while (found := look()) != expected:
        if setup.builder != "docker" or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    return found


def until(holds: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"ended early with {process.returncode}: {process.communicate()}")
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def store_engine(setup: HostSetup) -> list[str]:
    """Return the engine's program, pointed at keynet's own store where builds have chosen it."""
    own = setup.home / ".local/share/keynet/storage/root"
    if setup.run(setup.command("test", "-d", str(own))).returncode != 0:
        return [setup.builder]
    store = ("--root", str(own), "--runroot", str(run_root(own)), "--storage-driver", "overlay")
    return [setup.builder, *store]


def graph_root(setup: HostSetup) -> str:
    """Return the folder of the store that builds use."""
    field = "{{.Store.GraphRoot}}" if setup.builder == "podman" else "{{.store.GraphRoot}}"
    (root,) = lines(setup, *store_engine(setup), "info", "--format", field)
    return root


def records(setup: HostSetup) -> list[str]:
    """Return the ids of all containers in the engine's store, also those that no engine lists."""
    root = graph_root(setup)
    listing = 'cat "$1"/*-containers/*containers.json 2>/dev/null || true'
    done = setup.run(setup.command("sh", "-c", listing, "-", root))
    assert done.returncode == 0, done.stderr
    decoder, text, found = json.JSONDecoder(), done.stdout.strip(), []
    while text:
        part, end = decoder.raw_decode(text)
        found += [each["id"] for each in part or ()]
        text = text[end:].strip()
    return sorted(found)


def remains(setup: HostSetup) -> dict[str, list[str]]:
    """List what a killed push could leave: folders, containers, names of images, programs."""
    engine = store_engine(setup)
    runtime = Path(setup.environment["XDG_RUNTIME_DIR"])
    containers = {
        "docker": [*engine, "ps", "--all", "--quiet"],
        "podman": [*engine, "ps", "--all", "--external", "--quiet"],
        "buildah": [*engine, "containers", "--quiet"],
    }
    repository = "Name" if setup.builder == "buildah" else "Repository"
    names = _rows(setup, *engine, "images", "--format", f"{{{{.{repository}}}}}:{{{{.Tag}}}}")
    found = {
        "containers": _rows(setup, *containers[setup.builder]),
        "names": [name for name in names if ":build-" in name or ":trial-" in name],
        "targets": [name for name in names if "kitech" in name],
    }
    for folder in (setup.home / "tmp", setup.home / ".cache/keynet/staging", runtime):
        listing = 'ls -A "$1" 2>/dev/null | grep ^keynet- || true'
        found[str(folder)] = _rows(setup, "sh", "-c", listing, "-", folder)
    found["programs"] = _keynet_programs(setup)
    return found


def _keynet_programs(setup: HostSetup) -> list[str]:
    """List the setup's own programs that were started by keynet."""
    home = f"HOME={setup.environment['HOME']}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
            if b"KEYNET_OWNER=" in environment and home in environment and b"keynet" in command:
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return sorted(found)


def _rows(setup: HostSetup, *argv: str | Path) -> list[str]:
    done = setup.run(setup.command(*map(str, argv)))
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())
