"""``copy_image`` in every direction: registries, OCI folders, OCI and docker archives."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keynet.archive.docker_tar import extract_original_tags, inspect_docker_tar, validate_docker_tar
from keynet.archive.location import Location
from keynet.errors import (
    DigestMismatch,
    InvalidArchive,
    KeynetError,
    NotFound,
    UsageError,
    ValidationError,
)
from keynet.events import BlobSkipped, Event, Notice
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.copying.copies import copy_image
from keynet.registry.copying.copy_between import CopiedImage
from keynet.registry.copying.copy_ends import Remote, parse_place
from keynet.secret import Secret
from tests.fakes.archives import docker_new, docker_old, write
from tests.fakes.archives import random_image as archived_image
from tests.fakes.images import random_image
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.cli.conftest import served
from tests.unit.registry.conftest import Connect
from tests.unit.registry.transfer.test_copy_image import (
    PLATFORMS,
    blobs_of,
    put_image,
    put_index,
    put_referrer,
)

APP = Reference("registry.test", "team/app", "1")


@pytest.fixture
def source(connect: Connect) -> Iterator["Filled"]:
    """Run a registry with an image of one platform, an index and a referrer of each."""
    with served(MemoryRegistry()) as (registry, host):
        yield Filled(registry, host, connect)


@pytest.fixture
def target() -> Iterator[tuple[MemoryRegistry, str]]:
    with served(MemoryRegistry(referrers=True)) as (registry, host):
        yield registry, host


class Filled:
    """A registry on loopback, and what it has."""

    def __init__(self, registry: MemoryRegistry, host: str, connect: Connect) -> None:
        self.registry, self.host = registry, host
        # The same registry behind the name that the wire of the tests has.
        registry.host = "registry.test"
        self.image: Image = random_image(7, sizes=(1000, 70_000))
        put_image(registry, connect, self.image, APP)
        self.digest = str(Digest.of(self.image.manifest))
        self.index, self.images = put_index(registry, connect, APP.with_tag("all"))
        self.referrers = {
            put_referrer(registry, APP, Digest.parse(self.index), b"signature"),
            put_referrer(registry, APP, Digest.of(self.images[1].manifest), b"bill"),
        }
        registry.seen.clear()

    def name(self, tag: str = "1") -> str:
        return f"http://{self.host}/team/app:{tag}"

    @property
    def every_blob(self) -> set[str]:
        return set(self.registry.repository("team/app").blobs)


def copied(source: str | Path, destination: str | Path, **more: Any) -> CopiedImage:
    return asyncio.run(copy_image(source, destination, **more))


def blobs_in(folder: Path) -> set[str]:
    """Return the digests of the files of a layout, each of which has its own."""
    found = {path.name for path in folder.glob("blobs/sha256/*")}
    for name in found:
        assert hashlib.sha256((folder / "blobs/sha256" / name).read_bytes()).hexdigest() == name
    return {f"sha256:{name}" for name in found}


def listed(folder: Path) -> dict[str | None, str]:
    index = json.loads((folder / "index.json").read_bytes())
    return {
        (entry.get("annotations") or {}).get("org.opencontainers.image.ref.name"): entry["digest"]
        for entry in index["manifests"]
    }


KINDS = ["oci:{}/out", "oci-archive:{}/out.tar"]


@pytest.mark.medium
@pytest.mark.parametrize("kind", KINDS)
def test_an_image_returns_from_a_layout_as_it_was(
    source: Filled, target: tuple[MemoryRegistry, str], tmp_path: Path, kind: str
) -> None:
    registry, host = target
    place = kind.format(tmp_path)
    there = copied(source.name(), place)
    assert (there.digest, there.destination) == (source.digest, place)
    back = copied(place, f"http://{host}/back:1")
    assert back.digest == source.digest
    assert registry.repository("back").tags == {"1": source.digest}
    assert registry.repository("back").manifests[source.digest] == (
        MediaType.OCI_MANIFEST,
        source.image.manifest,
    )
    assert set(registry.repository("back").blobs) == blobs_of(source.image)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.needs("referrers")
def test_an_index_with_referrers_returns_from_a_layout_as_it_was(
    source: Filled, target: tuple[MemoryRegistry, str], tmp_path: Path, kind: str
) -> None:
    registry, host = target
    place = kind.format(tmp_path)
    there = copied(source.name("all"), place, all_platforms=True, referrers=True)
    assert (there.digest, there.manifests, there.referrers) == (source.index, 4, 2)
    back = copied(place, f"http://{host}/back:all", all_platforms=True, referrers=True)
    assert (back.digest, back.manifests, back.referrers) == (source.index, 4, 2)
    manifests = source.registry.repository("team/app").manifests
    mine = registry.repository("back")
    assert mine.tags == {"all": source.index}
    assert set(mine.manifests) == {
        source.index,
        *(str(Digest.of(image.manifest)) for image in source.images),
        *map(str, source.referrers),
    }
    assert all(manifests[digest] == content for digest, content in mine.manifests.items())


@pytest.mark.medium
@pytest.mark.parametrize("kind", KINDS)
def test_one_platform_of_a_layout_is_copied(
    source: Filled, target: tuple[MemoryRegistry, str], tmp_path: Path, kind: str
) -> None:
    registry, host = target
    place = kind.format(tmp_path)
    copied(source.name("all"), place, all_platforms=True)
    found = copied(place, f"http://{host}/one:1", platform=PLATFORMS[1])
    assert found.digest == str(Digest.of(source.images[1].manifest))
    assert set(registry.repository("one").blobs) == blobs_of(source.images[1])


@pytest.mark.medium
def test_a_folder_becomes_an_archive_and_a_folder_again(source: Filled, tmp_path: Path) -> None:
    copied(source.name("all"), f"oci:{tmp_path}/a", all_platforms=True, referrers=True)
    copied(f"{tmp_path}/a", f"oci-archive:{tmp_path}/a.tar", all_platforms=True, referrers=True)
    copied(tmp_path / "a.tar", f"oci:{tmp_path}/b", all_platforms=True, referrers=True)
    assert blobs_in(tmp_path / "a") == blobs_in(tmp_path / "b")
    assert listed(tmp_path / "b")["all"] == source.index


@pytest.mark.medium
def test_a_docker_archive_keeps_config_and_diff_ids(
    source: Filled, target: tuple[MemoryRegistry, str], tmp_path: Path
) -> None:
    registry, host = target
    file = tmp_path / "app.tar"
    events: list[Event] = []
    copied(source.name(), f"docker-archive:{file}:team/app:9", emit=events.append)
    assert [event.level for event in events if isinstance(event, Notice)] == ["note"]
    assert validate_docker_tar(file)
    assert extract_original_tags(file) == ["team/app:9"]
    assert inspect_docker_tar(file).id == str(Digest.of(source.image.config))
    back = copied(f"docker-archive:{file}", f"http://{host}/back:1")
    manifest = json.loads(registry.repository("back").manifests[back.digest][1])
    assert manifest["config"]["digest"] == str(Digest.of(source.image.config))
    assert [each["digest"] for each in manifest["layers"]] == [
        str(layer.diff_id) for layer in source.image.layers
    ]


def test_a_docker_archive_becomes_an_oci_layout(tmp_path: Path) -> None:
    file = write(tmp_path / "old.tar", docker_old(archived_image(1, tags=["team/app:1"])))
    events: list[Event] = []
    found = copied(f"docker-archive:{file}", f"oci:{tmp_path}/out", emit=events.append)
    assert [event.level for event in events if isinstance(event, Notice)] == ["note"]
    assert found.media_type == MediaType.OCI_MANIFEST
    assert listed(tmp_path / "out") == {"1": found.digest}
    manifest = json.loads((tmp_path / "out/blobs/sha256" / found.digest[7:]).read_bytes())
    assert manifest["config"]["mediaType"] == MediaType.OCI_CONFIG
    assert {each["mediaType"] for each in manifest["layers"]} == {MediaType.OCI_LAYER}
    assert inspect_docker_tar(file).id == manifest["config"]["digest"]


@pytest.mark.medium
def test_an_archive_of_new_docker_keeps_its_manifest(
    target: tuple[MemoryRegistry, str], tmp_path: Path
) -> None:
    registry, host = target
    file = write(tmp_path / "new.tar", docker_new(archived_image(1, tags=["team/app:1"])))
    digest = inspect_docker_tar(file).repo_digests[0].partition("@")[2]
    assert copied(file, f"http://{host}/new:1").digest == digest
    assert registry.repository("new").tags == {"1": digest}


def test_one_of_several_images_has_to_be_named(
    target: tuple[MemoryRegistry, str], tmp_path: Path
) -> None:
    registry, host = target
    images = [archived_image(n, tags=[f"team/app:{n}"]) for n in (1, 2)]
    file = write(tmp_path / "two.tar", docker_old(*images))
    with pytest.raises(InvalidArchive, match="several images") as raised:
        copied(file, f"http://{host}/x:1")
    assert "team/app:2" in raised.value.hint
    copied(f"docker-archive:{file}:team/app:2", f"http://{host}/x:1")
    with pytest.raises(InvalidArchive, match="no image team/app:3"):
        copied(f"docker-archive:{file}:team/app:3", f"http://{host}/x:1")
    assert len(registry.repository("x").manifests) == 1


@pytest.mark.medium
def test_a_folder_keeps_its_other_images(source: Filled, tmp_path: Path) -> None:
    place = f"oci:{tmp_path}/out"
    copied(source.name(), f"{place}:one")
    copied(source.name("all"), f"{place}:all", all_platforms=True)
    events: list[Event] = []
    copied(source.name("all"), f"{place}:one", all_platforms=True, emit=events.append)
    assert listed(tmp_path / "out") == {"all": source.index, "one": source.index}
    assert {type(event) for event in events} == {BlobSkipped}
    with pytest.raises(InvalidArchive, match="no image two"):
        copied(f"{place}:two", f"oci:{tmp_path}/other")
    assert not (tmp_path / "other").exists()


@pytest.mark.slow
def test_a_folder_keeps_the_referrers_that_it_has(source: Filled, tmp_path: Path) -> None:
    place = f"oci:{tmp_path}/out"
    for _time in range(2):
        copied(source.name("all"), place, all_platforms=True, referrers=True)
    late = put_referrer(source.registry, APP, Digest.parse(source.index), b"late")
    copied(source.name("all"), place, all_platforms=True, referrers=True)
    listing = listed(tmp_path / "out")[f"sha256-{source.index[7:]}"]
    entries = json.loads((tmp_path / "out/blobs/sha256" / listing[7:]).read_bytes())["manifests"]
    assert len(entries) == 2
    assert str(late) in {entry["digest"] for entry in entries}
    assert {entry["artifactType"] for entry in entries} == {"application/vnd.example.sbom"}


def test_one_of_several_platforms_is_said(source: Filled, tmp_path: Path) -> None:
    events: list[Event] = []
    found = copied(source.name("all"), f"oci:{tmp_path}/out", emit=events.append)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert found.digest == str(Digest.of(source.images[0].manifest))
    assert found.platform == "linux/amd64"
    assert notices == ["Only linux/amd64 of 3 platforms is copied; --all copies all."]


def test_a_platform_that_is_not_there_leaves_nothing(source: Filled, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        copied(source.name("all"), f"oci:{tmp_path}/out", platform=Platform("linux", "s390x"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [*KINDS, "docker-archive:{}/out.tar"])
def test_a_source_that_fails_leaves_no_file(source: Filled, tmp_path: Path, kind: str) -> None:
    layer = str(source.image.layers[1].descriptor.digest)
    blobs = source.registry.repository("team/app").blobs
    blobs[layer] = bytes(len(blobs[layer]))
    with pytest.raises(DigestMismatch):
        copied(source.name(), kind.format(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.medium
def test_a_folder_that_fails_is_as_before(source: Filled, tmp_path: Path) -> None:
    place = f"oci:{tmp_path}/out"
    copied(source.name(), f"{place}:one")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")}
    kept = blobs_in(tmp_path / "out")
    del source.registry.repository("team/app").blobs[
        str(source.images[2].layers[1].descriptor.digest)
    ]
    with pytest.raises(NotFound):
        copied(source.name("all"), f"{place}:all", all_platforms=True)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.*")} == before
    assert blobs_in(tmp_path / "out") == kept


def test_an_interrupt_leaves_no_file(source: Filled, tmp_path: Path) -> None:
    async def run() -> None:
        task = asyncio.current_task()
        assert task is not None

        def stop(event: Event) -> None:
            if not task.cancelling():
                task.cancel()

        await copy_image(source.name(), f"oci:{tmp_path}/out", emit=stop)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


@table(
    ("destination", "reason"),
    [
        ("app", "does not name an image"),
        ("nothing/app:1", "does not name an image"),
        ("ftp://registry.test/app", "does not name an image"),
        ("user:secret@registry.test/app", "does not name an image"),
        ("oci:", "does not name an image"),
        ("registry.test", "does not name an image"),
        ("http://registry.example.com/app:1", "Plain http"),
    ],
)
def test_a_destination_that_cannot_be_is_refused(
    tmp_path: Path, destination: str, reason: str
) -> None:
    file = write(tmp_path / "a.tar", docker_old(archived_image(1)))
    with pytest.raises(UsageError, match=reason) as raised:
        copied(file, destination)
    assert "secret" not in f"{raised.value}{raised.value.hint}"


@pytest.mark.parametrize("tag", ["App", "a b"])
def test_a_reference_that_breaks_the_grammar_is_named(tmp_path: Path, tag: str) -> None:
    file = write(tmp_path / "a.tar", docker_old(archived_image(1)))
    with pytest.raises(ValidationError):
        copied(file, f"registry.test/{tag}")


@pytest.mark.parametrize(
    "options",
    [
        {"all_platforms": True},
        {"referrers": True},
        {"all_platforms": True, "platform": PLATFORMS[0]},
    ],
)
def test_options_that_contradict_each_other_are_refused(
    source: Filled, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        copied(source.name("all"), f"docker-archive:{tmp_path}/x.tar", **options)
    assert source.registry.seen == []


@pytest.mark.medium
def test_an_archive_is_not_copied_onto_itself(source: Filled, tmp_path: Path) -> None:
    place = f"oci-archive:{tmp_path}/a.tar"
    copied(source.name(), place)
    with pytest.raises(UsageError, match="same file"):
        copied(place, place)


@pytest.mark.parametrize("content", ["file", "folder", "index"])
def test_what_is_no_layout_is_not_written_into(
    source: Filled, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "out"
    match content:
        case "file":
            path.write_text("precious")
        case "folder":
            path.mkdir()
            (path / "precious").touch()
        case "index":
            path.mkdir()
            (path / "index.json").write_text("[]")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(KeynetError, match="cannot be written"):
        copied(source.name(), f"oci:{path}")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.medium
def test_a_target_without_a_tag_is_latest(
    source: Filled, target: tuple[MemoryRegistry, str]
) -> None:
    registry, host = target
    found = copied(source.name(), f"http://{host}/team/app")
    assert found.destination == f"{host}/team/app:latest"
    assert set(registry.repository("team/app").tags) == {"latest"}


@pytest.mark.medium
def test_a_target_with_another_digest_is_refused(
    source: Filled, target: tuple[MemoryRegistry, str]
) -> None:
    registry, host = target
    other = Digest.of(b"other")
    with pytest.raises(ValidationError, match=source.digest):
        copied(source.name(), f"http://{host}/team/app@{other}")
    assert registry.seen == []
    copied(source.name(), f"http://{host}/team/app:1@{source.digest}")
    assert registry.repository("team/app").tags == {"1": source.digest}


@table(
    ("text", "url", "reference"),
    [
        ("registry.test/app", "registry.test", "registry.test/app"),
        ("http://127.0.0.1:5000/a/b:1", "http://127.0.0.1:5000", "127.0.0.1:5000/a/b:1"),
        ("https://registry.test/a:1", "https://registry.test", "registry.test/a:1"),
        ("localhost/app:1", "localhost", "localhost/app:1"),
        ("[::1]:5000/app:1", "[::1]:5000", "[::1]:5000/app:1"),
        ("docker.io/python:3", "docker.io", "docker.io/library/python:3"),
        ("docker://python:3", "docker.io", "docker.io/library/python:3"),
        ("docker://registry.test/a:1", "registry.test", "registry.test/a:1"),
    ],
)
def test_registries_are_named_as_elsewhere(text: str, url: str, reference: str) -> None:
    assert parse_place(text, reading=True) == Remote(url, Reference.parse(reference))


@table(
    ("text", "kind", "path", "name"),
    [
        ("oci:a/b", "oci", "a/b", None),
        ("oci:a:1.0", "oci", "a", "1.0"),
        ("oci-archive:/x.tar:registry.test/a:1", "oci-archive", "/x.tar", "registry.test/a:1"),
        ("docker-archive:x.tar:a:1", "docker-archive", "x.tar", "a:1"),
        ("./no.tar", "oci-archive", "./no.tar", None),
        ("-", "oci-archive", "-", None),
    ],
)
def test_files_and_folders_are_named_as_skopeo_does(
    text: str, kind: str, path: str, name: str | None
) -> None:
    assert parse_place(text, reading=True) == Location(kind, Path(path), name, text)


def test_a_path_with_a_colon_is_a_path_if_it_exists(tmp_path: Path) -> None:
    file = tmp_path / "a:1.tar"
    file.touch()
    text = f"docker-archive:{file}"
    assert parse_place(text, reading=True) == Location("docker-archive", file, None, text)


@pytest.mark.medium
def test_each_registry_gets_its_own_login() -> None:
    with (
        served(MemoryRegistry(auth="basic", user="reader", password="password-of-the-source")) as (
            first,
            first_host,
        ),
        served(MemoryRegistry(auth="basic", user="writer", password="password-of-target")) as (
            second,
            second_host,
        ),
    ):
        image = random_image(3)
        repository = first.repository("app")
        repository.blobs.update(
            {str(Digest.of(image.config)): image.config}
            | {str(each.descriptor.digest): each.content for each in image.layers}  # type: ignore[attr-defined]
        )
        digest = str(Digest.of(image.manifest))
        repository.manifests[digest] = (MediaType.OCI_MANIFEST, image.manifest)
        repository.tags["1"] = digest
        ends = f"http://{first_host}/app:1", f"http://{second_host}/app:1"
        reader = ("reader", "password-of-the-source")
        writer = Credential("writer", Secret("password-of-target"))
        assert copied(*ends, source_auth=reader, auth=writer).digest == digest
        second.repositories.clear()
        both = [
            FixedSource(first_host, Credential("reader", Secret("password-of-the-source"))),
            FixedSource(second_host, writer),
        ]
        assert copied(*ends, auth=both).digest == digest
        sent = {seen.headers.get("authorization") for seen in first.seen}
        with pytest.raises(KeynetError):
            copied(*ends, auth=writer)
        assert {seen.headers.get("authorization") for seen in first.seen} == sent


@pytest.mark.medium
@pytest.mark.parametrize("kind", KINDS)
def test_an_artifact_is_copied_like_an_image(
    source: Filled, target: tuple[MemoryRegistry, str], tmp_path: Path, kind: str
) -> None:
    registry, host = target
    chart = next(iter(source.referrers))
    place = kind.format(tmp_path)
    copied(f"http://{source.host}/team/app@{chart}", place)
    assert copied(place, f"http://{host}/chart:1").digest == str(chart)
    assert registry.repository("chart").tags == {"1": str(chart)}


def test_an_artifact_is_not_for_docker(source: Filled, tmp_path: Path) -> None:
    chart = next(iter(source.referrers))
    name = f"http://{source.host}/team/app@{chart}"
    with pytest.raises(ValidationError, match="not an image but an artifact"):
        copied(name, f"docker-archive:{tmp_path}/x.tar")
    copied(name, f"oci:{tmp_path}/layout")
    with pytest.raises(InvalidArchive, match="not an image but an artifact"):
        copied(tmp_path / "layout", f"docker-archive:{tmp_path}/x.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["layout"]
