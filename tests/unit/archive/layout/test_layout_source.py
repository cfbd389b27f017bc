"""Which image or index of a layout is meant, and what refers to it."""

import asyncio
import json
from pathlib import Path

import pytest

from keynet.archive.layout.layout_source import first_name, source_in
from keynet.archive.reader import Archive
from keynet.errors import InvalidArchive
from keynet.oci.content import Root
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.platform import Platform
from tests.fakes.archives import FakeImage, Member, docker_new, make_image, oci, write

REF_NAME = "org.opencontainers.image.ref.name"
ARM = Platform("linux", "arm64")


def image(tag: str = "", architecture: str = "amd64") -> FakeImage:
    return make_image([f"layer for {architecture}".encode() * 50], [tag] if tag else [],
                      architecture=architecture)  # fmt: skip


def root(
    path: Path,
    tag: str | None = None,
    platform: Platform | None = None,
    *,
    everything: bool = True,
) -> Root:
    with Archive(path, artifacts=True) as archive:
        source = source_in(archive, tag, platform, oci_types=False)
        found = asyncio.run(source.root(platform, everything=everything))
        assert Digest.of(asyncio.run(source.document(found.descriptor))) == found.descriptor.digest
        return found


def index_of(members: list[Member]) -> bytes:
    return next(member.content for member in members if member.name == "index.json")


def with_index(members: list[Member], entries: list[dict[str, object]]) -> list[Member]:
    document = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": entries}
    changed = Member("index.json", json.dumps(document).encode())
    return [changed if member.name == "index.json" else member for member in members]


def entries_of(members: list[Member]) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(index_of(members))["manifests"]
    return entries


def test_an_index_is_found_with_its_own_bytes(tmp_path: Path) -> None:
    members = oci(image("app:1"), image("app:1", "arm64"), nested=True, annotation=REF_NAME)
    path = write(tmp_path / "a.tar", members)
    assert root(path).descriptor.media_type == MediaType.OCI_INDEX
    assert str(root(path).descriptor.digest) == entries_of(members)[0]["digest"]
    one = root(path, platform=ARM, everything=False)
    assert one.chosen == ARM
    assert one.available == (Platform("linux", "amd64"), ARM)


def test_platforms_that_the_layout_lists_itself_are_its_index(tmp_path: Path) -> None:
    members = oci(image(), image(architecture="arm64"))
    path = write(tmp_path / "a.tar", members)
    assert root(path).descriptor.digest == Digest.of(index_of(members))
    assert root(path, platform=ARM, everything=False).chosen == ARM


@pytest.mark.parametrize("tag", ["app:2", "docker.io/library/app:2", "2"])
def test_an_image_is_found_by_each_of_its_names(tmp_path: Path, tag: str) -> None:
    members = oci(image("app:1"), image("app:2", "arm64"))
    entries = entries_of(members)
    entries[1]["annotations"] = {
        "io.containerd.image.name": "docker.io/library/app:2",
        REF_NAME: "2",
    }
    path = write(tmp_path / "a.tar", with_index(members, entries))
    for everything in (True, False):
        found = root(path, tag, everything=everything)
        assert str(found.descriptor.digest) == entries[1]["digest"]
    with pytest.raises(InvalidArchive, match="several images") as raised:
        root(path)
    assert "app:1" in raised.value.hint


def test_an_attestation_is_not_in_the_way(tmp_path: Path) -> None:
    members = docker_new(image("app:1"), attestation=True)
    path = write(tmp_path / "a.tar", members)
    found = root(path)
    assert str(found.descriptor.digest) in {str(each["digest"]) for each in entries_of(members)}
    with Archive(path) as archive:
        assert first_name(archive, None) == "app:1"


def test_referrers_are_found_in_the_index_and_under_the_fallback_tag(tmp_path: Path) -> None:
    members = oci(image("app:1"), annotation=REF_NAME)
    entries = entries_of(members)
    subject = Descriptor(MediaType.OCI_MANIFEST, Digest.parse(str(entries[0]["digest"])), 1)
    found, blobs = [], [Member(f"blobs/sha256/{Digest.of(b'{}').hex}", b"{}")]
    for kind in ("listed", "tagged"):
        content = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MediaType.OCI_MANIFEST,
                "artifactType": f"application/vnd.example.{kind}",
                "config": Descriptor.of(MediaType.OCI_EMPTY, b"{}").to_json(),
                "layers": [],
                "subject": subject.to_json(),
            }
        ).encode()
        found.append(Descriptor.of(MediaType.OCI_MANIFEST, content))
        blobs.append(Member(f"blobs/sha256/{Digest.of(content).hex}", content))
    listing = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MediaType.OCI_INDEX,
            "manifests": [found[1].to_json()],
        }
    ).encode()
    blobs.append(Member(f"blobs/sha256/{Digest.of(listing).hex}", listing))
    tagged = Descriptor.of(MediaType.OCI_INDEX, listing, {REF_NAME: f"sha256-{subject.digest.hex}"})
    entries += [found[0].to_json(), tagged.to_json()]
    path = write(tmp_path / "a.tar", [*with_index(members, entries), *blobs])
    with Archive(path) as archive:
        source = source_in(archive, None, None, oci_types=False)
        asked = asyncio.run(source.referrers(subject.digest))
        assert [each.digest for each in asked] == [each.digest for each in found]
        top = asyncio.run(source.root(None, everything=True))
        assert top.descriptor.digest == subject.digest
