"""The sandbox's registry answers any request, and its files stay as they should."""

import asyncio
import json
import tempfile
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from keynet.oci.descriptor import Digest
from keynet.sandbox.registry.access import OpenGuard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.error_answers import HANDLERS
from keynet.sandbox.registry.routes import registry_routes
from keynet.sandbox.registry.sessions import Sessions

DIGESTS = st.sampled_from(
    [str(Digest.of(b"")), str(Digest.of(b"{}")), "sha256:x", "sha512:" + "0" * 128]
)
NAMES = st.sampled_from(["a", "a/b", "blobs/uploads", "..", "a/../b", "%2e%2e", "A", "_tags", ""])
WORDS = st.text(max_size=20) | DIGESTS | st.sampled_from(["latest", "..", "0", "-1", "9" * 30])
PARTS = st.sampled_from(["blobs/uploads/", "blobs/uploads/x", "tags/list", "manifests", "blobs"])
DESCRIPTORS = st.fixed_dictionaries(
    {}, optional={"digest": DIGESTS, "mediaType": st.sampled_from(["a/b", "", "x\r\ny"])}
)
VALUES = st.none() | st.integers() | st.text(max_size=5) | DESCRIPTORS | st.lists(DESCRIPTORS)
KEYS = st.sampled_from(
    [
        "config",
        "layers",
        "manifests",
        "blobs",
        "subject",
        "annotations",
        "artifactType",
        "mediaType",
    ]
)
BODIES = st.binary(max_size=50) | st.dictionaries(KEYS, VALUES).map(
    lambda v: json.dumps(v).encode()
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-range", "range", "content-type", "authorization"]),
    st.sampled_from(["bytes=0-", "0-1", "x", "a/b", "bytes=-", "bytes=5-2", "1-0", "bytes 0-1/2"]),
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, dict[str, str], bytes]:
    """Draw method, URL, headers and body."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    part = draw(PARTS)
    path = f"/v2/{draw(NAMES)}/{part}"
    if part in {"manifests", "blobs"}:
        path = f"/v2/{draw(NAMES)}/{draw(st.sampled_from([part, 'referrers']))}/{draw(WORDS)}"
    asked = draw(st.dictionaries(st.sampled_from(["n", "last", "digest", "mount", "from"]), WORDS))
    url = f"http://r.test{quote(path, safe='/%')}?{urlencode(asked)}"
    return method, url, draw(HEADERS), draw(BODIES)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.lists(requests(), max_size=8))
def test_any_request_has_an_answer_and_touches_nothing_else(
    asked: list[tuple[str, str, dict[str, str], bytes]],
) -> None:
    async def ask(app: Starlette) -> None:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport) as client:
            for method, url, headers, body in asked:
                answer = await client.request(method, url, headers=headers, content=body)
                assert answer.status_code < 500

    with tempfile.TemporaryDirectory() as folder:
        around = Path(folder)
        disk = Disk(around / "registry")
        routes = registry_routes(disk, Sessions(disk), OpenGuard(), mount_without_source=True)
        asyncio.run(ask(Starlette(routes=routes, exception_handlers=HANDLERS)))
        assert [entry.name for entry in around.iterdir()] == ["registry"]
        for path in (around / "registry" / "blobs").rglob("*"):
            if path.is_file():
                algorithm = path.relative_to(around / "registry" / "blobs").parts[0]
                assert Digest(algorithm, path.name).of_same_kind(path.read_bytes()).hex == path.name
        disk.sweep()
