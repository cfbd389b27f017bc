"""A whole platform in fakes: backend, registry and engine, with keynet logged in."""

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keynet.cli.main import run
from tests.fakes import engine
from tests.fakes.backend import FakeBackend, Reply, running_backend
from tests.fakes.registry import MemoryRegistry, on_loopback

KEY = "abc123xyz456789012345"
SCRIPT = (
    "import argparse\n\n"
    "parser = argparse.ArgumentParser()\n"
    "parser.add_argument('--lr', type=float, default=0.001)\n"
    "parser.parse_args()\n"
)


class Terminal(io.StringIO):
    """Somebody who sits at standard input and types this."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Platform:
    """Where everything is; ``registry`` holds what was pushed."""

    backend: FakeBackend
    registry: MemoryRegistry
    registry_host: str
    engines: Path
    project: Path


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """Return a logged-in user in a project folder, with a fake buildah alone in PATH."""
    with running_backend() as backend, served(MemoryRegistry()) as (registry, host):
        project = signed_in(tmp_path, monkeypatch, backend, host)
        yield Platform(backend, registry, host, tmp_path / "bin", project)


def signed_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, backend: FakeBackend, registry_host: str
) -> Path:
    """Make a user logged in to these, in a project folder, with a fake buildah alone in PATH."""
    home = folder / "home"
    project = folder / "project"
    engines = folder / "bin"
    home.mkdir()
    # Without it root's own in /run would be looked through.
    (home / "run").mkdir(mode=0o700)
    project.mkdir()
    engine.install(engines)
    (project / "train.py").write_text(SCRIPT)
    config = home / "config.json"
    config.write_text(json.dumps(saved(backend.url, registry_host)))
    config.chmod(0o600)
    for name, value in {
        "KEYNET_CONFIG": str(config),
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "PATH": str(engines),
        "LANGUAGE": "C",
    }.items():
        monkeypatch.setenv(name, value)
    for name in (
        "REGISTRY_AUTH_FILE",
        "DOCKER_AUTH_CONFIG",
        "DOCKER_CONFIG",
        "DOCKER_HOST",
        "KEYNET_TOKEN_HOSTS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(project)
    backend.answer(Reply.of({"id": 1, "uploadKey": KEY, "command": "python train.py --lr 0.001"}))
    return project


def saved(server_url: str, registry_host: str) -> dict[str, object]:
    return {
        "server_url": server_url,
        "username": "user@example.com",
        "api_token": "a-token-of-some-length",
        "harbor": {
            "url": f"http://{registry_host}",
            "username": "robot$user",
            "password": "a-password-of-some-length",
        },
        "project": {"id": 12, "title": "객체 탐지 모델", "server_url": server_url},
    }


class served:
    """Serve a registry in a thread of its own until the block ends."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self._registry = registry
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._started: threading.Event = threading.Event()
        self._host = ""
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> tuple[MemoryRegistry, str]:
        self._thread.start()
        assert self._started.wait(120)
        return self._registry, self._host

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(120)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        async with on_loopback(self._registry) as host:
            self._host = host
            self._started.set()
            await self._stop.wait()


def keynet(*arguments: str) -> int:
    """Run one command line."""
    return run(list(arguments))
