"""Uploads, mounts and reading of blobs, request by request as the specification has them."""

import pytest

from tests.unit.sandbox.registry.conftest import Desk, code, digest_of

CONTENT = b"some bytes of a layer" * 10
DIGEST = digest_of(CONTENT)


def ranged(start: int, stop: int) -> dict[str, str]:
    return {"Content-Range": f"{start}-{stop - 1}"}


def read(desk: Desk, digest: str = DIGEST, name: str = "some/app") -> bytes:
    answer = desk.ask("GET", f"/v2/{name}/blobs/{digest}")
    assert answer.status_code == 200
    assert answer.headers["docker-content-digest"] == digest
    return answer.content


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_post_and_put(desk: Desk, algorithm: str) -> None:
    digest = digest_of(CONTENT, algorithm)
    answer = desk.ask("PUT", f"{desk.begin()}?digest={digest}", CONTENT)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v2/some/app/blobs/{digest}"
    assert read(desk, digest) == CONTENT


def test_one_post_with_the_digest(desk: Desk) -> None:
    answer = desk.ask("POST", f"/v2/some/app/blobs/uploads/?digest={DIGEST}", CONTENT)
    assert answer.status_code == 201
    assert read(desk) == CONTENT


def test_a_post_with_a_digest_and_no_bytes_begins_an_upload(desk: Desk) -> None:
    answer = desk.ask("POST", f"/v2/some/app/blobs/uploads/?digest={DIGEST}")
    assert answer.status_code == 202
    assert desk.ask("PUT", f"{answer.headers['location']}?digest={DIGEST}", CONTENT).is_success


@pytest.mark.parametrize("last", [0, 40])
def test_chunks_with_content_range(desk: Desk, last: int) -> None:
    location, end = desk.begin(), len(CONTENT) - last
    for start, stop in ((0, 100), (100, end)):
        answer = desk.ask("PATCH", location, CONTENT[start:stop], ranged(start, stop))
        assert answer.status_code == 202
        assert answer.headers["range"] == f"0-{stop - 1}"
        location = answer.headers["location"]
    headers = ranged(end, len(CONTENT)) if last else {}
    answer = desk.ask("PUT", f"{location}?digest={DIGEST}", CONTENT[end:], headers)
    assert answer.status_code == 201
    assert read(desk) == CONTENT


def test_a_stream_without_content_range_and_length(desk: Desk) -> None:
    location = desk.begin()
    answer = desk.ask("PATCH", location, iter([CONTENT[:50], CONTENT[50:]]))
    assert answer.status_code == 202
    assert answer.headers["range"] == f"0-{len(CONTENT) - 1}"
    assert desk.ask("PUT", f"{location}?digest={DIGEST}").status_code == 201


@pytest.mark.parametrize("start", [0, 99, 101, 5000])
def test_a_chunk_at_another_place_is_416_with_where_to_go_on(desk: Desk, start: int) -> None:
    location = desk.begin()
    desk.ask("PATCH", location, CONTENT[:100], ranged(0, 100))
    for method in ("PATCH", "PUT"):
        wrong = desk.ask(method, f"{location}?digest={DIGEST}", b"xyz", ranged(start, start + 3))
        assert wrong.status_code == 416
        assert wrong.headers["range"] == "0-99"
        location = wrong.headers["location"]
    state = desk.ask("GET", location)
    assert (state.status_code, state.headers["range"]) == (204, "0-99")
    answer = desk.ask("PATCH", location, CONTENT[100:], ranged(100, len(CONTENT)))
    assert answer.status_code == 202
    assert desk.ask("PUT", f"{location}?digest={DIGEST}").status_code == 201


@pytest.mark.parametrize("header", ["0-", "x-y", "5-2", "0-98", "0-100", "-1-3", "0-" + "9" * 40])
def test_a_content_range_that_cannot_be_is_refused_and_takes_nothing(
    desk: Desk, header: str
) -> None:
    location = desk.begin()
    answer = desk.ask("PATCH", location, CONTENT[:100], {"Content-Range": header})
    assert answer.status_code == 400
    assert desk.ask("PUT", f"{location}?digest={DIGEST}", CONTENT).status_code == 201


def test_more_bytes_than_an_unannounced_chunk_has_are_refused(desk: Desk) -> None:
    answer = desk.ask("PATCH", desk.begin(), iter([CONTENT]), ranged(0, 10))
    assert answer.status_code == 416


def test_a_wrong_digest_is_refused_and_nothing_stored(desk: Desk) -> None:
    location = desk.begin()
    answer = desk.ask("PUT", f"{location}?digest={DIGEST}", b"other")
    assert (answer.status_code, code(answer)) == (400, "DIGEST_INVALID")
    assert desk.ask("HEAD", f"/v2/some/app/blobs/{DIGEST}").status_code == 404
    assert list(desk.disk.uploads.iterdir()) == []


@pytest.mark.parametrize("digest", ["", "sha256:12", "md5:" + "0" * 32, "sha256:" + "Z" * 64])
def test_a_digest_that_is_none_is_refused(desk: Desk, digest: str) -> None:
    location = desk.begin()
    assert desk.ask("PUT", f"{location}?digest={digest}", CONTENT).status_code == 400
    assert desk.ask("GET", f"/v2/some/app/blobs/{digest or 'x'}").status_code == 400


def test_a_cancelled_upload_is_gone(desk: Desk) -> None:
    location = desk.begin()
    assert desk.ask("DELETE", location).status_code == 204
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = desk.ask(method, f"{location}?digest={DIGEST}")
        assert (answer.status_code, code(answer)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_belongs_to_its_repository(desk: Desk) -> None:
    location = desk.begin().replace("some/app", "other/app")
    assert desk.ask("PUT", f"{location}?digest={DIGEST}", CONTENT).status_code == 404


def test_a_blob_is_mounted_from_a_repository_that_holds_it(desk: Desk) -> None:
    desk.add(CONTENT)
    begin = f"/v2/new/app/blobs/uploads/?mount={DIGEST}"
    assert desk.ask("POST", f"{begin}&from=third/app").status_code == 202
    assert desk.ask("POST", begin).status_code == 202
    assert desk.ask("POST", f"{begin}&from=../app").status_code == 400
    assert desk.ask("HEAD", f"/v2/new/app/blobs/{DIGEST}").status_code == 404
    answer = desk.ask("POST", f"{begin}&from=some/app")
    assert answer.status_code == 201
    assert answer.headers["docker-content-digest"] == DIGEST
    assert read(desk, name="new/app") == CONTENT


def test_the_empty_blob(desk: Desk) -> None:
    digest = desk.add(b"")
    assert read(desk, digest) == b""


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=5-9", 206, CONTENT[5:10]),
        ("bytes=200-", 206, CONTENT[200:]),
        ("bytes=-7", 206, CONTENT[-7:]),
        ("bytes=0-99999", 206, CONTENT),
        ("bytes=99999-", 416, b""),
    ],
)
def test_ranges_of_a_blob(desk: Desk, wanted: str, status: int, part: bytes) -> None:
    desk.add(CONTENT)
    answer = desk.ask("GET", f"/v2/some/app/blobs/{DIGEST}", headers={"Range": wanted})
    assert answer.status_code == status
    if status == 206:
        assert answer.content == part
        assert answer.headers["content-range"].endswith(f"/{len(CONTENT)}")


@pytest.mark.parametrize(
    "header", ["bytes=500-0", "bytes=", "bytes=-", "bytes=x-y", "lines=0-1", "0-1", "bytes=0-1,9-5"]
)
def test_a_range_that_is_not_valid_is_ignored(desk: Desk, header: str) -> None:
    desk.add(CONTENT)
    answer = desk.ask("GET", f"/v2/some/app/blobs/{DIGEST}", headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_head_has_the_length(desk: Desk) -> None:
    desk.add(CONTENT)
    answer = desk.ask("HEAD", f"/v2/some/app/blobs/{DIGEST}")
    assert answer.status_code == 200
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.content == b""


def test_a_deleted_blob_stays_in_other_repositories(desk: Desk) -> None:
    desk.add(CONTENT)
    desk.add(CONTENT, name="other/app")
    assert desk.ask("DELETE", f"/v2/some/app/blobs/{DIGEST}").status_code == 202
    assert desk.ask("DELETE", f"/v2/some/app/blobs/{DIGEST}").status_code == 404
    assert read(desk, name="other/app") == CONTENT


@pytest.mark.parametrize(
    "name",
    [
        "UPPER",
        "a//b",
        "a/../../etc",
        "%2e%2e/%2e%2e/etc",
        "_blobs",
        "a/_tags",
        ".",
        "-a",
        "a" * 256,
    ],
)
def test_names_outside_the_grammar_reach_no_file(desk: Desk, name: str) -> None:
    answer = desk.ask("POST", f"/v2/{name}/blobs/uploads/")
    assert answer.status_code in {400, 404}
    assert desk.ask("GET", f"/v2/{name}/blobs/{DIGEST}").status_code in {400, 404}
    assert list(desk.disk.uploads.iterdir()) == []


def test_a_repository_may_be_called_like_a_part_of_the_path(desk: Desk) -> None:
    name = "blobs/uploads/manifests"
    desk.add(CONTENT, name=name)
    assert read(desk, name=name) == CONTENT


@pytest.mark.parametrize(("method", "path"), [("POST", "/v2/"), ("PUT", "/v2/a/tags/list")])
def test_another_method_is_405_as_json(desk: Desk, method: str, path: str) -> None:
    answer = desk.ask(method, path)
    assert (answer.status_code, code(answer)) == (405, "UNSUPPORTED")
