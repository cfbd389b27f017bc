"""The sandbox's own registry with docker, podman, skopeo, oras and keynet's library."""

import asyncio
import base64
import hashlib
import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.registry import list_repositories, list_tags, pull_image, push_docker_tar
from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.testbed.daemon import Dockerd
from tests.testbed.images import Hub
from tests.testbed.newer import NewerRoot
from tests.testbed.stores import Store

pytestmark = pytest.mark.registry


@pytest.fixture(scope="module")
def sandbox(bed: Path) -> Iterator[SandboxProcess]:
    with running_sandbox(bed / "sandbox-registry") as running:
        yield running


@pytest.fixture(scope="module")
def logins(bed: Path, sandbox: SandboxProcess) -> Path:
    """A folder with config.json, which docker, podman, skopeo and oras read."""
    folder = bed / "sandbox-logins"
    folder.mkdir()
    login = base64.b64encode(f"admin:{sandbox.admin_password}".encode()).decode()
    content = json.dumps({"auths": {sandbox.registry: {"auth": login}}})
    (folder / "config.json").write_text(content)
    return folder


def run(*argv: str, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env, timeout=600)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def raw_manifest(logins: Path, reference: str) -> bytes:
    inspect = ["inspect", "--raw", "--tls-verify=false", "--authfile", str(logins / "config.json")]
    return run("skopeo", *inspect, f"docker://{reference}").encode()


def test_skopeo_copies_there_and_back(
    sandbox: SandboxProcess, logins: Path, hub: Hub, tmp_path: Path
) -> None:
    target = f"docker://{sandbox.registry}/team/skopeo:1"
    copy = ["skopeo", "copy", "-q", "--authfile", str(logins / "config.json")]
    source = f"docker://{hub.reference('busybox')}"
    run(*copy, "--src-tls-verify=false", "--dest-tls-verify=false", source, target)
    # The same again: every blob is there.
    run(*copy, "--src-tls-verify=false", "--dest-tls-verify=false", source, target)
    run(*copy, "--src-tls-verify=false", target, f"dir:{tmp_path / 'image'}")
    stored = (tmp_path / "image" / "manifest.json").read_bytes()
    assert stored == raw_manifest(logins, f"{sandbox.registry}/team/skopeo:1")
    run("skopeo", "delete", "--tls-verify=false", *copy[3:], target)


@pytest.mark.podman
def test_podman_pushes_and_pulls(
    sandbox: SandboxProcess, logins: Path, hub: Hub, root_store: Store
) -> None:
    target, env = f"{sandbox.registry}/team/podman:1", root_store.environment
    access = ["--tls-verify=false", "--authfile", str(logins / "config.json")]
    run("podman", "pull", "-q", "--tls-verify=false", hub.reference("busybox"), env=env)
    run("podman", "tag", hub.reference("busybox"), target, env=env)
    run("podman", "push", "-q", *access, target, env=env)
    run("podman", "rmi", target, env=env)
    run("podman", "pull", "-q", *access, target, env=env)
    assert target in run("podman", "images", "--format", "{{.Repository}}:{{.Tag}}", env=env)


@pytest.mark.docker
def test_docker_pushes_and_pulls(
    sandbox: SandboxProcess, logins: Path, hub: Hub, dockerd: Dockerd
) -> None:
    _docker_pushes_and_pulls(sandbox, logins, hub, dockerd, "docker")


@pytest.mark.newer
def test_a_newer_docker_pushes_and_pulls(
    sandbox: SandboxProcess, logins: Path, hub: Hub, newer_dockerd: Dockerd
) -> None:
    _docker_pushes_and_pulls(sandbox, logins, hub, newer_dockerd, "newer")


def _docker_pushes_and_pulls(
    sandbox: SandboxProcess, logins: Path, hub: Hub, daemon: Dockerd, name: str
) -> None:
    target, config = f"{sandbox.registry}/team/{name}:1", ("--config", str(logins))
    daemon.docker("pull", hub.reference("busybox"))
    daemon.docker("tag", hub.reference("busybox"), target)
    daemon.docker(*config, "push", target)
    # The layers are mounted from the first repository.
    daemon.docker("tag", target, f"{target}-again")
    daemon.docker(*config, "push", f"{target}-again")
    daemon.docker("rmi", target, f"{target}-again", hub.reference("busybox"))
    daemon.docker(*config, "pull", target)
    assert target in daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}")


@pytest.mark.newer
def test_oras_pushes_attaches_discovers_and_deletes(
    sandbox: SandboxProcess, logins: Path, newer: NewerRoot, tmp_path: Path
) -> None:
    config, flags = str(logins / "config.json"), list[str]()
    access = ["--plain-http", "--registry-config", config]
    repository = f"{sandbox.registry}/team/oras"
    (tmp_path / "note.txt").write_text("a note\n")

    def oras(*arguments: str) -> str:
        return newer.run(["oras", *arguments, *access], cwd=tmp_path).stdout

    oras("push", f"{repository}:1", "note.txt:text/plain", "--artifact-type", "application/x.note")
    for kind in ("application/x.one", "application/x.two"):
        oras("attach", f"{repository}:1", "note.txt:text/plain", "--artifact-type", kind)
    found = json.loads(oras("discover", "--format", "json", f"{repository}:1"))["manifests"]
    assert {entry["artifactType"] for entry in found} == {"application/x.one", "application/x.two"}
    one = "application/x.one"
    filtered = oras("discover", "--format", "json", "--artifact-type", one, f"{repository}:1")
    [entry] = json.loads(filtered)["manifests"]
    # The API serves them: there is no fallback tag.
    assert oras("repo", "tags", repository).split() == ["1"]
    assert repository.partition("/")[2] in oras("repo", "ls", sandbox.registry).split()
    (tmp_path / "pulled").mkdir()
    oras("pull", f"{repository}:1", "--output", str(tmp_path / "pulled"))
    assert (tmp_path / "pulled" / "note.txt").read_text() == "a note\n"
    for side in ("from", "to"):
        flags += [f"--{side}-plain-http", f"--{side}-registry-config", config]
    copied = f"{sandbox.registry}/team/copied:1"
    newer.run(["oras", "copy", "-r", f"{repository}:1", copied, *flags])
    oras("manifest", "delete", "--force", entry["reference"])
    found = json.loads(oras("discover", "--format", "json", f"{repository}:1"))["manifests"]
    assert [left["artifactType"] for left in found] == ["application/x.two"]


def test_keynets_library_pushes_lists_and_pulls(
    sandbox: SandboxProcess, logins: Path, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Before every other place: the machine may have a login for this port.
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(logins / "config.json"))
    archive, back = tmp_path / "app.tar", tmp_path / "back.tar"
    source = f"docker://{hub.reference('busybox')}"
    run("skopeo", "copy", "-q", "--src-tls-verify=false", source, f"docker-archive:{archive}:app:1")

    async def go() -> None:
        url = sandbox.registry_url
        digest = await push_docker_tar(archive, url, "team/library", "1")
        assert await list_tags(url, "team/library") == ["1"]
        assert "team/library" in await list_repositories(url)
        assert await pull_image(url, "team/library", "1", back) == digest

    asyncio.run(go())
    assert back.stat().st_size > 0


@pytest.mark.slow
def test_a_big_layer_takes_no_memory(sandbox: SandboxProcess, logins: Path) -> None:
    login = json.loads((logins / "config.json").read_text())["auths"][sandbox.registry]["auth"]
    host, port = sandbox.registry.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=300)
    scope = "repository:team/big:pull,push"
    basic = {"Authorization": f"Basic {login}"}
    connection.request("GET", f"/service/token?scope={scope}", headers=basic)
    token = json.loads(connection.getresponse().read())["token"]
    access = {"Authorization": f"Bearer {token}"}
    connection.request("POST", "/v2/team/big/blobs/uploads/", headers=access)
    answer = connection.getresponse()
    answer.read()
    piece, count = os.urandom(1 << 20), 300
    hashed = hashlib.sha256()
    for _number in range(count):
        hashed.update(piece)
    headers = {**access, "Content-Length": str(count << 20)}
    digest = f"sha256:{hashed.hexdigest()}"
    target = f"{answer.headers['Location']}?digest={digest}"
    connection.request("PUT", target, iter([piece] * count), headers)
    stored = connection.getresponse()
    assert stored.status == 201, stored.read()
    stored.read()
    connection.request("GET", f"/v2/team/big/blobs/{digest}", headers=access)
    answer, received = connection.getresponse(), hashlib.sha256()
    while part := answer.read(1 << 20):
        received.update(part)
    connection.close()
    assert received.hexdigest() == hashed.hexdigest()
    status = Path(f"/proc/{sandbox.process.pid}/status").read_text()
    peak_kb = int(status.partition("VmHWM:")[2].split()[0])
    assert peak_kb < 200_000
