"""keynet image copy, as a process, beside skopeo and against real registries."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from keynet.oci.reference import Reference
from keynet.registry import artifact
from keynet.registry.client import RegistryClient
from tests.fakes.archives import docker_old, random_image, write
from tests.testbed.registry import RegistryServer
from tests.testbed.two_platforms import add_index

pytestmark = pytest.mark.registry

KINDS = ["oci:{}/x:1", "oci-archive:{}/x.tar:1"]


@dataclass(frozen=True)
class Programs:
    """The programs that copy, with a home of their own."""

    environment: dict[str, str]

    def keynet(self, *arguments: object) -> str:
        return self._run([sys.executable, "-m", "keynet", "image", "copy", *map(str, arguments)])

    def skopeo(self, *arguments: object) -> str:
        return self._run(["skopeo", "--insecure-policy", *map(str, arguments)])

    def manifest(self, place: str) -> bytes:
        raw = ["skopeo", "inspect", "--raw", *(["--tls-verify=false"] if "//" in place else [])]
        return subprocess.run(
            [*raw, place], env=self.environment, capture_output=True, check=True
        ).stdout

    def _run(self, argv: list[str]) -> str:
        done = subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KEYNET_")}
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    return Programs({**kept, **home})


@dataclass(frozen=True)
class Repository:
    """A repository with an image (tag one) and an index of three platforms (tag all)."""

    registry: RegistryServer
    name: str

    def tagged(self, tag: str) -> str:
        return f"{self.registry.host}/{self.name}:{tag}"


@pytest.fixture
def team(
    programs: Programs, make_registry: Callable[..., RegistryServer], tmp_path: Path
) -> Repository:
    repository = Repository(make_registry(), "team/app")
    file = write(tmp_path / "app.tar", docker_old(random_image(1)))
    programs.skopeo(
        "copy",
        "--dest-tls-verify=false",
        "--format=oci",
        f"docker-archive:{file}",
        f"docker://{repository.tagged('one')}",
    )
    add_index(repository.registry, "team/app:one", "team/app:all", ("amd64", "arm64", "riscv64"))
    return repository


@pytest.mark.parametrize("kind", KINDS)
def test_a_layout_is_what_skopeo_reads(
    programs: Programs, team: Repository, tmp_path: Path, kind: str
) -> None:
    place = kind.format(tmp_path)
    assert programs.keynet(team.tagged("all"), place, "--all").split()[0] == place
    expected = programs.manifest(f"docker://{team.tagged('all')}")
    assert programs.manifest(place) == expected
    back = f"docker://{team.registry.host}/by/skopeo:1"
    programs.skopeo("copy", "--all", "--dest-tls-verify=false", place, back)
    assert programs.manifest(back) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_what_skopeo_wrote_is_read(
    programs: Programs, team: Repository, tmp_path: Path, kind: str
) -> None:
    place = kind.format(tmp_path)
    origin = f"docker://{team.tagged('all')}"
    programs.skopeo("copy", "--all", "--src-tls-verify=false", origin, place)
    to = f"{team.registry.host}/by/keynet:1"
    programs.keynet(place, to, "--all")
    assert programs.manifest(f"docker://{to}") == programs.manifest(origin)


@pytest.mark.parametrize("options", [("--all",), ("--platform", "linux/arm64"), ()])
def test_registries_get_what_skopeo_copies(
    programs: Programs,
    team: Repository,
    make_registry: Callable[..., RegistryServer],
    options: tuple[str, ...],
) -> None:
    host = make_registry().host
    skopeo = {
        "--all": ["copy", "--all"],
        "--platform": ["--override-os=linux", "--override-arch=arm64", "copy"],
    }.get(options[0] if options else "", ["--override-arch=amd64", "copy"])
    plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    programs.skopeo(*skopeo, *plain, f"docker://{team.tagged('all')}", f"docker://{host}/a:1")
    shown = programs.keynet(team.tagged("all"), f"{host}/b:1", *options, "--json")
    assert programs.manifest(f"docker://{host}/b:1") == programs.manifest(f"docker://{host}/a:1")
    copied = json.loads(shown)
    digest = hashlib.sha256(programs.manifest(f"docker://{host}/b:1")).hexdigest()
    assert copied["digest"] == f"sha256:{digest}"
    assert copied["destination"] == f"{host}/b:1"


def test_a_docker_archive_is_what_skopeo_reads(
    programs: Programs, team: Repository, tmp_path: Path
) -> None:
    file = tmp_path / "x.tar"
    programs.keynet(team.tagged("all"), f"docker-archive:{file}:team/app:1", "--platform",
                    "linux/arm64")  # fmt: skip
    assert (
        json.loads(programs.skopeo("inspect", f"docker-archive:{file}"))["Architecture"] == "arm64"
    )
    programs.skopeo("copy", f"docker-archive:{file}", f"oci:{tmp_path}/y:1")


def test_a_manifest_of_docker_keeps_its_bytes_in_a_layout(
    programs: Programs, team: Repository, tmp_path: Path
) -> None:
    file = write(tmp_path / "old.tar", docker_old(random_image(3)))
    docker = f"{team.registry.host}/docker:1"
    programs.skopeo(
        "copy",
        "--dest-tls-verify=false",
        "--format=v2s2",
        f"docker-archive:{file}",
        f"docker://{docker}",
    )
    digest = programs.keynet(docker, f"oci:{tmp_path}/layout:1").split()[1]
    kept = (tmp_path / "layout/blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()
    assert kept == programs.manifest(f"docker://{docker}")


def test_referrers_go_from_a_registry_with_a_fallback_tag_to_another(
    programs: Programs, team: Repository, make_registry: Callable[..., RegistryServer]
) -> None:
    async def attached(registry: RegistryServer, name: str) -> list[str]:
        async with RegistryClient(registry.host) as client:
            subject = await client.head_manifest(name, "one")
            assert subject is not None
            return [str(each.digest) for each in await client.referrers(name, subject.digest)]

    async def attach() -> None:
        async with RegistryClient(team.registry.host) as client:
            subject = Reference(team.registry.host, team.name, "one")
            await artifact.attach(client, subject, b"[]", file_name="x.json")

    other = make_registry()
    asyncio.run(attach())
    programs.keynet(team.tagged("one"), f"{other.host}/mirror:one", "--referrers")
    found = asyncio.run(attached(other, "mirror"))
    assert len(found) == 1
    assert found == asyncio.run(attached(team.registry, team.name))


def test_memory_does_not_grow_with_the_image(
    programs: Programs, make_registry: Callable[..., RegistryServer], tmp_path: Path
) -> None:
    first, second = make_registry(), make_registry()
    file = write(tmp_path / "big.tar", docker_old(random_image(5, layers=1, size=96 << 20)))
    programs.skopeo("copy", "--dest-tls-verify=false", "--dest-compress=false",
                    f"docker-archive:{file}", f"docker://{first.host}/big:1")  # fmt: skip
    copy = (
        "from keynet.cli.main import run\n"
        "status = run()\n"
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])\n"
    )
    argv = [sys.executable, "-c", copy, "image", "copy", "--quiet"]
    for destination in (f"{second.host}/big:1", f"oci:{tmp_path}/big"):
        done = subprocess.run(
            [*argv, f"{first.host}/big:1", destination],
            env=programs.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout.split()[-1]) < 96 << 10
