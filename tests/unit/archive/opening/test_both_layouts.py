"""manifest.json and index.json in one archive: what docker 25 writes, and what contradicts."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keynet.archive.docker_tar import validate_docker_tar
from keynet.archive.examine import check_archive
from keynet.archive.reader import Archive, choose
from keynet.errors import InvalidArchive
from keynet.oci.platform import Platform
from tests.fakes.archives import (
    FakeImage,
    Member,
    digest,
    docker_new,
    layer_of,
    make_image,
    oci,
    random_image,
    write,
)


def members_of(*images: FakeImage, **options: Any) -> dict[str, bytes]:
    return {m.name: m.content for m in docker_new(*images, **options) if m.content}


def blob(content: bytes) -> str:
    return f"blobs/sha256/{digest(content)[7:]}"


def saved(path: Path, members: dict[str, bytes]) -> Path:
    return write(path, [Member(name, content) for name, content in members.items()])


def edited(members: dict[str, bytes], name: str, change: Any) -> dict[str, bytes]:
    document = json.loads(members[name])
    return {**members, name: json.dumps(change(document)).encode()}


def hollowed(members: dict[str, bytes], layers: object) -> dict[str, bytes]:
    """Take the layers out of every OCI manifest."""
    index = json.loads(members["index.json"])
    for entry in index["manifests"]:
        name = "blobs/sha256/" + entry["digest"][7:]
        manifest = json.loads(members[name]) | {"layers": layers}
        content = json.dumps(manifest).encode()
        entry["digest"], entry["size"] = digest(content), len(content)
        members = {**members, blob(content): content}
    return {**members, "index.json": json.dumps(index).encode()}


@pytest.mark.parametrize("layers", [[], None])
def test_manifest_json_stands_in_for_an_empty_oci_manifest(tmp_path: Path, layers: object) -> None:
    fake = random_image(1, tags=["app:1"])
    path = saved(tmp_path / "a.tar", hollowed(members_of(fake), layers))
    with Archive(path) as archive:
        assert (archive.layout, archive.tags) == ("docker", ("app:1",))
        assert len(archive.images[0].image.layers) == len(fake.layers)
    assert check_archive(path) == []


@pytest.mark.parametrize("manifests", [[], None])
def test_manifest_json_stands_in_for_an_index_without_manifests(
    tmp_path: Path, manifests: object
) -> None:
    members = members_of(random_image(1, tags=["app:1"]))
    members = edited(members, "index.json", lambda index: index | {"manifests": manifests})
    with Archive(saved(tmp_path / "a.tar", members)) as archive:
        assert (archive.layout, archive.tags) == ("docker", ("app:1",))


@pytest.mark.parametrize("manifests", [[], None])
def test_an_index_without_manifests_alone_lists_no_image(tmp_path: Path, manifests: object) -> None:
    members = {m.name: m.content for m in oci(random_image(1)) if m.content}
    members = edited(members, "index.json", lambda index: index | {"manifests": manifests})
    with pytest.raises(InvalidArchive, match="lists no image"):
        Archive(saved(tmp_path / "a.tar", members))


def test_an_empty_oci_manifest_alone_is_refused(tmp_path: Path) -> None:
    members = hollowed({m.name: m.content for m in oci(random_image(1)) if m.content}, None)
    with pytest.raises(InvalidArchive, match="3 diff ids for 0 layers"):
        Archive(saved(tmp_path / "a.tar", members))


def test_an_image_without_layers_is_not_taken_for_an_empty_manifest(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.tar", members_of(make_image([], ["empty:1"])))
    with Archive(path) as archive:
        assert archive.layout == "oci"


def other_docker_list(members: dict[str, bytes], other: FakeImage) -> dict[str, bytes]:
    """Let manifest.json list another image under the same name."""
    docker = members_of(replace(other, tags=("app:1",)))
    return {**docker, **members, "manifest.json": docker["manifest.json"]}


def test_two_images_under_one_name_are_refused(tmp_path: Path) -> None:
    one, other = random_image(1, tags=["app:1"]), random_image(2, tags=["app:1"])
    path = saved(tmp_path / "a.tar", other_docker_list(members_of(one), other))
    with pytest.raises(InvalidArchive, match="contradict each other: app:1 has the") as caught:
        Archive(path)
    assert digest(one.config) in caught.value.message
    assert digest(other.config) in caught.value.message
    assert "Create the archive again" in caught.value.hint
    assert validate_docker_tar(path) is False


def test_two_images_without_a_name_are_refused(tmp_path: Path) -> None:
    one, other = random_image(1, tags=[]), random_image(2, tags=[])
    members = {**members_of(other), **members_of(one)}
    members["manifest.json"] = members_of(other)["manifest.json"]
    with pytest.raises(InvalidArchive, match="contradict each other"):
        Archive(saved(tmp_path / "a.tar", members))


def test_swapped_names_are_refused(tmp_path: Path) -> None:
    one, other = random_image(1, tags=["app:1"]), random_image(2, tags=["app:2"])
    members = members_of(one, other)
    swapped = members_of(replace(one, tags=("app:2",)), replace(other, tags=("app:1",)))
    with pytest.raises(InvalidArchive, match="contradict each other: app:2 has the"):
        Archive(saved(tmp_path / "a.tar", {**members, "manifest.json": swapped["manifest.json"]}))


@pytest.mark.parametrize("fewer", [True, False])
def test_other_layers_for_the_same_config_are_refused(tmp_path: Path, fewer: bool) -> None:
    members = members_of(random_image(1, tags=["app:1"]))
    evil = layer_of(9)

    def change(entries: Any) -> Any:
        layers = entries[0]["Layers"]
        entries[0]["Layers"] = layers[:-1] if fewer else [*layers[:-1], blob(evil)]
        return entries

    members = {**edited(members, "manifest.json", change), blob(evil): evil}
    with pytest.raises(InvalidArchive, match=r"index\.json"):
        Archive(saved(tmp_path / "a.tar", members))


def test_the_same_layer_plain_and_compressed_is_no_contradiction(tmp_path: Path) -> None:
    fake = random_image(1, tags=["app:1"])
    members = {m.name: m.content for m in oci(fake) if m.content}
    members |= {blob(layer): layer for layer in fake.layers}
    members["manifest.json"] = members_of(fake)["manifest.json"]
    path = saved(tmp_path / "a.tar", members)
    with Archive(path) as archive:
        assert archive.layout == "oci"
    assert check_archive(path) == []


def test_an_artifact_beside_another_docker_image_is_a_contradiction(tmp_path: Path) -> None:
    chart = {m.name: m.content for m in oci(random_image(1)) if m.content}
    index = json.loads(chart["index.json"])
    manifest = json.loads(chart["blobs/sha256/" + index["manifests"][0]["digest"][7:]])
    manifest["config"]["mediaType"] = "application/vnd.example.chart"
    content = json.dumps(manifest).encode()
    index["manifests"][0] |= {"digest": digest(content), "size": len(content)}
    chart |= {blob(content): content, "index.json": json.dumps(index).encode()}
    with pytest.raises(InvalidArchive, match=r"not an image but an artifact: .*example\.chart"):
        Archive(saved(tmp_path / "a.tar", chart))
    both = {**chart, "manifest.json": members_of(random_image(1))["manifest.json"]}
    with pytest.raises(InvalidArchive, match="contradict each other"):
        Archive(saved(tmp_path / "b.tar", both))


def test_docker_lists_one_platform_and_its_tags_are_those_of_all(tmp_path: Path) -> None:
    amd = make_image([layer_of(1)], ["docker.io/library/app:1"])
    arm = make_image([layer_of(2)], ["docker.io/library/app:1"], architecture="arm64")
    members = {m.name: m.content for m in oci(arm, amd, compress="none", nested=True) if m.content}
    members["manifest.json"] = members_of(replace(amd, tags=("app:1",)))["manifest.json"]
    with Archive(saved(tmp_path / "a.tar", members)) as archive:
        assert archive.tags == ("app:1",)
        for text, fake in (("linux/amd64", amd), ("linux/arm64/v8", arm)):
            one = choose(archive.images, "a", tag="app:1", platform=Platform.parse(text))
            assert one.image.config == fake.config


def test_what_docker_would_load_comes_first(tmp_path: Path) -> None:
    one, other = random_image(1, tags=["app:1"]), random_image(2, tags=["app:2"])
    members = members_of(one, other)
    members = edited(members, "manifest.json", lambda entries: entries[1:])
    with Archive(saved(tmp_path / "a.tar", members)) as archive:
        assert archive.images[0].image.config == other.config
        assert archive.tags == ("app:2", "app:1")
