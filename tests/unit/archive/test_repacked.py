"""Archives that were repacked, or that other tools than docker wrote."""

import gzip
import json
import tarfile
from pathlib import Path

import pytest

from keynet.archive.docker_tar import extract_original_tags, validate_docker_tar
from keynet.archive.examine import check_archive
from keynet.archive.reader import Archive
from keynet.errors import InvalidArchive, TarReadError
from keynet.oci.descriptor import MediaType
from tests.fakes.archives import (
    Member,
    digest,
    docker_old,
    layer_of,
    link,
    make_image,
    oci,
    pack,
    random_image,
    tar,
    write,
)
from tests.tables import table

LAYER = layer_of(1)


def listed(config: bytes, name: str, *layers: str, **more: object) -> list[Member]:
    entry = {"Config": name, "RepoTags": ["app:1"], "Layers": list(layers), **more}
    return [Member(name, config), Member("manifest.json", json.dumps([entry]).encode())]


def test_a_hard_link_is_the_layer_it_names(tmp_path: Path) -> None:
    fake = make_image([LAYER, LAYER])
    members = [
        Member("./a", type=tarfile.DIRTYPE),
        Member("./a/layer.tar", LAYER),
        link("./b/layer.tar", "./a/layer.tar", tarfile.LNKTYPE),
        *listed(fake.config, "./c.json", "a/layer.tar", "b/layer.tar"),
    ]
    path = write(tmp_path / "a.tar", members)
    assert check_archive(path) == []
    with Archive(path) as archive:
        assert len(archive.images[0].image.layers) == 2


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_tar_packs_from_a_folder_is_read(tmp_path: Path, format_: int) -> None:
    folder = tmp_path / "unpacked"
    for member in docker_old(random_image(1, tags=["app:1"])):
        if member.type == tarfile.REGTYPE:
            path = folder / member.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(member.content)
    with tarfile.open(tmp_path / "a.tar", "w", format=format_) as packed:
        packed.add(folder, "./")
    assert check_archive(tmp_path / "a.tar") == []
    assert extract_original_tags(tmp_path / "a.tar") == ["app:1"]


def test_names_of_kaniko_and_crane_are_read(tmp_path: Path) -> None:
    fake, packed = make_image([LAYER]), gzip.compress(LAYER, mtime=0)
    layer = f"{digest(packed)[7:]}.tar.gz"
    members = [Member(layer, packed), *listed(fake.config, digest(fake.config), layer)]
    path = write(tmp_path / "a.tar", members)
    assert check_archive(path) == []
    damaged = [Member(layer, packed), *listed(fake.config + b" ", digest(fake.config), layer)]
    assert validate_docker_tar(write(tmp_path / "b.tar", damaged)) is False


def test_a_foreign_layer_that_was_left_out_is_named(tmp_path: Path) -> None:
    fake = make_image([LAYER])
    source = {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 1}
    members = listed(fake.config, "c.json", "x.tar", LayerSources={digest(LAYER): source})
    with pytest.raises(InvalidArchive, match=r"x\.tar: this foreign layer is not in the") as caught:
        Archive(write(tmp_path / "a.tar", members))
    assert "licence" in caught.value.hint


def test_a_foreign_layer_that_is_missing_in_an_oci_archive_is_named(tmp_path: Path) -> None:
    members = {m.name: m.content for m in oci(make_image([LAYER])) if m.content}
    index = json.loads(members["index.json"])
    manifest = json.loads(members["blobs/sha256/" + index["manifests"][0]["digest"][7:]])
    foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    manifest["layers"][0]["mediaType"] = foreign
    del members["blobs/sha256/" + manifest["layers"][0]["digest"][7:]]
    content = json.dumps(manifest).encode()
    index["manifests"][0] |= {"digest": digest(content), "size": len(content)}
    members[f"blobs/sha256/{digest(content)[7:]}"] = content
    members["index.json"] = json.dumps(index).encode()
    with pytest.raises(InvalidArchive, match="this foreign layer is not in the"):
        Archive(write(tmp_path / "a.tar", [Member(*each) for each in members.items()]))


@pytest.mark.parametrize("compression", ["xz", "bzip2"])
def test_a_layer_that_no_registry_takes_is_named(tmp_path: Path, compression: str) -> None:
    fake = make_image([LAYER])
    members = [Member("l", pack(LAYER, compression)), *listed(fake.config, "c.json", "l")]
    with pytest.raises(InvalidArchive, match=f"l: .*compressed with {compression}") as caught:
        Archive(write(tmp_path / "a.tar", members))
    assert "save it again" in caught.value.hint


@table(
    ("content", "form"),
    [
        (b"PK\3\4" + bytes(600), "zip"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(600), "7z"),
        (b"\x04\x22\x4d\x18" + bytes(600), "lz4"),
        (b"\x5d\0\0\x80\0" + bytes(600), "lzma"),
    ],
)
def test_another_format_is_named(tmp_path: Path, content: bytes, form: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(TarReadError, match=f"its format is {form}"):
        Archive(tmp_path / "a")


def test_an_archive_of_the_first_docker_is_named(tmp_path: Path) -> None:
    members = [Member("repositories", b"{}"), Member("abc/layer.tar", LAYER)]
    with pytest.raises(InvalidArchive, match=r"before 1\.10"):
        Archive(write(tmp_path / "a.tar", members))


def test_a_manifest_of_a_registry_is_not_dockers_list(tmp_path: Path) -> None:
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MediaType.OCI_MANIFEST}).encode()
    with pytest.raises(InvalidArchive, match="dir: format"):
        Archive(write(tmp_path / "a.tar", [Member("manifest.json", manifest)]))


@pytest.mark.parametrize("layout", [docker_old, oci])
def test_a_tar_cut_between_two_members_is_truncated(tmp_path: Path, layout: object) -> None:
    assert callable(layout)
    members = layout(random_image(1))
    for kept in range(1, len(members)):
        (tmp_path / "a.tar").write_bytes(tar(members[:kept])[:-1024])
        if not validate_docker_tar(tmp_path / "a.tar"):
            with pytest.raises(TarReadError, match="The end of the tar is missing"):
                Archive(tmp_path / "a.tar")


@pytest.mark.slow
def test_ten_thousand_layers_are_read_or_refused_at_once(tmp_path: Path) -> None:
    fake = make_image([b""] * 10_000)
    many = listed(fake.config, "c.json", *["l"] * 10_000)
    with Archive(write(tmp_path / "a.tar", [Member("l", b""), *many])) as archive:
        assert len(archive.images[0].image.layers) == 10_000
    more = make_image([b""] * 10_001)
    many = listed(more.config, "c.json", *["l"] * 10_001)
    with pytest.raises(InvalidArchive, match="10000 items"):
        Archive(write(tmp_path / "b.tar", [Member("l", b""), *many]))
