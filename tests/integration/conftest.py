"""Session fixtures round tests/testbed: real registries, engines and users."""

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.interrupting import platform_of
from tests.integration.runs import Runner
from tests.integration.scripted_registry import scripted_registry
from tests.testbed import program
from tests.testbed.daemon import Dockerd, running_dockerd
from tests.testbed.host_setups import HostSetups
from tests.testbed.images import Hub, fill_hub
from tests.testbed.index import Index, running_index
from tests.testbed.machine import beside_modules, locked, scratch
from tests.testbed.newer import PYTHON, NewerRoot, newer_root
from tests.testbed.platform import Platform, running_platform
from tests.testbed.program import HostSetup
from tests.testbed.registry import Auth, RegistryServer, running_registry
from tests.testbed.stores import Store, make_store
from tests.testbed.user import OrdinaryUser, ordinary_user


@pytest.fixture(scope="session")
def bed() -> Iterator[Path]:
    """A folder of this run that other users may enter; everything in it goes at the end."""
    with scratch("session") as folder:
        yield folder


@pytest.fixture(autouse=True)
def _own_logins(bed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep logins to the test: by default root's podman stores them below /run for everybody.

    Ports are used again: a login that one test leaves would be another registry's.
    """
    monkeypatch.setenv("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="run-", dir=bed))


@pytest.fixture(scope="session")
def http_registry(bed: Path) -> Iterator[RegistryServer]:
    """An open registry over plain http."""
    with running_registry(bed / "registry-http") as server:
        yield server


@pytest.fixture(scope="session")
def tls_registry(bed: Path) -> Iterator[RegistryServer]:
    """An open registry with a private CA."""
    with running_registry(bed / "registry-tls", tls=True) as server:
        yield server


@pytest.fixture(scope="session")
def basic_registry(bed: Path) -> Iterator[RegistryServer]:
    """A TLS registry with a private CA that knows one ``robot$…`` user by htpasswd."""
    with running_registry(bed / "registry-basic", tls=True, auth="basic") as server:
        yield server


@pytest.fixture(scope="session")
def token_registry(bed: Path) -> Iterator[RegistryServer]:
    """A TLS registry with a private CA that wants a bearer token of its token server."""
    with running_registry(bed / "registry-token", tls=True, auth="token") as server:
        yield server


@pytest.fixture
def make_registry(tmp_path: Path) -> Iterator[Callable[..., RegistryServer]]:
    """Start registries of a test's own: ``make_registry(tls=…, auth=…)``."""
    import contextlib

    with contextlib.ExitStack() as stack:
        count = 0

        def make(*, tls: bool = False, auth: Auth = "open") -> RegistryServer:
            nonlocal count
            count += 1
            folder = tmp_path / f"registry-{count}"
            return stack.enter_context(running_registry(folder, tls=tls, auth=auth))

        yield make


@pytest.fixture(scope="session")
def hub(bed: Path) -> Iterator[Hub]:
    """A registry that stands for Docker Hub: python:3.11-slim, busybox and a bare Python."""
    with running_registry(bed / "registry-hub") as server:
        yield fill_hub(server, bed)


@pytest.fixture(scope="session")
def dockerd(bed: Path, hub: Hub) -> Iterator[Dockerd]:
    """A dockerd without bridge and iptables: it builds and pushes; the hub is its mirror."""
    with running_dockerd(bed / "dockerd", mirror=hub.mirror) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def dockerd_with_networks(bed: Path, hub: Hub) -> Iterator[Dockerd]:
    """A dockerd with a bridge: ``docker network`` and ``docker run --network`` work."""
    folder = bed / "dockerd-net"
    # There is one docker0.
    with locked("docker0"), running_dockerd(folder, networks=True, mirror=hub.mirror) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def root_store(bed: Path, hub: Hub) -> Store:
    """Root's podman and buildah store of this run, by its environment; finds the hub's names."""
    return make_store(bed / "root-store", hub)


@pytest.fixture(scope="session")
def user(hub: Hub) -> Iterator[OrdinaryUser]:
    """An ordinary user with subuid and subgid; pass ``CONTAINERS_REGISTRIES_CONF`` for the hub."""
    with ordinary_user() as made:
        yield made


@pytest.fixture(scope="session")
def user_without_subids() -> Iterator[OrdinaryUser]:
    """An ordinary user whom /etc/subuid and /etc/subgid do not know."""
    with ordinary_user(subids=False) as made:
        yield made


def pytest_configure() -> None:
    # As Ctrl-C: the fixtures' own clean-up runs, no daemon, user or mount stays behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _as_root() -> None:
    assert os.geteuid() == 0, "integration tests start daemons and users: run them as root"


@pytest.fixture(scope="session")
def newer(bed: Path) -> Iterator[NewerRoot]:
    """Debian 13's engines and oras in a root of their own; ``newer.run([…])`` runs there."""
    with newer_root(bed / "newer") as root:
        yield root


@pytest.fixture(scope="session")
def newer_dockerd(bed: Path, hub: Hub, newer: NewerRoot) -> Iterator[Dockerd]:
    """Docker 26 with buildx: ``newer_dockerd.docker(…)`` runs the client in the newer root."""
    folder = bed / "dockerd-newer"
    with running_dockerd(folder, mirror=hub.mirror, place=newer.argv) as daemon:
        yield daemon


@pytest.fixture(scope="session")
def newer_user(newer: NewerRoot, hub: Hub) -> Iterator[OrdinaryUser]:
    """An ordinary user of the newer root."""
    with ordinary_user(place=newer.argv) as made:
        yield made


@pytest.fixture(scope="session")
def host_python() -> str:
    """A Python with keynet's dependencies that every user of this machine may run."""
    return program.host_python()


@pytest.fixture(scope="session")
def keynet_source(bed: Path) -> Path:
    """keynet with byte code for Debian's Python, which every user may read; for PYTHONPATH."""
    return program.copy_source(bed)


@pytest.fixture(scope="session")
def newer_source(keynet_source: Path, newer: NewerRoot) -> Path:
    """The same with byte code for the newer root's Python, too."""
    newer.run([PYTHON, *program.COMPILE, str(keynet_source)], env=beside_modules())
    return keynet_source


@pytest.fixture(scope="session")
def host_setups(
    bed: Path, keynet_source: Path, hub: Hub, request: pytest.FixtureRequest
) -> HostSetups:
    """Host setups by name: ``host_setups.named("rootless-buildah").keynet("push", …)``."""
    # Podman 4 cleans up after a container by flags, and refuses a runroot of more than 50
    # characters there: each `podman run` would wait 20 s for the exit status, in vain.
    folder = bed / "hosts"
    folder.mkdir(mode=0o711)
    return HostSetups(folder, keynet_source, hub, request.getfixturevalue)


@pytest.fixture(scope="session")
def runner(host_setups: HostSetups, request: pytest.FixtureRequest) -> Runner:
    """Return a setup that runs containers by its name; docker's daemon is one with networks."""

    def named(name: str) -> HostSetup:
        if name != "docker":
            return host_setups.named(name)
        daemon: Dockerd = request.getfixturevalue("dockerd_with_networks")
        docker = host_setups.named("docker-legacy")
        return replace(docker, environment={**docker.environment, "DOCKER_HOST": daemon.host})

    return named


@pytest.fixture(scope="session")
def platform(token_registry: RegistryServer) -> Iterator[Platform]:
    """A backend over TLS, of the same private CA as its token registry."""
    assert token_registry.ca is not None
    certificate = token_registry.ca.issue(token_registry.folder, "platform")
    with running_platform(token_registry, certificate) as backend:
        yield backend


@pytest.fixture(scope="session")
def index() -> Iterator[Index]:
    """A package index on loopback that counts what is fetched; see tests/testbed/index.py."""
    with running_index() as server:
        yield server


@pytest.fixture
def unused_platform(tmp_path: Path) -> Iterator[str]:
    """A platform whose registry is asked for its account only: the build never ends."""
    with scripted_registry(hangs=True) as registry, platform_of(registry.host, tmp_path) as url:
        yield url
