"""Manifests, tags, referrers, lists and deletion, request by request."""

import json
from typing import Any

import pytest

from keynet.oci.descriptor import Digest
from tests.unit.sandbox.registry.conftest import OCI_MANIFEST, Desk, Open, code, digest_of

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
ABSENT = "sha256:" + "0" * 64


def put(
    desk: Desk, content: bytes, identifier: str = "latest", media_type: str = OCI_MANIFEST
) -> tuple[int, str]:
    path = f"/v2/some/app/manifests/{identifier}"
    answer = desk.ask("PUT", path, content, {"Content-Type": media_type} if media_type else {})
    return answer.status_code, "" if answer.is_success else code(answer)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_manifest_is_read_by_tag_and_by_digest(desk: Desk, method: str) -> None:
    image = desk.image()
    digest = desk.put(image, "latest")
    for identifier in ("latest", digest):
        answer = desk.ask(method, f"/v2/some/app/manifests/{identifier}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == OCI_MANIFEST
        assert answer.headers["docker-content-digest"] == digest
        assert answer.headers["content-length"] == str(len(json.dumps(image)))
        assert answer.content == (json.dumps(image).encode() if method == "GET" else b"")


def test_a_manifest_is_named_by_sha512_too(desk: Desk) -> None:
    content = json.dumps(desk.image()).encode()
    digest = digest_of(content, "sha512")
    assert put(desk, content, digest) == (201, "")
    assert desk.ask("GET", f"/v2/some/app/manifests/{digest}").content == content


def test_any_media_type_is_kept(desk: Desk) -> None:
    media_type = "application/vnd.example.thing+json"
    desk.put({"mediaType": media_type, "anything": 1}, "thing", media_type)
    answer = desk.ask("GET", "/v2/some/app/manifests/thing")
    assert answer.headers["content-type"] == media_type


@pytest.mark.medium
def test_a_tag_moves(desk: Desk) -> None:
    first, second = desk.put(desk.image(b"1"), "latest"), desk.put(desk.image(b"2"), "latest")
    answer = desk.ask("HEAD", "/v2/some/app/manifests/latest")
    assert answer.headers["docker-content-digest"] == second
    assert desk.ask("HEAD", f"/v2/some/app/manifests/{first}").status_code == 200


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"no json", "MANIFEST_INVALID"),
        (b"[]", "MANIFEST_INVALID"),
        (b"[" * 100_000, "MANIFEST_INVALID"),
        (json.dumps({"mediaType": OCI_INDEX}).encode(), "MANIFEST_INVALID"),
        (b'{"layers": [], "manifests": []}', "MANIFEST_INVALID"),
        (b'{"layers": {}}', "MANIFEST_INVALID"),
        (b'{"layers": [{}]}', "MANIFEST_INVALID"),
        (b'{"layers": ["x"]}', "MANIFEST_INVALID"),
        (b'{"config": 3}', "MANIFEST_INVALID"),
        (b'{"subject": []}', "MANIFEST_INVALID"),
        (b'{"annotations": []}', "MANIFEST_INVALID"),
        (b'{"subject": {"digest": "../../x"}}', "DIGEST_INVALID"),
    ],
)
def test_a_broken_manifest_is_refused(desk: Desk, content: bytes, word: str) -> None:
    assert put(desk, content) == (400, word)
    assert desk.ask("GET", "/v2/some/app/manifests/latest").status_code == 404


@pytest.mark.parametrize(
    "media_type", ["", "x", "a/b\r\nSet-Cookie: c", "한/글", "a/b c", 5, None, ["a/b"]]
)
def test_a_media_type_that_is_none_is_refused(desk: Desk, media_type: object) -> None:
    content = json.dumps({"mediaType": media_type}).encode()
    assert put(desk, content, media_type="") == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize("part", ["config", "layers", "manifests"])
def test_what_a_manifest_names_must_be_there(desk: Desk, part: str) -> None:
    descriptor = {"mediaType": "x/y", "digest": ABSENT, "size": 1}
    manifest = {part: descriptor if part == "config" else [descriptor]}
    assert put(desk, json.dumps(manifest).encode()) == (404, "MANIFEST_BLOB_UNKNOWN")


def test_a_layer_that_is_stored_elsewhere_need_not_be_there(desk: Desk) -> None:
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    remote = {"mediaType": kind, "digest": ABSENT, "size": 1, "urls": ["https://example.com/l"]}
    image = desk.image()
    desk.put({**image, "layers": [*image["layers"], remote]}, "windows")


def test_a_blob_of_another_repository_is_not_enough(desk: Desk) -> None:
    digest = desk.add(b"layer", name="other/app")
    manifest = {"layers": [{"mediaType": "x/y", "digest": digest, "size": 5}]}
    assert put(desk, json.dumps(manifest).encode()) == (404, "MANIFEST_BLOB_UNKNOWN")


def test_a_manifest_has_four_mebibytes_at_most(desk: Desk) -> None:
    assert put(desk, b" " * (4 << 20) + b"{}") == (413, "MANIFEST_INVALID")


def test_a_digest_that_is_not_that_of_the_bytes_is_refused(desk: Desk) -> None:
    assert put(desk, b"{}", ABSENT) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("tag", ["-a", "a" * 129, "a%2fb", ".."])
def test_a_tag_outside_the_grammar_reaches_no_file(desk: Desk, tag: str) -> None:
    assert put(desk, b"{}", tag)[0] in {400, 404, 405}


def referrer(desk: Desk, subject: str, **more: Any) -> str:
    target = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    content = json.dumps(desk.image(subject=target, **more)).encode()
    headers = {"Content-Type": OCI_MANIFEST}
    answer = desk.ask("PUT", f"/v2/some/app/manifests/{digest_of(content)}", content, headers)
    assert answer.status_code == 201
    assert answer.headers["oci-subject"] == subject
    return digest_of(content)


def listed(desk: Desk, subject: str, query: str = "") -> list[dict[str, Any]]:
    answer = desk.ask("GET", f"/v2/some/app/referrers/{subject}{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == OCI_INDEX
    entries: list[dict[str, Any]] = answer.json()["manifests"]
    return entries


@pytest.mark.medium
def test_referrers_are_listed_in_the_order_in_which_they_came(desk: Desk) -> None:
    subject = desk.put(desk.image(), "latest")
    pushed = [referrer(desk, subject, annotations={"n": str(number)}) for number in range(9)]
    assert [entry["digest"] for entry in listed(desk, subject)] == pushed
    again = referrer(desk, subject, annotations={"n": "0"})
    assert again == pushed[0]
    assert [entry["digest"] for entry in listed(desk, subject)] == [*pushed[1:], again]


@pytest.mark.medium
def test_referrers_are_listed_and_filtered(desk: Desk) -> None:
    subject = desk.put(desk.image(), "latest")
    assert listed(desk, subject) == []
    one = referrer(desk, subject, artifactType="x/one", annotations={"a": "b"})
    two = referrer(desk, subject)
    by_digest = {entry["digest"]: entry for entry in listed(desk, subject)}
    assert set(by_digest) == {one, two}
    assert by_digest[one]["artifactType"] == "x/one"
    assert by_digest[one]["annotations"] == {"a": "b"}
    # Without a type of its own, that of its config.
    assert by_digest[two]["artifactType"] == "application/vnd.oci.image.config.v1+json"
    assert [entry["digest"] for entry in listed(desk, subject, "?artifactType=x/one")] == [one]
    answer = desk.ask("GET", f"/v2/some/app/referrers/{subject}?artifactType=x/one")
    assert answer.headers["oci-filters-applied"] == "artifactType"
    assert desk.ask("DELETE", f"/v2/some/app/manifests/{one}").status_code == 202
    assert [entry["digest"] for entry in listed(desk, subject)] == [two]


def test_a_subject_need_not_be_there(desk: Desk) -> None:
    one = referrer(desk, ABSENT)
    assert [entry["digest"] for entry in listed(desk, ABSENT)] == [one]
    assert desk.ask("GET", "/v2/some/app/referrers/x").status_code == 400


@pytest.mark.medium
def test_deleting_a_tag_leaves_the_manifest_and_deleting_a_manifest_takes_its_tags(
    desk: Desk,
) -> None:
    digest = desk.put(desk.image(), "one")
    desk.put(desk.image(), "two")
    desk.put(desk.image(), "three")
    assert desk.ask("DELETE", "/v2/some/app/manifests/one").status_code == 202
    assert desk.ask("DELETE", "/v2/some/app/manifests/one").status_code == 404
    assert desk.ask("HEAD", f"/v2/some/app/manifests/{digest}").status_code == 200
    assert desk.ask("DELETE", f"/v2/some/app/manifests/{digest}").status_code == 202
    assert desk.ask("DELETE", f"/v2/some/app/manifests/{digest}").status_code == 404
    assert desk.ask("GET", "/v2/some/app/tags/list").json() == {"name": "some/app", "tags": []}


def every_page(desk: Desk, path: str, key: str) -> list[list[str]]:
    pages = []
    while path:
        answer = desk.ask("GET", path)
        assert answer.status_code == 200
        pages.append(answer.json()[key])
        link = answer.headers.get("link", "")
        path = link.partition(">")[0].removeprefix("<")
        assert not link or link.endswith('; rel="next"')
    return pages


@pytest.mark.medium
def test_tags_come_in_order_page_by_page(desk: Desk) -> None:
    image = desk.image()
    for tag in ("b", "B", "a", "C", "d_1"):
        desk.put(image, tag)
    path = "/v2/some/app/tags/list"
    assert every_page(desk, path, "tags") == [["a", "B", "b", "C", "d_1"]]
    assert every_page(desk, f"{path}?n=2", "tags") == [["a", "B"], ["b", "C"], ["d_1"]]
    assert every_page(desk, f"{path}?n=5", "tags") == [["a", "B", "b", "C", "d_1"]]
    assert every_page(desk, f"{path}?n=0", "tags") == [[]]
    assert every_page(desk, f"{path}?last=c", "tags") == [["d_1"]]
    assert desk.ask("GET", f"{path}?n=many").status_code == 400


def test_a_repository_that_is_none_has_no_tags(desk: Desk) -> None:
    answer = desk.ask("GET", "/v2/other/app/tags/list")
    assert (answer.status_code, code(answer)) == (404, "NAME_UNKNOWN")


@pytest.mark.medium
def test_the_catalog_has_every_repository_with_a_manifest(desk: Desk) -> None:
    for name in ("b/app", "a", "a/inner"):
        desk.name = name
        desk.put(desk.image(), "latest")
    desk.add(b"blob", name="blobs/alone")
    assert every_page(desk, "/v2/_catalog?n=2", "repositories") == [["a", "a/inner"], ["b/app"]]


@pytest.mark.medium
def test_a_restart_keeps_images_and_removes_what_nothing_needs(open_desk: Open) -> None:
    before = open_desk()
    kept, removed = before.image(b"kept"), before.image(b"removed")
    before.put(kept, "kept")
    digest = before.put(removed, "removed")
    before.ask("DELETE", f"/v2/some/app/manifests/{digest}")
    unused = before.add(b"unused")
    location = before.begin()
    before.ask("PATCH", location, b"half")
    after = open_desk()
    assert list(after.disk.uploads.iterdir()) == []
    assert after.ask("GET", "/v2/some/app/manifests/kept").json() == kept
    layer = kept["layers"][0]["digest"]
    assert after.ask("GET", f"/v2/some/app/blobs/{layer}").content == b"kept"
    for gone in (unused, removed["layers"][0]["digest"], digest):
        assert after.ask("GET", f"/v2/some/app/blobs/{gone}").status_code == 404
        assert not after.disk.content(Digest.parse(gone)).exists()
