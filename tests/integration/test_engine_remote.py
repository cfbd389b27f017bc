"""Daemons and services elsewhere are probed and used the same way; a stopped one is noticed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.engines import (
    SYSTEM_PATH,
    Host,
    access,
    image_files,
    make_host,
    root_environment,
)
from tests.testbed.daemon import Dockerd, running_dockerd
from tests.testbed.images import Hub
from tests.testbed.processes import running, socket_answers
from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry

TEXT = 'FROM busybox\nRUN ["true"]\nCOPY . /workspace/\n'


def _context(folder: Path) -> Path:
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


def _push(host: Host, server: RegistryServer, tmp_path: Path) -> dict[str, bytes | str]:
    name = f"{server.host}/kitech-model/{os.urandom(6).hex()}"
    pushed = host.ask(
        context=str(_context(tmp_path / "context")),
        text=TEXT,
        access=access(server, tmp_path),
        target=f"{name}:latest",
    )
    assert pushed.status == 0, (pushed.json, pushed.log)
    assert "remote" in pushed.json["how"]
    return image_files(server, f"{name}@{pushed.json['digest']}", tmp_path)


@pytest.mark.docker
@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_docker_over_tcp(
    dockerd: Dockerd, http_registry: RegistryServer, bed: Path, tmp_path: Path, buildkit: str
) -> None:
    extra = {"DOCKER_HOST": dockerd.tcp, "DOCKER_BUILDKIT": buildkit, "PATH": SYSTEM_PATH}
    host = Host("docker", root_environment(bed / "tcp-home", extra), bed)
    assert "workspace/train.py" in _push(host, http_registry, tmp_path)


@pytest.mark.docker
def test_docker_by_a_context(
    dockerd: Dockerd, basic_registry: RegistryServer, bed: Path, tmp_path: Path
) -> None:
    host = Host("docker", root_environment(tmp_path / "home", {"PATH": SYSTEM_PATH}), bed)
    host.run("docker", "context", "create", "elsewhere", "--docker", f"host={dockerd.tcp}")
    refused = host.ask()
    assert refused.status == 4
    host.run("docker", "context", "use", "elsewhere")
    assert "workspace/train.py" in _push(host, basic_registry, tmp_path)


@pytest.mark.podman
def test_podman_over_its_service(
    request: pytest.FixtureRequest,
    make_registry: Callable[..., RegistryServer],
    tls_registry: RegistryServer,
    bed: Path,
    tmp_path: Path,
) -> None:
    local = make_host("podman-root", request)
    path = bed / f"podman-{os.urandom(4).hex()}.sock"
    # The service decides by itself which runtime it takes.
    service = ["podman", "--runtime", "/usr/sbin/runc", "system", "service", "--time=0"]
    argv = ["env", *(f"{k}={v}" for k, v in local.environment.items()), *service, f"unix://{path}"]
    with running(argv, log=tmp_path / "service.log", ready=socket_answers(path)):
        host = local.with_environment(CONTAINER_HOST=f"unix://{path}")
        assert "workspace/train.py" in _push(host, make_registry(auth="basic"), tmp_path)
        for form in ("docker-archive", "oci-archive", "oci"):
            saved = tmp_path / form
            asked = {"context": str(tmp_path / "context"), "text": TEXT, "save": f"{form}:{saved}"}
            assert host.ask(**asked).status == 0
            assert saved.is_dir() if form == "oci" else saved.stat().st_size > 1_000
        # A CA cannot be sent to a service: the error says where it looks.
        distrusted = host.ask(
            context=str(tmp_path / "context"),
            text=TEXT,
            access=access(tls_registry, tmp_path),
            target=f"{tls_registry.host}/kitech-model/x:latest",
        )
        assert distrusted.status == 5
        assert f"/etc/containers/certs.d/{tls_registry.host}" in distrusted.error["hint"]
    refused = host.ask()
    assert refused.status == 4
    assert "podman system service" in refused.error["message"]


@pytest.mark.docker
def test_the_cache_does_not_hide_a_daemon_that_has_stopped(
    bed: Path, hub: Hub, tmp_path: Path
) -> None:
    with running_dockerd(bed / f"dockerd-{os.urandom(4).hex()}") as daemon:
        extra = {"DOCKER_HOST": daemon.host, "PATH": SYSTEM_PATH}
        host = Host("docker", root_environment(tmp_path / "home", extra), bed)
        assert host.ask().status == 0
        cache = tmp_path / "home/.cache/keynet/engines"
        remembered = [(path.name, path.stat().st_mtime_ns) for path in cache.iterdir()]
        assert host.ask().status == 0
        assert [(path.name, path.stat().st_mtime_ns) for path in cache.iterdir()] == remembered
    stopped = host.ask()
    assert stopped.status == 4
    assert "its daemon is not running" in stopped.error["message"]
