"""Archives that engines wrote, pushed by keynet, and pulled and run by engines."""

import asyncio
import json
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from keynet.archive.examine import check_archive
from keynet.archive.reader import Archive
from keynet.archive.recompress import Policy
from keynet.archive.writer import Layout
from keynet.registry import (
    get_manifest,
    pull_image,
    push_docker_tar,
    push_docker_tar_with_all_original_tags,
    validate_docker_tar,
)
from tests.fakes.archives import Member, docker_old, make_image, oci, tar, write
from tests.testbed.daemon import Dockerd
from tests.testbed.newer import NewerRoot
from tests.testbed.registry import RegistryServer
from tests.testbed.stores import Store

SAYS = "sound and running"
CONFIG = {
    "Entrypoint": ["/bin/busybox", "echo"],
    "Cmd": SAYS.split(),
    "Env": ["PATH=/bin"],
}
PODMAN_RUN = ["podman", "--runtime", "runc", "run", "--rm", "--network", "none"]
LIMITS = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000"]


def run(argv: list[str], env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def program() -> list[bytes]:
    """Layers of an image that runs: a static program, and a file that nobody compresses."""
    import random

    busybox = Path("/bin/busybox").read_bytes()
    first = tar([Member("bin", type=tarfile.DIRTYPE), Member("bin/busybox", busybox)])
    noise = tar([Member("noise", random.Random(1).randbytes(300_000))])
    return [_executable(first), noise]


def _executable(content: bytes) -> bytes:
    import io

    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as source,
        tarfile.open(fileobj=out, mode="w") as target,
    ):
        for member in source:
            member.mode = 0o755
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
    return out.getvalue()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A docker archive of a small program, as the engines load it."""
    image = make_image(program(), ["localhost/keynet-archive:1"], config=CONFIG)
    return write(tmp_path_factory.mktemp("source") / "a.tar", docker_old(image))


@pytest.fixture(scope="module")
def saved(
    source: Path,
    dockerd: Dockerd,
    newer_dockerd: Dockerd,
    root_store: Store,
    newer: NewerRoot,
) -> dict[str, Path]:
    """What docker 20.10, docker 26, podman 4 and skopeo write of it, by their names."""
    folder = source.parent
    name = "localhost/keynet-archive:1"
    paths = {
        key: folder / f"{key}.tar"
        for key in ("docker-20", "docker-26", "podman-docker", "podman-oci", "skopeo-oci")
    }
    for key, daemon in (("docker-20", dockerd), ("docker-26", newer_dockerd)):
        daemon.docker("load", "--input", str(source))
        daemon.docker("tag", name, "localhost/second/name:x")
        daemon.docker("save", "--output", str(paths[key]), name, "localhost/second/name:x")
    podman = ["podman", "--log-level", "error"]
    run([*podman, "load", "--input", str(source)], root_store.environment)
    for key, layout in (("podman-docker", "docker-archive"), ("podman-oci", "oci-archive")):
        argv = [*podman, "save", "--quiet", "--format", layout, "--output", str(paths[key]), name]
        run(argv, root_store.environment)
    run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", f"docker-archive:{source}",
         f"oci-archive:{paths['skopeo-oci']}:{name}"]
    )  # fmt: skip
    return paths


KINDS = ["docker-20", "docker-26", "podman-docker", "podman-oci", "skopeo-oci"]


@pytest.mark.docker
@pytest.mark.podman
@pytest.mark.registry
@pytest.mark.parametrize("compress", ["auto", "none"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_engines_save_is_pushed_and_run_by_docker_and_podman(
    kind: str,
    compress: Policy,
    saved: dict[str, Path],
    http_registry: RegistryServer,
    dockerd: Dockerd,
    root_store: Store,
) -> None:
    assert check_archive(saved[kind]) == []
    repository = f"archives/{kind}-{compress}"
    digest = asyncio.run(
        push_docker_tar(saved[kind], http_registry.url, repository, "1", compress=compress)
    )
    reference = f"{http_registry.host}/{repository}"
    dockerd.docker("pull", "--quiet", f"{reference}@{digest}")
    output = dockerd.docker("run", "--rm", "--network", "none", f"{reference}@{digest}")
    assert output.strip() == SAYS
    pull = ["podman", "pull", "--quiet", "--tls-verify=false", f"{reference}:1"]
    run(pull, root_store.environment)
    assert run([*PODMAN_RUN, *LIMITS, f"{reference}:1"], root_store.environment).strip() == SAYS
    remote = run(["skopeo", "inspect", "--tls-verify=false", f"docker://{reference}:1"])
    assert json.loads(remote)["Digest"] == digest


@pytest.mark.docker
@pytest.mark.podman
def test_docker_since_25_saves_an_oci_layout_that_is_read_as_one(saved: dict[str, Path]) -> None:
    with Archive(saved["docker-26"]) as archive:
        assert archive.layout == "oci"
        assert set(archive.tags) == {"localhost/keynet-archive:1", "localhost/second/name:x"}


@pytest.mark.registry
@pytest.mark.docker
@pytest.mark.podman
@pytest.mark.parametrize("kind", ["podman-oci", "skopeo-oci"])
def test_the_digest_is_skopeos_where_nothing_is_recompressed(
    kind: str, saved: dict[str, Path], http_registry: RegistryServer
) -> None:
    digest = asyncio.run(
        push_docker_tar(saved[kind], http_registry.url, f"same/keynet-{kind}", "1", compress="none")
    )
    run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false",
         "--preserve-digests", f"oci-archive:{saved[kind]}",
         f"docker://{http_registry.host}/same/skopeo-{kind}:1"]
    )  # fmt: skip
    theirs = asyncio.run(get_manifest(http_registry.url, f"same/skopeo-{kind}", "1"))
    assert theirs.digest == digest
    if kind == "skopeo-oci":
        # Its layers are gzip'd already: nothing is left to compress.
        again = asyncio.run(push_docker_tar(saved[kind], http_registry.url, "same/auto", "1"))
        assert again == digest


@pytest.mark.docker
@pytest.mark.podman
@pytest.mark.parametrize("kind", ["docker-20", "podman-docker"])
def test_the_written_manifest_is_skopeos_but_for_the_honest_layer_type(
    kind: str, saved: dict[str, Path], tmp_path: Path
) -> None:
    run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests",
         f"docker-archive:{saved[kind]}:localhost/keynet-archive:1", f"dir:{tmp_path}"]
    )  # fmt: skip
    theirs = (tmp_path / "manifest.json").read_bytes()
    # skopeo calls layers gzip'd that it did not compress.
    honest = theirs.replace(b"rootfs.diff.tar.gzip", b"rootfs.diff.tar")
    with Archive(saved[kind]) as archive:
        assert archive.images[0].image.manifest == honest


@pytest.mark.registry
@pytest.mark.docker
@pytest.mark.podman
def test_all_original_tags_are_pushed_and_layers_travel_once(
    saved: dict[str, Path], make_registry: Callable[..., RegistryServer]
) -> None:
    server = make_registry()
    digests = asyncio.run(push_docker_tar_with_all_original_tags(saved["docker-20"], server.url))
    assert len(digests) == 2
    assert len(set(digests)) == 1
    for repository, tag in (("keynet-archive", "1"), ("second/name", "x")):
        found = asyncio.run(get_manifest(server.url, repository, tag))
        assert found.digest == digests[0]
    requests = server.requests()
    uploads = [line for line in requests if line.startswith("PUT /v2/second/name/blobs/uploads/")]
    mounts = [line for line in requests if "mount=" in line and "from=keynet-archive" in line]
    assert len(mounts) == 2
    assert len(uploads) == 1, "the config alone is sent again"


@pytest.mark.registry
@pytest.mark.docker
@pytest.mark.podman
@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_a_pulled_archive_loads_and_runs(
    layout: Layout,
    saved: dict[str, Path],
    http_registry: RegistryServer,
    dockerd: Dockerd,
    root_store: Store,
    tmp_path: Path,
) -> None:
    repository = f"pulled/{layout}"
    digest = asyncio.run(push_docker_tar(saved["podman-oci"], http_registry.url, repository, "1"))
    path = tmp_path / "pulled.tar"
    pulled = asyncio.run(pull_image(http_registry.url, repository, "1", path, format=layout))
    assert pulled == digest
    assert validate_docker_tar(path)
    name = f"{http_registry.host}/{repository}:1"
    run(["podman", "load", "--quiet", "--input", str(path)], root_store.environment)
    assert run([*PODMAN_RUN, *LIMITS, name], root_store.environment).strip() == SAYS
    if layout == "docker":
        dockerd.docker("load", "--input", str(path))
        assert dockerd.docker("run", "--rm", "--network", "none", name).strip() == SAYS
    else:
        again = asyncio.run(push_docker_tar(path, http_registry.url, f"{repository}-again", "1"))
        assert again == digest


@pytest.mark.registry
def test_an_archive_of_zstd_layers_keeps_its_digest(
    http_registry: RegistryServer, tmp_path: Path
) -> None:
    image = make_image(program(), ["zstd/app:1"], config=CONFIG)
    path = write(tmp_path / "a.tar", oci(image, compress="zstd"), "zstd")
    digest = asyncio.run(push_docker_tar(path, http_registry.url))
    target = f"oci-archive:{tmp_path}/copy.tar"
    run(
        ["skopeo", "--insecure-policy", "copy", "--quiet", "--src-tls-verify=false",
         f"docker://{http_registry.host}/zstd/app@{digest}", target]
    )  # fmt: skip
    assert check_archive(tmp_path / "copy.tar") == []
