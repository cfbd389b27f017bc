"""The registry library's functions against a real registry: what they refuse and what they tell."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import keynet.registry as library
from keynet.archive.recompress import Policy
from keynet.errors import (
    ArchiveNotFound,
    InvalidArchive,
    KeynetError,
    NotFound,
    RegistryDenied,
    RegistryUnreachable,
    UsageError,
    ValidationError,
)
from keynet.events import BlobAdvanced, BlobFinished, BlobSkipped, BlobStarted, Event
from keynet.oci.platform import Platform, host
from tests.fakes.archives import (
    Member,
    docker_old,
    layer_tar,
    make_image,
    oci,
    random_image,
    write,
)
from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "app.tar", docker_old(random_image(1, tags=["h.io/team/app:1", "b:2"])))


def test_a_broken_layer_is_named_and_nothing_points_to_it(
    http_registry: RegistryServer, tmp_path: Path
) -> None:
    members = [
        Member(m.name, m.content[:-1] + b"?") if m.name.endswith("layer.tar") else m
        for m in docker_old(random_image(2))
    ]
    path = write(tmp_path / "a.tar", members)
    policies: tuple[Policy, ...] = ("none", "gzip")
    for compress in policies:
        with pytest.raises(InvalidArchive, match=r"layer\.tar: its digest is sha256:"):
            asyncio.run(
                library.push_docker_tar(
                    path,
                    http_registry.url,
                    "broken/app",
                    compress=compress,
                )
            )
    with pytest.raises(NotFound):
        asyncio.run(library.get_manifest(http_registry.url, "broken/app", "1"))


def test_names_come_from_the_archive_without_its_registry(
    make_registry: Callable[..., RegistryServer], archive: Path, tmp_path: Path
) -> None:
    url = make_registry().url

    async def push() -> list[str]:
        await library.push_docker_tar_with_original_tags(archive, url)
        await library.push_docker_tar(archive, url, repository="other")
        await library.push_docker_tar(archive, url, tag="x")
        return [
            f"{name}:{tag}"
            for name in await library.list_repositories(url)
            for tag in await library.list_tags(url, name)
        ]

    assert sorted(asyncio.run(push())) == ["other:1", "team/app:1", "team/app:x"]
    untagged = write(tmp_path / "b.tar", docker_old(random_image(3, tags=[])))
    with pytest.raises(ValidationError, match="does not contain a name"):
        asyncio.run(library.push_docker_tar(untagged, url))
    with pytest.raises(ValidationError):
        asyncio.run(library.push_docker_tar_with_all_original_tags(untagged, url))


def test_each_image_of_an_archive_goes_to_its_own_tags(
    make_registry: Callable[..., RegistryServer], tmp_path: Path
) -> None:
    url = make_registry().url
    images = [random_image(4, tags=["a:1", "b:1"]), random_image(5, tags=["c:1", "a:2"])]
    path = write(tmp_path / "a.tar", docker_old(*images))
    digests = asyncio.run(library.push_docker_tar_with_all_original_tags(path, url))
    assert library.extract_original_tags(path) == ["a:1", "b:1", "c:1", "a:2"]
    assert [digests[0], digests[2]] == [digests[1], digests[3]]
    assert digests[0] != digests[2]
    for name, digest in zip((("a", "1"), ("b", "1"), ("c", "1"), ("a", "2")), digests, strict=True):
        assert asyncio.run(library.get_manifest(url, *name)).digest == digest


def test_a_platform_is_chosen_on_the_way_in(http_registry: RegistryServer, tmp_path: Path) -> None:
    rng = random.Random(6)
    images = [
        make_image([layer_tar(rng)], ["multi:1"], architecture=architecture)
        for architecture in ("s390x", host().architecture)
    ]
    path = write(tmp_path / "a.tar", oci(*images, nested=True, attestation=True))

    async def push() -> list[str]:
        found = []
        for platform in (None, Platform.parse("linux/s390x")):
            await library.push_docker_tar(path, http_registry.url, platform=platform)
            info = await library.get_image_info(http_registry.url, "multi", "1")
            found.append(info.architecture)
        return found

    assert asyncio.run(push()) == [host().architecture, "s390x"]
    inspected = library.inspect_docker_tar(path, platform=Platform.parse("linux/s390x"))
    assert inspected.architecture == "s390x"


def test_events_tell_what_is_sent_skipped_and_read(
    make_registry: Callable[..., RegistryServer], archive: Path, tmp_path: Path
) -> None:
    url = make_registry().url
    events: list[Event] = []

    def kinds() -> set[type]:
        found = {type(event) for event in events}
        events.clear()
        return found

    asyncio.run(library.push_docker_tar(archive, url, "e", "1", emit=events.append))
    assert {BlobStarted, BlobAdvanced, BlobFinished} <= kinds()
    asyncio.run(library.push_docker_tar(archive, url, "e", "1", emit=events.append))
    assert kinds() == {BlobSkipped}
    asyncio.run(library.pull_image(url, "e", "1", tmp_path / "out.tar", emit=events.append))
    assert kinds() == {BlobStarted, BlobAdvanced, BlobFinished}


def test_inspected_together_is_what_was_inspected_one_by_one(
    make_registry: Callable[..., RegistryServer], tmp_path: Path
) -> None:
    url = make_registry().url

    async def fill() -> None:
        for seed in range(6):
            path = write(tmp_path / "a.tar", docker_old(random_image(seed, layers=1)))
            await library.push_docker_tar(path, url, f"r{seed % 2}", f"t{seed}")
        await library.delete_image(url, "r0", "t0")

    async def one_by_one() -> dict[str, dict[str, object]]:
        return {
            name: {
                tag: await library.get_image_info(url, name, tag)
                for tag in await library.list_tags(url, name)
            }
            for name in await library.list_repositories(url)
        }

    asyncio.run(fill())
    together = asyncio.run(library.inspect_repositories(url))
    assert together == asyncio.run(one_by_one())
    assert {name: sorted(tags) for name, tags in together.items()} == {
        "r0": ["t2", "t4"],
        "r1": ["t1", "t3", "t5"],
    }
    assert asyncio.run(library.inspect_repositories(url, ["r1", "none"])) == {
        "r1": together["r1"],
        "none": {},
    }


def test_deleting_tells_whether_there_was_anything(
    make_registry: Callable[..., RegistryServer], archive: Path
) -> None:
    url = make_registry().url

    async def run() -> list[bool]:
        digest = await library.push_docker_tar(archive, url, "d", "1")
        again = await library.push_docker_tar(archive, url, "d", "2")
        assert digest == again
        return [
            await library.delete_image(url, "d", "none"),
            await library.delete_image(url, "d", "1"),
            await library.delete_image(url, "d", "2"),
            await library.delete_image_by_digest(url, "d", digest),
            await library.delete_image_by_digest(url, "none", digest),
        ]

    assert asyncio.run(run()) == [False, True, False, False, False]


def test_errors_are_told_apart(
    http_registry: RegistryServer, basic_registry: RegistryServer, archive: Path, tmp_path: Path
) -> None:
    url = http_registry.url
    calls: list[tuple[Coroutine[Any, Any, object], type[KeynetError]]] = [
        (library.check_registry_connectivity("127.0.0.1:1"), RegistryUnreachable),
        (library.check_registry_connectivity("http://me:pw@127.0.0.1:1"), UsageError),
        (library.list_tags(url, "no/such"), NotFound),
        (library.list_tags(url, "No/Such"), ValidationError),
        (library.get_manifest(url, "no/such", "1"), NotFound),
        (library.get_manifest(url, "no/such", "sha256:1"), ValidationError),
        (library.push_docker_tar(tmp_path / "none.tar", url), ArchiveNotFound),
        (library.push_docker_tar(archive, url, "UPPER"), ValidationError),
        (library.push_docker_tar(archive, url, tag="a/b"), ValidationError),
        (library.delete_image_by_digest(url, "a", "latest"), ValidationError),
        (library.pull_image(url, "no/such", "1", tmp_path / "x.tar"), NotFound),
        (
            library.check_registry_connectivity(
                basic_registry.url,
                auth=("me", "wrong"),
                ca_cert=basic_registry.ca.cert if basic_registry.ca else None,
            ),
            RegistryDenied,
        ),
    ]
    for call, expected in calls:
        with pytest.raises(expected):
            asyncio.run(call)
    assert not (tmp_path / "x.tar").exists()


def test_credentials_and_a_private_ca_are_taken_as_keywords(
    basic_registry: RegistryServer, token_registry: RegistryServer, archive: Path
) -> None:
    for server in (basic_registry, token_registry):
        assert server.ca is not None

        async def run(server: RegistryServer = server) -> list[str]:
            assert server.ca is not None
            auth, ca_cert = (server.username, server.password), server.ca.cert
            await library.push_docker_tar(
                archive,
                server.url,
                "k/app",
                "1",
                auth=auth,
                ca_cert=ca_cert,
                token_hosts=server.token_hosts,
            )
            return await library.list_tags(
                server.url, "k/app", auth=auth, ca_cert=ca_cert, token_hosts=server.token_hosts
            )

        assert asyncio.run(run()) == ["1"]


PEAK = """
import asyncio, sys
from pathlib import Path
from keynet.registry import pull_image, push_docker_tar

async def main(path, url):
    await push_docker_tar(path, url, "m", "1", compress=sys.argv[3])
    await pull_image(url, "m", "1", path + ".docker")
    await pull_image(url, "m", "1", path + ".oci", format="oci")

asyncio.run(main(*sys.argv[1:3]))
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM:"):
        print(line.split()[1])
"""


@pytest.mark.parametrize("compress", ["none", "gzip"])
def test_memory_does_not_grow_with_the_image(
    make_registry: Callable[..., RegistryServer], tmp_path: Path, compress: str
) -> None:
    layer = layer_tar(random.Random(7), 150_000_000)
    image = make_image([layer], ["m:1"])
    path = write(tmp_path / "a.tar", docker_old(image))
    argv = [sys.executable, "-c", PEAK, str(path), make_registry().url, compress]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 90_000
