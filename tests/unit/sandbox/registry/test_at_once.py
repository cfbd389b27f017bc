"""Requests that meet, and connections that are lost."""

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.sandbox.registry.conftest import Desk, digest_of

CONTENT = bytes(range(256)) * 100
DIGEST = digest_of(CONTENT)


def client(desk: Desk) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(desk.app), base_url="http://r.test")


async def slowly(content: bytes, pieces: int = 10) -> Any:
    size = len(content) // pieces
    for start in range(0, len(content), size):
        await asyncio.sleep(0)
        yield content[start : start + size]


def test_two_may_push_one_blob_at_once(desk: Desk) -> None:
    async def push() -> int:
        async with client(desk) as http:
            begun = await http.post("/v2/some/app/blobs/uploads/")
            location = begun.headers["location"]
            sent = await http.put(f"{location}?digest={DIGEST}", content=slowly(CONTENT))
            return sent.status_code

    async def both() -> list[int]:
        return await asyncio.gather(*(push() for _one in range(5)))

    assert asyncio.run(both()) == [201] * 5
    assert desk.ask("GET", f"/v2/some/app/blobs/{DIGEST}").content == CONTENT
    assert list(desk.disk.uploads.iterdir()) == []


def test_of_two_first_chunks_in_one_upload_the_second_is_refused(desk: Desk) -> None:
    location, end = desk.begin(), len(CONTENT) - 1

    async def chunk() -> int:
        async with client(desk) as http:
            headers = {"Content-Range": f"0-{end}"}
            sent = await http.patch(location, content=slowly(CONTENT), headers=headers)
            return sent.status_code

    async def both() -> list[int]:
        return list(await asyncio.gather(chunk(), chunk()))

    assert sorted(asyncio.run(both())) == [202, 416]
    assert desk.ask("PUT", f"{location}?digest={DIGEST}").status_code == 201


def test_what_arrived_before_a_lost_connection_is_kept(desk: Desk) -> None:
    location = desk.begin()
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": CONTENT[:1000], "more_body": True},
        {"type": "http.disconnect"},
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PATCH",
        "scheme": "http",
        "path": location,
        "raw_path": location.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"r.test"), (b"content-range", f"0-{len(CONTENT) - 1}".encode())],
    }

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(_message: object) -> None:
        pass

    asyncio.run(desk.app(scope, receive, send))
    state = desk.ask("GET", location)
    assert state.headers["range"] == "0-999"
    rest = {"Content-Range": f"1000-{len(CONTENT) - 1}"}
    assert desk.ask("PATCH", location, CONTENT[1000:], rest).status_code == 202
    assert desk.ask("PUT", f"{location}?digest={DIGEST}").status_code == 201


def test_a_finished_upload_takes_no_more(desk: Desk) -> None:
    location = desk.begin()

    async def both() -> list[int]:
        async with client(desk) as http:
            puts = [http.put(f"{location}?digest={DIGEST}", content=CONTENT) for _one in range(2)]
            return [answer.status_code for answer in await asyncio.gather(*puts)]

    assert sorted(asyncio.run(both())) == [201, 404]


def full_disk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no further byte onto the disk."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "open", refuse)


@pytest.mark.parametrize("method", ["PATCH", "PUT", "POST"])
def test_an_upload_that_the_disk_cannot_take_is_gone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    location = desk.begin()
    path = "/v2/some/app/blobs/uploads/" if method == "POST" else location
    with monkeypatch.context() as patch:
        full_disk(desk, patch)
        answer = desk.ask(method, f"{path}?digest={DIGEST}", CONTENT)
    assert answer.status_code == 500
    assert "No space left" in answer.text
    assert desk.ask("HEAD", f"/v2/some/app/blobs/{DIGEST}").status_code == 404
    left = [] if method != "POST" else [location.rpartition("/")[2]]
    assert [entry.name for entry in desk.disk.uploads.iterdir()] == left
    assert desk.add(CONTENT) == DIGEST
