"""The test bed itself: each fixture does with the plain engines what the others rely on."""

import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.testbed.daemon import Dockerd
from tests.testbed.images import Hub
from tests.testbed.registry import RegistryServer
from tests.testbed.stores import Store
from tests.testbed.user import OrdinaryUser


def _skopeo_copy(
    source: str, target: RegistryServer, password: str
) -> subprocess.CompletedProcess[str]:
    assert target.ca is not None
    argv = ["skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"]
    argv += ["--dest-cert-dir", str(target.ca.folder)]
    argv += ["--dest-creds", f"{target.username}:{password}", source]
    argv += [f"docker://{target.host}/kitech-model/x:1"]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.mark.registry
@pytest.mark.parametrize("kind", ["basic_registry", "token_registry"])
def test_registry_lets_only_its_robot_in(
    request: pytest.FixtureRequest, hub: Hub, kind: str
) -> None:
    server: RegistryServer = request.getfixturevalue(kind)
    source = f"docker://{hub.reference('busybox')}"
    assert _skopeo_copy(source, server, "wrong").returncode != 0
    done = _skopeo_copy(source, server, server.password)
    assert done.returncode == 0, done.stderr
    assert any("PUT /v2/kitech-model/x/manifests/1" in line for line in server.requests())


@pytest.mark.registry
def test_tls_registry_is_refused_without_its_authority(tls_registry: RegistryServer) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(f"{tls_registry.url}/v2/")


@pytest.mark.docker
def test_dockerd_builds_from_the_hub(dockerd: Dockerd, hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo built-here\n")
    for kit in ("0", "1"):
        argv = [dockerd.client, "-H", dockerd.host, "build", "--network=host", str(tmp_path)]
        env = {"DOCKER_BUILDKIT": kit, "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
        done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
        assert "built-here" in done.stdout + done.stderr
    assert any("/v2/library/busybox/manifests" in line for line in hub.registry.requests())


@pytest.mark.buildah
def test_root_store_finds_python_by_its_short_name(root_store: Store) -> None:
    argv = ["buildah", "from", "--isolation", "chroot", "python:3.11-slim"]
    done = subprocess.run(
        argv, env=root_store.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    container = done.stdout.strip()
    run = ["buildah", "run", "--isolation", "chroot", container, "python", "-m", "pip", "--version"]
    told = subprocess.run(
        run, env=root_store.environment, capture_output=True, text=True, check=False
    )
    subprocess.run(["buildah", "rm", container], env=root_store.environment, check=True)
    assert "python 3.11" in told.stdout


@pytest.mark.rootless
def test_ordinary_user_has_rootless_podman(user: OrdinaryUser) -> None:
    told = json.loads(user.run(["podman", "info", "--format", "json"]).stdout)
    assert told["host"]["security"]["rootless"] is True


@pytest.mark.rootless
def test_ordinary_user_has_rootless_buildah(user: OrdinaryUser) -> None:
    assert json.loads(user.run(["buildah", "info"]).stdout)["host"]["rootless"] is True


@pytest.mark.rootless
def test_user_without_subids_is_really_without(user_without_subids: OrdinaryUser) -> None:
    assert user_without_subids.name not in Path("/etc/subuid").read_text()


@pytest.mark.newer
def test_newer_root_builds_with_buildx(newer_dockerd: Dockerd, bed: Path) -> None:
    context = bed / "newer-context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM busybox\nRUN echo built-here > /told\n")
    newer_dockerd.docker("buildx", "build", "--network=host", "--tag", "newer-trial", str(context))
    assert "newer-trial" in newer_dockerd.docker("images")


@pytest.mark.newer
def test_newer_root_has_rootless_engines(newer_user: OrdinaryUser, hub: Hub) -> None:
    env = {"CONTAINERS_REGISTRIES_CONF": str(hub.registries_conf)}
    newer_user.run(["podman", "pull", "--quiet", "busybox"], env=env)
    told = json.loads(newer_user.run(["buildah", "images", "--json"], env=env).stdout)
    assert told[0]["names"] == ["docker.io/library/busybox:latest"]
