"""A machine without engines, whose home and cache are a test's own."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.files import owners
from tests.fakes.behind import Behind
from tests.fakes.engine import Answer, EngineProgram
from tests.fakes.profiles import ABILITIES, PROFILES, SANDBOX, Profile
from tests.fakes.registry import MemoryRegistry

EVERY = (*PROFILES, SANDBOX)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--profile",
        action="append",
        default=[],
        choices=["all", *(profile.name for profile in EVERY)],
        help="run the tests that use a registry in memory against this profile of tests/fakes",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = metafunc.config.getoption("--profile")
    if not names or not _is_any_registry(metafunc):
        return
    chosen = [profile for profile in EVERY if {profile.name, "all"} & {*names}]
    metafunc.parametrize("_profile", chosen, indirect=True, ids=lambda profile: profile.name)


def _is_any_registry(metafunc: pytest.Metafunc) -> bool:
    """Report whether a test uses the registry in memory, and leaves open which one."""
    uses = hasattr(metafunc.module, "MemoryRegistry") or "platform" in metafunc.fixturenames
    return uses and metafunc.definition.get_closest_marker("own_profiles") is None


@pytest.fixture(autouse=True)
def _profile(request: pytest.FixtureRequest) -> None:
    """Let the registries behave as this run's profile; skip what it lacks by its table."""
    profile: Profile | None = getattr(request, "param", None)
    if profile is None:
        return
    # Only here: without profiles most tests need neither.
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    folders: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    for marker in request.node.iter_markers("needs"):
        for ability in marker.args:
            if not ABILITIES[ability](profile):
                pytest.skip(f"{profile.name} has not: {ability}")
    monkeypatch.setattr(MemoryRegistry, "standard", profile)
    if profile is SANDBOX:
        monkeypatch.setattr(MemoryRegistry, "behind", lambda: Behind(folders.mktemp("sandbox")))


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
