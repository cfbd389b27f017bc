"""What holds for every test: a home and an environment that are not the developer's."""

import os
import signal
from pathlib import Path

import pytest

# Sockets and contexts of the machine would decide which engine a test meets.
FOREIGN = (
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_BUILDKIT", "BUILDX_BUILDER"),
    *("CONTAINER_HOST", "CONTAINER_CONNECTION", "REGISTRY_AUTH_FILE", "NO_COLOR", "FORCE_COLOR"),
)


def pytest_configure(config: pytest.Config) -> None:
    # A shell without job control starts its background programs deaf to SIGINT, nohup to
    # SIGHUP; so would be every program that the tests start.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    config.addinivalue_line("markers", "newer: needs the root with Debian 13's engines")


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("KEYNET_") and not name.startswith("KEYNET_TEST"):
            monkeypatch.delenv(name)
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path_factory.mktemp("home")
    for name, folder in _homes(home).items():
        monkeypatch.setenv(name, str(folder))


def _homes(home: Path) -> dict[str, Path]:
    return {
        "HOME": home,
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_DATA_HOME": home / ".local/share",
        "XDG_STATE_HOME": home / ".local/state",
    }
