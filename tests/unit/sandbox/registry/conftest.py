"""The registry without a network, with its files in a folder of the test."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from keynet.sandbox.registry.access import Guard, OpenGuard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.error_answers import HANDLERS
from keynet.sandbox.registry.routes import registry_routes
from keynet.sandbox.registry.sessions import Sessions

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Desk:
    """Ask the registry one request at a time; ``ask`` returns the answer as it is."""

    app: Starlette
    disk: Disk
    name: str = "some/app"

    def ask(
        self,
        method: str,
        path: str,
        content: bytes | Iterator[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request; an iterator's bytes go without Content-Length."""

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            body = content if isinstance(content, bytes) else _stream(list(content))
            async with httpx.AsyncClient(transport=transport, base_url="http://r.test") as client:
                return await client.request(method, path, content=body, headers=headers)

        return asyncio.run(go())

    def begin(self, query: str = "", name: str = "") -> str:
        """Begin an upload; return its Location."""
        answer = self.ask("POST", f"/v2/{name or self.name}/blobs/uploads/{query}")
        assert answer.status_code == 202
        return answer.headers["location"]

    def add(self, content: bytes, name: str = "") -> str:
        """Store a blob; return its digest."""
        digest = digest_of(content)
        location = self.begin(name=name)
        answer = self.ask("PUT", f"{location}?digest={digest}", content)
        assert answer.status_code == 201
        return digest

    def put(self, manifest: object, tag: str = "", media_type: str = OCI_MANIFEST) -> str:
        """Store a manifest; return its digest."""
        content = json.dumps(manifest).encode()
        digest = digest_of(content)
        path = f"/v2/{self.name}/manifests/{tag or digest}"
        answer = self.ask("PUT", path, content, {"Content-Type": media_type})
        assert answer.status_code == 201, answer.text
        return digest

    def image(self, seed: bytes = b"layer", **more: Any) -> dict[str, Any]:
        """Store config and layer; return the manifest, which is not stored."""
        return {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.described(b"{}", "application/vnd.oci.image.config.v1+json"),
            "layers": [self.described(seed, "application/vnd.oci.image.layer.v1.tar")],
            **more,
        }

    def described(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Store a blob; return its descriptor."""
        return {"mediaType": media_type, "digest": self.add(content), "size": len(content)}


async def _stream(pieces: list[bytes]) -> Any:
    for piece in pieces:
        yield piece


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def code(answer: httpx.Response) -> str:
    """Return the error's code."""
    found: str = answer.json()["errors"][0]["code"]
    return found


Open = Callable[..., Desk]


@pytest.fixture
def open_desk(tmp_path: Path) -> Open:
    """Open the registry's files, as at each start."""

    def opened(guard: Guard | None = None, *, mount_without_source: bool = False) -> Desk:
        disk = Disk(tmp_path / "registry")
        disk.sweep()
        routes = registry_routes(
            disk,
            Sessions(disk),
            guard or OpenGuard(),
            mount_without_source=mount_without_source,
        )
        return Desk(Starlette(routes=routes, exception_handlers=HANDLERS), disk)

    return opened


@pytest.fixture
def desk(open_desk: Open) -> Desk:
    """An open registry."""
    return open_desk()
