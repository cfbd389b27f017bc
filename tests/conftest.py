"""What holds for every test: a home and an environment that are not the developer's."""

import gc
import itertools
import os
import signal
import stat
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

# Sockets and contexts of the machine would decide which engine a test meets.
FOREIGN = (
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_BUILDKIT", "BUILDX_BUILDER"),
    *("CONTAINER_HOST", "CONTAINER_CONNECTION", "REGISTRY_AUTH_FILE", "NO_COLOR", "FORCE_COLOR"),
    *("DOCKER_AUTH_CONFIG", "CONTAINERS_REGISTRIES_CONF"),
)


# A busy machine is no failure of a property.
hypothesis.settings.register_profile(
    "keynet", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("keynet")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage among the thousands of tests: not while they are made, nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    # A shell without job control starts its background programs deaf to SIGINT, nohup to
    # SIGHUP; so would be every program that the tests start.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    config.addinivalue_line("markers", "newer: needs the root with Debian 13's engines")


PRIVATE = 0o700
_TAKEN_OVER = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Homes:
    """Empty homes: one serves test after test until something is left in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._home = self._new()

    def empty(self) -> Path:
        """Return a home as it was made."""
        if not self._is_untouched():
            self._home = self._new()
        return self._home

    def _is_untouched(self) -> bool:
        try:
            mode = stat.S_IMODE(self._home.stat().st_mode)
            return mode == PRIVATE and not any(self._home.iterdir())
        except OSError:
            return False

    def _new(self) -> Path:
        home = self._folder / str(next(self._numbers))
        home.mkdir(mode=PRIVATE)
        return home


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    """Homes for all tests of this process."""
    return Homes(tmp_path_factory.mktemp("homes"))


@pytest.fixture(autouse=True)
def _own_surroundings(homes: Homes) -> Iterator[None]:
    """Keep home, environment and signals to the test: one fixture, as each takes its time.

    The program takes signals over; a test that runs it in this process does not keep them.
    """
    handlers = {number: signal.getsignal(number) for number in _TAKEN_OVER}
    own = _homes(homes.empty())
    keynets = [
        each
        for each in os.environ
        if each.startswith("KEYNET_") and not each.startswith("KEYNET_TEST")
    ]
    before = {name: os.environ.get(name) for name in (*own, *FOREIGN, *keynets)}
    for name in (*FOREIGN, *keynets):
        os.environ.pop(name, None)
    os.environ.update(own)
    yield
    for name, text in before.items():
        if text is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = text
    for number, handler in handlers.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _homes(home: Path) -> dict[str, str]:
    return {
        "HOME": f"{home}",
        "XDG_CONFIG_HOME": f"{home}/.config",
        "XDG_CACHE_HOME": f"{home}/.cache",
        "XDG_DATA_HOME": f"{home}/.local/share",
        "XDG_STATE_HOME": f"{home}/.local/state",
    }
