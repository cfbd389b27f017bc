"""A machine without engines, whose home and cache are a test's own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.files import owners
from tests.fakes.engine import Answer, EngineProgram


@pytest.fixture(scope="session", autouse=True)
def _runtime_folder() -> Iterator[None]:
    """Keep this process's folder out of /run, where the machine's own commands are found."""
    with (
        tempfile.TemporaryDirectory(prefix="kn-run-", ignore_cleanup_errors=True) as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("XDG_RUNTIME_DIR", name)
        owners.token()
        yield


class Machine:
    """PATH holds nothing but the fake programs that a test installs."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.programs = folder / "bin"
        self.home.mkdir()
        self.programs.mkdir()

    def install(self, name: str, *answers: Answer) -> EngineProgram:
        """Put a program on PATH."""
        program = EngineProgram(self.programs, name, list(answers))
        program.install()
        return program


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    for name in (
        "BUILDAH_ISOLATION",
        "BUILDX_BUILDER",
        "CONTAINER_CONNECTION",
        "CONTAINER_HOST",
        "DOCKER_BUILDKIT",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "DOCKER_HOST",
        "REGISTRY_AUTH_FILE",
        "DOCKER_AUTH_CONFIG",
        "STORAGE_DRIVER",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(made.home))
    # Without it root's logins in /run would be read.
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("PATH", str(made.programs))
    return made


@pytest.fixture
def short_runtime(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a XDG_RUNTIME_DIR whose path is as short as a user's; pytest's are longer."""
    del machine
    with tempfile.TemporaryDirectory(prefix="kn-", dir="/tmp", ignore_cleanup_errors=True) as name:
        monkeypatch.setenv("XDG_RUNTIME_DIR", name)
        yield Path(name)
