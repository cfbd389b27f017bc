"""The sandbox's registry in the place of the one in memory: its files as the tests see them."""

import asyncio
import json
import shutil
import threading
from abc import abstractmethod
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from keynet.oci.descriptor import Digest
from keynet.sandbox.registry.access import OpenGuard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.error_answers import HANDLERS
from keynet.sandbox.registry.routes import registry_routes
from keynet.sandbox.registry.sessions import Sessions

__all__ = ["Behind", "Held", "Repositories"]


class Behind:
    """The sandbox's registry without its tokens, with its files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._disk = Disk(folder)
        self.uploads = Sessions(self._disk)
        routes = registry_routes(self._disk, self.uploads, OpenGuard())
        self._app = Starlette(routes=routes, exception_handlers=HANDLERS)

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes, *, lost: bool = False
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request; ``lost``: the connection breaks after this body."""
        return asyncio.run_coroutine_threadsafe(
            self._answer(method, target, headers, body, lost), _loop()
        ).result(60)

    def repository(self, name: str) -> "Held":
        """Return what a repository holds."""
        return Held(self._disk, name, self._folder / "repositories" / name)

    def names(self) -> list[str]:
        """Return the names of the repositories that hold anything."""
        folders = (self._folder / "repositories").rglob("_manifests")
        return sorted(str(f.parent.relative_to(self._folder / "repositories")) for f in folders)

    def remove(self, name: str) -> None:
        """Forget a repository."""
        shutil.rmtree(self._folder / "repositories" / name)

    async def _answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes, lost: bool
    ) -> tuple[int, dict[str, str], bytes]:
        path, _mark, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            "server": ("registry.test", 443),
            "scheme": "https",
        }
        arriving: list[dict[str, Any]] = [
            {"type": "http.request", "body": body, "more_body": lost},
        ]
        sent: list[dict[str, Any]] = []
        answered = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if arriving:
                return arriving.pop(0)
            if not lost:
                await answered.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        await self._app(scope, receive, send)
        told = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], told, content


class Held:
    """One repository: its blobs, manifests and tags as the registry in memory shows them."""

    def __init__(self, disk: Disk, name: str, folder: Path) -> None:
        (folder / "_manifests").mkdir(parents=True, exist_ok=True)
        self.blobs: MutableMapping[str, bytes] = _Blobs(disk, name, folder / "_blobs")
        self.manifests: MutableMapping[str, tuple[str, bytes]] = _Manifests(
            disk, name, folder / "_manifests"
        )
        self.tags: MutableMapping[str, str] = _Tags(disk, name, folder / "_tags")


class _Files(MutableMapping[str, Any]):
    def __init__(self, disk: Disk, name: str, folder: Path) -> None:
        self._disk, self._name, self._folder = disk, name, folder

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(f.name for f in self._folder.glob("*")))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __delitem__(self, key: str) -> None:
        try:
            (self._folder / key).unlink()
        except FileNotFoundError:
            raise KeyError(key) from None

    def __getitem__(self, key: str) -> Any:
        if key not in list(self):
            raise KeyError(key)
        return self._read(key)

    @abstractmethod
    def _read(self, key: str) -> Any:
        """Return what is under a key that exists."""


class _Blobs(_Files):
    def _read(self, key: str) -> bytes:
        return self._disk.content(Digest.parse(key)).read_bytes()

    def __setitem__(self, key: str, content: bytes) -> None:
        _put(self._disk, Digest.parse(key), content)
        self._disk.hold(self._name, Digest.parse(key))


class _Manifests(_Files):
    def _read(self, key: str) -> tuple[str, bytes]:
        found = self._disk.manifest(self._name, Digest.parse(key))
        assert found is not None
        return found

    def __setitem__(self, key: str, manifest: tuple[str, bytes]) -> None:
        digest, (media_type, content) = Digest.parse(key), manifest
        self._disk.put_manifest(self._name, digest, media_type, content)
        try:
            document = json.loads(content)
        except ValueError:
            return
        subject = document.get("subject") if isinstance(document, dict) else None
        if isinstance(subject, dict):
            self._disk.refer(self._name, Digest.parse(subject["digest"]), digest)


class _Tags(_Files):
    def _read(self, key: str) -> str:
        return (self._folder / key).read_text()

    def __setitem__(self, key: str, digest: str) -> None:
        self._disk.tag(self._name, key, Digest.parse(digest))


class Repositories(MutableMapping[str, Held]):
    """Every repository by name."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind

    def __iter__(self) -> Iterator[str]:
        return iter(self._behind.names())

    def __len__(self) -> int:
        return len(self._behind.names())

    def __getitem__(self, name: str) -> Held:
        if name not in self._behind.names():
            raise KeyError(name)
        return self._behind.repository(name)

    def __setitem__(self, name: str, held: Held) -> None:
        raise TypeError("a repository is made by a push")

    def __delitem__(self, name: str) -> None:
        self._behind.remove(name)


def _put(disk: Disk, digest: Digest, content: bytes) -> None:
    file = disk.uploads / "put"
    file.write_bytes(content)
    disk.add_content(file, digest)


_started: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """Return a loop of its own thread: the registry in memory answers between two awaits."""
    if not _started:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        _started.append(loop)
    return _started[0]
