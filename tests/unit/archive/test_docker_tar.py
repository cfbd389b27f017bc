"""Whether an archive is valid, what is in it, and its tags."""

import json
from pathlib import Path

import pytest

from keynet.archive.docker_tar import (
    extract_original_tags,
    get_primary_tag,
    get_tar_manifest,
    inspect_docker_tar,
    parse_repository_tag,
    validate_docker_tar,
)
from keynet.archive.examine import check_archive
from keynet.archive.reader import Archive
from keynet.errors import ArchiveNotFound, InvalidArchive, TarReadError
from keynet.oci.platform import Platform
from tests.fakes.archives import (
    FakeImage,
    Member,
    digest,
    docker_new,
    docker_old,
    link,
    make_image,
    oci,
    podman,
    random_image,
    tar,
    write,
)
from tests.tables import table
from tests.unit.archive.test_hostile import CHANGES, MEMBERS, oci_with

LAYOUTS = {"docker_old": docker_old, "docker_new": docker_new, "podman": podman, "oci": oci}


@pytest.fixture
def image() -> FakeImage:
    return random_image(1, tags=["h.io:5000/team/app:1"])


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_valid_and_shows_the_same_image(
    tmp_path: Path, image: FakeImage, layout: str, compression: str
) -> None:
    path = write(tmp_path / "a.tar", LAYOUTS[layout](image), compression)
    assert validate_docker_tar(path)
    found = inspect_docker_tar(path)
    assert found.id == digest(image.config)
    assert found.repo_tags == ("h.io:5000/team/app:1",)
    assert (found.os, found.architecture) == ("linux", "amd64")
    assert [layer.created_by for layer in found.layers] == ["COPY 0", "COPY 1", "COPY 2"]
    if layout != "oci":
        assert [layer.digest for layer in found.layers] == [digest(one) for one in image.layers]
    assert get_primary_tag(path) == ("h.io:5000/team/app", "1")


def test_dockers_manifest_is_given_as_it_is_written(tmp_path: Path, image: FakeImage) -> None:
    members = docker_old(image, random_image(2, tags=["b:2"]))
    [document] = [m.content for m in members if m.name == "manifest.json"]
    assert get_tar_manifest(write(tmp_path / "a.tar", members)) == json.loads(document)


def test_an_oci_archive_gets_the_entries_docker_would_write(
    tmp_path: Path, image: FakeImage
) -> None:
    [entry] = get_tar_manifest(write(tmp_path / "a.tar", oci(image, compress="none")))
    blobs = [f"blobs/sha256/{digest(layer).removeprefix('sha256:')}" for layer in image.layers]
    assert entry == {
        "Config": f"blobs/sha256/{digest(image.config).removeprefix('sha256:')}",
        "RepoTags": ["h.io:5000/team/app:1"],
        "Layers": blobs,
    }


def test_tags_keep_the_archives_order(tmp_path: Path) -> None:
    images = (random_image(1, tags=["z:1", "a:1"]), random_image(2, tags=["m:1"]))
    path = write(tmp_path / "a.tar", docker_old(*images))
    assert extract_original_tags(path) == ["z:1", "a:1", "m:1"]
    assert inspect_docker_tar(path, tag="m:1").id == digest(images[1].config)


def test_an_archive_without_tags_has_no_primary_tag(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", docker_old(random_image(1, tags=[])))
    assert extract_original_tags(path) == []
    assert get_primary_tag(path) is None
    assert inspect_docker_tar(path).repo_tags == ()


@table(
    ("text", "parts"),
    [
        ("nginx:alpine", ("nginx", "alpine")),
        ("nginx", ("nginx", "latest")),
        ("localhost:5000/app", ("localhost:5000/app", "latest")),
        ("localhost:5000/team/app:1", ("localhost:5000/team/app", "1")),
        ("app:1@sha256:" + "a" * 64, ("app", "1")),
    ],
)
def test_a_repository_tag_is_split_at_its_last_colon(text: str, parts: tuple[str, str]) -> None:
    assert parse_repository_tag(text) == parts


def test_a_platform_is_chosen_and_an_absent_one_names_those_there_are(tmp_path: Path) -> None:
    arm = make_image(random_image(3).layers, ["a:1"], architecture="arm64")
    path = write(tmp_path / "a.tar", oci(arm, random_image(4, tags=["a:1"]), nested=True))
    assert inspect_docker_tar(path, platform=Platform.parse("linux/arm64")).architecture == "arm64"
    with pytest.raises(InvalidArchive, match="has no image for linux/mips") as caught:
        inspect_docker_tar(path, platform=Platform.parse("linux/mips"))
    assert "linux/arm64" in caught.value.hint


def test_a_missing_file_is_not_merely_invalid(tmp_path: Path) -> None:
    for ask in (validate_docker_tar, inspect_docker_tar, get_tar_manifest, get_primary_tag):
        with pytest.raises(ArchiveNotFound, match=r"There is no archive at .*/none\.tar"):
            ask(tmp_path / "none.tar")


def test_a_name_no_file_can_have_cannot_be_read() -> None:
    with pytest.raises(TarReadError, match=r"cannot be read: .*embedded null"):
        inspect_docker_tar("a\0b.tar")


@table(
    ("content", "words"),
    [
        (b"", "is not a tar archive"),
        (b"?" * 2000, "is not a tar archive"),
        (b"\0" * 4096, "is not a tar archive"),
        (tar(docker_old(random_image(1)))[:700], "truncated header"),
    ],
)
def test_a_file_that_is_not_an_archive_is_invalid(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    assert validate_docker_tar(path) is False
    with pytest.raises(InvalidArchive, match=words):
        extract_original_tags(path)


def test_a_folder_without_an_image_is_not_an_archive(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="is a folder, but not an image"):
        extract_original_tags(tmp_path)


@table("compression", ["gzip", "zstd", "xz", "bzip2"])
def test_a_compressed_archive_that_is_cut_is_invalid(tmp_path: Path, compression: str) -> None:
    path = write(tmp_path / "a.tar", docker_old(random_image(1)), compression)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InvalidArchive, match=r"a\.tar is truncated"):
        inspect_docker_tar(path)
    path.write_bytes(path.read_bytes()[:3])
    assert validate_docker_tar(path) is False


def test_a_compressed_file_of_noise_is_not_an_archive(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", [Member("x", b"y")], "gzip")
    with pytest.raises(InvalidArchive, match="not an image archive"):
        inspect_docker_tar(path)


def told(path: Path) -> str:
    """Ask an archive everything; return what is wrong with it."""
    try:
        get_tar_manifest(path)
        inspect_docker_tar(path)
        return " ".join(check_archive(path))
    except InvalidArchive as error:
        return f"{error.message} {error.hint}"


@table("case", MEMBERS)
def test_a_hostile_archive_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    members, words = MEMBERS[case]
    assert words in told(write(tmp_path / "a.tar", members))


@table("case", CHANGES)
def test_a_hostile_manifest_is_invalid_with_its_reason(tmp_path: Path, case: str) -> None:
    change, words = CHANGES[case]
    path = write(tmp_path / "a.tar", oci_with(lambda manifest: (change(manifest), None)[1]))
    assert validate_docker_tar(path) is False
    assert words in told(path)


def oci_index(**entry: object) -> Member:
    return Member("index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())


@pytest.mark.parametrize(
    ("annotations", "tags", "bare"),
    [
        ({"org.opencontainers.image.ref.name": "team/app:3"}, ["team/app:3"], None),
        ({"org.opencontainers.image.ref.name": "3"}, [], "3"),
        ({}, [], None),
    ],
)
def test_the_names_in_an_oci_index_are_distinguished(
    tmp_path: Path, annotations: dict[str, str], tags: list[str], bare: str | None
) -> None:
    members = oci(random_image(1, tags=[]))
    index = json.loads(next(m.content for m in members if m.name == "index.json"))
    others = [m for m in members if m.name != "index.json"]
    entry = {**index["manifests"][0], "annotations": annotations}
    path = write(tmp_path / "a.tar", [*others, oci_index(**entry)])
    assert extract_original_tags(path) == tags
    with Archive(path) as archive:
        assert [one.bare_tag for one in archive.images] == [bare]


def test_a_name_in_an_oci_index_that_is_none_is_refused(tmp_path: Path) -> None:
    members = oci(random_image(1, tags=["a b:1"]))
    with pytest.raises(InvalidArchive, match=r"index\.json: "):
        extract_original_tags(write(tmp_path / "a.tar", members))


def test_indexes_nested_too_deeply_are_refused(tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    blobs = []
    entry: dict[str, object] = {"mediaType": kind, "digest": digest(b"{}"), "size": 2}
    for _depth in range(6):
        content = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}).encode()
        name = digest(content)
        blobs.append(Member(f"blobs/sha256/{name.removeprefix('sha256:')}", content))
        entry = {"mediaType": kind, "digest": name, "size": len(content)}
    path = write(tmp_path / "a.tar", [*blobs, oci_index(**entry)])
    with pytest.raises(InvalidArchive, match="indexes are nested too deeply"):
        inspect_docker_tar(path)


def test_an_index_to_thousands_of_manifests_is_refused(tmp_path: Path) -> None:
    kind = "application/vnd.oci.image.index.v1+json"
    entries = [
        {"mediaType": kind, "digest": digest(str(number).encode()), "size": 2}
        for number in range(1001)
    ]
    index = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    path = write(tmp_path / "a.tar", [Member("index.json", index)])
    with pytest.raises(InvalidArchive, match="more than 1000 manifests"):
        inspect_docker_tar(path)


def pax(record: bytes, *, kind: bytes = b"x") -> list[Member]:
    """Put one extended header before a member of its own."""
    return [Member("pax", record, type=kind), Member("short", b"x")]


@table(
    ("members", "words"),
    [
        (pax(b"9999999 path=x\n"), "a pax header is damaged"),
        (pax(b"8 nokey\n"), "a pax header is damaged"),
        (pax(b"12 size=-10\n"), "this pax record is not a number"),
        (pax(b"22 GNU.sparse.major=1\n"), "is not allowed in an image archive"),
        (pax(b"10 path=a\n", kind=b"g"), "is not allowed in an image archive"),
        (pax(b"14 path=../up\n"), "its name is a path outside of the archive"),
        ([Member("L", b"n" * 5000, type=b"L"), Member("x")], "its name is too long"),
        ([Member("L", b" " * (1 << 21), type=b"x"), Member("x")], "larger than 1 MiB"),
        ([*docker_old(random_image(1)), Member("d", type=b"4")], "it is a device"),
        (
            [Member("a", b"x"), link("a/b/c", "../../../x")],
            "it links to a path outside of the archive",
        ),
    ],
)
def test_a_header_that_no_engine_writes_is_refused(
    tmp_path: Path, members: list[Member], words: str
) -> None:
    with pytest.raises(InvalidArchive, match=words):
        inspect_docker_tar(write(tmp_path / "a.tar", members))


def test_extended_names_and_links_are_followed(tmp_path: Path) -> None:
    one = random_image(1, layers=1)
    entry = [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l"]}]
    long = "d" * 150 + "/layer.tar"
    members = [
        Member("c.json", one.config),
        Member("pax", _record("path", long), type=b"x"),
        Member("cut-name", one.layers[0]),
        Member("pax", _record("linkpath", long), type=b"x"),
        link("l", "elsewhere"),
        Member("manifest.json", json.dumps(entry).encode()),
    ]
    path = write(tmp_path / "a.tar", members)
    assert validate_docker_tar(path)
    assert [layer.digest for layer in inspect_docker_tar(path).layers] == [digest(one.layers[0])]


def test_a_pax_size_is_the_members_size(tmp_path: Path) -> None:
    one = random_image(1, layers=0)
    entry = json.dumps([{"Config": "c.json", "RepoTags": None, "Layers": []}]).encode()
    size = _record("size", str(len(one.config)))
    content = tar([Member("p", size, type=b"x"), Member("c.json", one.config, size=0)])
    path = tmp_path / "a.tar"
    path.write_bytes(content[:-1024] + tar([Member("manifest.json", entry)]))
    assert inspect_docker_tar(path).id == digest(one.config)


def _record(key: str, value: str) -> bytes:
    body = f" {key}={value}\n"
    length = len(body) + 2
    return f"{length + (length > 99)}{body}".encode()
