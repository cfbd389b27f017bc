"""BUILDX_BUILDER names BuildKit elsewhere: built and pushed there, without a daemon here."""

import os
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.engines import Host, access, image_files, make_host, staged
from tests.testbed.buildkit import BuildKit, running_buildkit
from tests.testbed.images import Hub
from tests.testbed.newer import NewerRoot
from tests.testbed.registry import RegistryServer, running_registry

pytestmark = [pytest.mark.docker, pytest.mark.registry, pytest.mark.newer]

TEXT = 'FROM busybox\nRUN ["true"]\nCOPY . /workspace/\n'


@pytest.fixture(scope="module")
def buildkit(bed: Path, hub: Hub, newer: NewerRoot) -> Iterator[BuildKit]:
    with running_buildkit(bed / "buildkit", mirror=hub.mirror, place=newer.argv) as running:
        yield running


@pytest.fixture
def host(buildkit: BuildKit, request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    """A client whose own daemon does not run, with a builder elsewhere."""
    made = make_host("docker-newer", request)
    home = tmp_path / "home"
    home.mkdir()
    made = replace(made, home=home).with_environment(
        HOME=str(home), DOCKER_HOST="unix:///no/such/docker.sock", BUILDX_BUILDER="far"
    )
    create = ["buildx", "create", "--name", "far", "--driver", "remote", buildkit.address]
    made.run("docker", *create)
    return made


@pytest.fixture(scope="module")
def private_registry(bed: Path) -> Iterator[RegistryServer]:
    with running_registry(bed / "registry-buildx", auth="basic") as server:
        yield server


@pytest.fixture
def context(host: Host) -> Path:
    folder = host.home / "context"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


def _name(server: RegistryServer) -> str:
    return f"{server.host}/kitech-model/{os.urandom(6).hex()}"


def test_the_builder_builds_and_pushes(
    host: Host, context: Path, private_registry: RegistryServer, tmp_path: Path, buildkit: BuildKit
) -> None:
    server = private_registry
    name = _name(server)
    request = {
        "context": str(context),
        "base": "python-stub",
        "requirements": "numpy==1\n",
        "access": access(server, tmp_path),
    }
    first = host.ask(**request, target=f"{name}:latest", no_cache=True)
    assert first.status == 0, (first.json, first.log)
    assert "builder far, remote" in first.json["how"]
    files = image_files(server, f"{name}@{first.json['digest']}", tmp_path)
    assert files["workspace/train.py"] == b"print(1)\n"
    (context / "train.py").write_text("print(2)\n")
    second = host.ask(**request, target=f"{name}:latest")
    assert second.status == 0, (second.json, second.log)
    changed = image_files(server, f"{name}@{second.json['digest']}", tmp_path)
    assert changed["workspace/train.py"] == b"print(2)\n"
    assert changed["opt/keynet/installed"] == files["opt/keynet/installed"]
    assert buildkit.daemon.docker("images", "--all", "--quiet") == ""
    assert staged(host) == []
    assert not list(host.temporary.glob("keynet-*"))


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive", "oci"])
def test_an_image_is_fetched_from_the_builder(host: Host, context: Path, kind: str) -> None:
    saved = host.home / "saved"
    told = host.ask(context=str(context), text=TEXT, save=f"{kind}:{saved}")
    assert told.status == 0, (told.json, told.log)
    if kind == "oci":
        names = {path.name for path in saved.iterdir()}
    else:
        with tarfile.open(saved) as tar:
            names = set(tar.getnames())
    assert {"index.json", "oci-layout"} <= names
    assert ("manifest.json" in names) == (kind == "docker-archive")
    assert list(host.home.glob("*.partial.tar")) == []


def test_a_build_that_fails_names_its_step(host: Host, context: Path) -> None:
    text = 'FROM busybox\nRUN ["sh", "-c", "echo about-to-fail; false"]\n'
    failed = host.ask(context=str(context), text=text)
    assert failed.status == 4
    assert "about-to-fail" in failed.error["message"]
    assert staged(host) == []


def test_a_login_that_the_registry_refuses(
    host: Host, context: Path, private_registry: RegistryServer, tmp_path: Path
) -> None:
    login = {**access(private_registry, tmp_path), "password": "not-the-password"}
    refused = host.ask(
        context=str(context),
        text="FROM busybox\nCOPY . /workspace/\n",
        access=login,
        target=f"{_name(private_registry)}:latest",
    )
    assert refused.status == 6, (refused.json, refused.log)


def test_a_builder_that_does_not_exist(host: Host) -> None:
    refused = host.with_environment(BUILDX_BUILDER="nowhere").ask()
    assert refused.status == 4
    assert "nowhere" in refused.error["message"]
    assert "docker buildx ls" in refused.error["message"]


def test_the_cache_does_not_hide_a_builder_that_has_stopped(
    host: Host, bed: Path, newer: NewerRoot
) -> None:
    with running_buildkit(bed / f"buildkit-{os.urandom(4).hex()}", place=newer.argv) as passing:
        create = ["--name", "passing", "--driver", "remote", passing.address]
        host.run("docker", "buildx", "create", *create)
        host = host.with_environment(BUILDX_BUILDER="passing")
        assert host.ask().status == 0
        assert host.ask().status == 0
    stopped = host.ask()
    assert stopped.status == 4
    assert "passing" in stopped.error["message"]
