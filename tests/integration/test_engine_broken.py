"""Set-ups that are really broken: each gives the reason and the fix, and probing goes on."""

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.engines import SYSTEM_PATH, Host, make_host, root_environment, rootless
from tests.testbed.daemon import running_dockerd
from tests.testbed.images import Hub
from tests.testbed.stores import make_store
from tests.testbed.user import OrdinaryUser

ENGINES = ("docker", "podman", "buildah")


def _root(engine: str, bed: Path, **extra: str) -> Host:
    home = bed / f"home-{os.urandom(4).hex()}"
    return Host(engine, root_environment(home, {"PATH": SYSTEM_PATH, **extra}), home)


def _programs(folder: Path, *without: str) -> str:
    """Make a PATH with everything of the system but some programs."""
    folder.mkdir()
    for place in SYSTEM_PATH.split(":"):
        for program in Path(place).iterdir():
            link = folder / program.name
            if program.name not in without and not link.is_symlink():
                link.symlink_to(program.resolve())
    return str(folder)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_program_is_named_with_its_package(
    engine: str, bed: Path, tmp_path: Path
) -> None:
    host = _root(engine, bed, PATH=_programs(tmp_path / "bin", *ENGINES))
    refused = host.ask()
    assert refused.status == 4
    assert refused.error["type"] == "EngineUnavailable"
    assert f"{engine} is not installed" in refused.error["message"]
    assert "apt-get install" in refused.error["message"]


def test_auto_names_every_engine_with_its_reason(bed: Path, tmp_path: Path) -> None:
    refused = _root("auto", bed, PATH=_programs(tmp_path / "bin", *ENGINES)).ask()
    for engine in ENGINES:
        assert f"{engine}: {engine} is not installed" in refused.error["message"]


@pytest.mark.docker
def test_a_daemon_that_does_not_run(bed: Path) -> None:
    refused = _root("docker", bed, DOCKER_HOST="unix:///tmp/no/such/docker.sock").ask()
    assert "its daemon is not running" in refused.error["message"]
    assert "systemctl start docker" in refused.error["message"]


@pytest.mark.docker
def test_a_socket_file_without_a_daemon_behind_it(bed: Path, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    refused = _root("docker", bed, DOCKER_HOST=f"unix://{path}").ask()
    assert "its daemon is not running" in refused.error["message"]
    assert "Connection refused" in refused.error["message"]


@pytest.mark.docker
@pytest.mark.rootless
def test_a_socket_that_this_user_may_not_use(request: pytest.FixtureRequest) -> None:
    daemon = make_host("docker-legacy", request)
    user: OrdinaryUser = request.getfixturevalue("user")
    path = Path(daemon.environment["DOCKER_HOST"].removeprefix("unix://"))
    for folder in path.parents[:2]:
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o011)
    refused = rootless(user, "docker", {"DOCKER_HOST": f"unix://{path}"}).ask()
    assert "permission denied" in refused.error["message"]
    assert "usermod -aG docker" in refused.error["message"]


@pytest.mark.rootless
@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_a_user_without_subordinate_ids(engine: str, user_without_subids: OrdinaryUser) -> None:
    refused = rootless(user_without_subids, engine, {}).ask()
    assert "/etc/subuid" in refused.error["message"]
    assert "usermod --add-subuids" in refused.error["message"]


@pytest.mark.rootless
@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_a_user_without_newuidmap(engine: str, user: OrdinaryUser, bed: Path) -> None:
    path = _programs(bed / f"bin-{os.urandom(4).hex()}", "newuidmap", "newgidmap")
    # podman would join the user namespace that it left for this user: it finds it by the
    # runtime folder, and that again in the database of the store in the home.
    variables = {"PATH": path}
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        folder = bed / f"{name.lower()}-{os.urandom(4).hex()}"
        folder.mkdir(mode=0o700)
        variables[name] = str(user.own(folder))
    refused = rootless(user, engine, variables).ask()
    assert "uidmap" in refused.error["message"]
    assert "apt-get install uidmap" in refused.error["message"]


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_a_store_of_another_driver(engine: str, bed: Path, hub: Hub) -> None:
    store = make_store(bed / f"vfs-{os.urandom(4).hex()}", hub, driver="vfs")
    conf = store.environment["CONTAINERS_STORAGE_CONF"]
    host = _root(engine, bed, CONTAINERS_STORAGE_CONF=conf)
    host.run("buildah", "images")
    refused = host.with_environment(STORAGE_DRIVER="btrfs").ask()
    assert refused.status == 4
    assert "storage driver" in refused.error["message"]
    assert "STORAGE_DRIVER" in refused.error["message"]


@pytest.fixture
def noexec(bed: Path) -> Iterator[Path]:
    """A file system on which no program can be run, as some hosts mount their data disks."""
    folder = bed / f"noexec-{os.urandom(4).hex()}"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec", "none", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_run_that_the_host_forbids_leaves_copy(engine: str, noexec: Path, bed: Path) -> None:
    store = make_store(noexec, driver="vfs")
    host = _root(engine, bed, CONTAINERS_STORAGE_CONF=store.environment["CONTAINERS_STORAGE_CONF"])
    refused = host.ask()
    assert refused.status == 4
    assert "not run programs in a build" in refused.error["message"]
    assert "permission denied" in refused.error["message"]
    context = host.home / "context"
    context.mkdir()
    (context / "train.py").write_text("print(1)\n")
    copied = host.ask(
        needs_run=False, context=str(context), text="FROM scratch\nCOPY . /workspace/\n"
    )
    assert copied.status == 0, copied.json
    assert "COPY only" in copied.json["how"]
    assert copied.json["unsupported"] == []


@pytest.mark.docker
def test_a_daemon_whose_containers_cannot_start(bed: Path, hub: Hub, tmp_path: Path) -> None:
    false = shutil.which("false")
    flags = ["--add-runtime", f"broken={false}", "--default-runtime", "broken"]
    folder = bed / f"dockerd-{os.urandom(4).hex()}"
    with running_dockerd(folder, flags=flags) as daemon:
        host = _root("docker", bed, DOCKER_HOST=daemon.host, DOCKER_BUILDKIT="0")
        refused = host.ask()
        assert refused.status == 4
        assert "not run programs" in refused.error["message"]
        assert daemon.docker("images", "--all", "--quiet") == ""
        assert daemon.docker("ps", "--all", "--quiet") == ""


def test_an_engine_of_no_such_name(bed: Path) -> None:
    refused = _root("kaniko", bed).ask()
    assert refused.status == 2
    assert "auto, docker, podman, buildah" in refused.error["hint"]
