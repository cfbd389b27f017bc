"""A registry in memory, stricter than real ones: as an httpx transport and on loopback.

It checks Content-Range, Accept, digests and scopes, and fails on purpose where a schedule says.
"""

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from keynet.oci.descriptor import MediaType
from tests.fakes.behind import Behind, Held, Repositories
from tests.fakes.loopback import on_a_port
from tests.fakes.profiled import ProfiledRegistry
from tests.fakes.profiles import Profile

__all__ = ["Cut", "Fault", "Forget", "LostAnswer", "MemoryRegistry", "Partial", "Refuse", "Seen"]

Texts = dict[str, str]


@dataclass(frozen=True)
class Refuse:
    """Answer with this status before anything of the request is taken."""

    status: int
    retry_after: str | None = None


@dataclass(frozen=True)
class Cut:
    """Take this share of the request's body, then cut the connection."""

    share: float = 0.5


@dataclass(frozen=True)
class LostAnswer:
    """Do what was asked, then cut the connection before the answer."""


@dataclass(frozen=True)
class CutAnswer:
    """Cut the connection inside the answer's body, after this share of it."""

    share: float = 0.5


@dataclass(frozen=True)
class Partial:
    """Take this share of a chunk and say so."""

    share: float = 0.5


@dataclass(frozen=True)
class Forget:
    """Lose every upload session, as a registry that was restarted; then cut."""


Fault = Refuse | Cut | LostAnswer | CutAnswer | Partial | Forget


@dataclass(frozen=True)
class Seen:
    """A request as it arrived; ``sent`` counts its body's bytes."""

    method: str
    url: str
    headers: dict[str, str]
    sent: int


@dataclass
class Reply:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class _Repository:
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class MemoryRegistry(httpx.AsyncBaseTransport):
    """One registry at ``host``; requests to other hosts go to ``elsewhere`` and are recorded.

    Args:
        auth: "open", "basic" or "token"; the user is ``user`` with ``password``.
        referrers: Whether it has the API and tells ``OCI-Subject``.
        fault: Asked for each request, before it is handled.
        lax: Whether it answers with manifests of types that were not asked for.
        realm: The token server's URL; its own by default.

    ``standard`` is the profile by which every registry behaves, None: only as its arguments say,
    which then are what a test needs, and the profile takes from it what such a registry lacks.
    """

    standard: ClassVar[Profile | None] = None
    # Makes what answers in its place, behind its faults and its sign-in.
    behind: ClassVar[Callable[[], Behind] | None] = None

    def __init__(
        self,
        *,
        host: str = "registry.test",
        auth: str | None = None,
        referrers: bool | None = None,
        mounts: bool = True,
        user: str = "robot$keynet",
        password: str = "long-enough-password",
        token_life_s: float = 300,
        fault: Callable[[httpx.Request], Fault | None] = lambda request: None,
        elsewhere: Callable[[httpx.Request], httpx.Response] | None = None,
        page: int = 1000,
        lax: bool = False,
        realm: str = "",
    ) -> None:
        self.host = host
        profile = self.standard
        self._asked_for = auth
        self.auth = auth or (profile.auth if profile is not None else "open")
        api = profile is not None and profile.referrers == 200
        self.referrers = api if referrers is None else referrers
        self.mounts = mounts
        self.user, self.password = user, password
        self.identity = "identity-token-of-mine"
        self.token_life_s = token_life_s
        self.fault = fault
        self.elsewhere = elsewhere
        self.page = page
        self.lax = lax
        self.realm = realm or f"https://{host}/token"
        make = type(self).behind
        self._behind = make() if make is not None else None
        self.repositories: MutableMapping[str, Any] = (
            {} if self._behind is None else Repositories(self._behind)
        )
        self.uploads: dict[str, tuple[str, bytearray]] = {}
        self.tokens: dict[str, set[str]] = {}
        self.seen: list[Seen] = []
        self.caught: list[httpx.Request] = []
        self._ids = itertools.count(1)
        self._front = ProfiledRegistry(profile, _Plain(self), host) if profile else None
        if self.auth == "open":
            self._be_open()

    def serve_without_secrets(self) -> None:
        """Be open unless a test asks for more: who comes over a socket has no credentials."""
        if self._asked_for is None:
            self.auth = "open"
            self._be_open()

    def _be_open(self) -> None:
        # Without a challenge there is nothing to be quiet about.
        if self._front is not None:
            open_profile = replace(self._front.profile, quiet=False, foreign_tokens=False)
            self._front.profile = open_profile

    def repository(self, name: str) -> _Repository | Held:
        if self._behind is not None:
            return self._behind.repository(name)
        held: _Repository = self.repositories.setdefault(name, _Repository())
        return held

    def expire_tokens(self) -> None:
        self.tokens.clear()

    @property
    def bytes_received(self) -> int:
        return sum(seen.sent for seen in self.seen)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.netloc.decode()
        front = self._front
        known = {self.host, front.token_host} if front and front.has_tokens else {self.host}
        if host not in known or request.url.scheme != "https":
            self.caught.append(request)
            if self.elsewhere is None:
                raise httpx.ConnectError("[Errno 111] Connection refused", request=request)
            made = self.elsewhere(request)
            return httpx.Response(
                made.status_code,
                headers=made.headers,
                stream=_Body(made.content, None),
                request=request,
            )
        # A network would let others go first.
        await asyncio.sleep(0)
        return await (front or _Plain(self)).handle_async_request(request)

    async def as_specified(self, request: httpx.Request) -> httpx.Response:
        """Answer by the specification and this registry's faults; none over a socket."""
        over_socket: bytes | None = request.extensions.get("body")
        if over_socket is not None:
            target, headers = request.url.raw_path.decode(), dict(request.headers)
            told = self.answer(request.method, target, headers, over_socket)
            stream = _Body(told.body, None)
            return httpx.Response(told.status, headers=told.headers, stream=stream)
        fault = self.fault(request)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        body = bytearray()
        length = int(request.headers.get("content-length", "0"))
        limit = length + 1
        if isinstance(fault, Cut | Partial):
            limit = int(length * fault.share)
        reply: Reply | None = None
        if isinstance(fault, Refuse):
            headers = {"retry-after": fault.retry_after} if fault.retry_after else {}
            reply = Reply(fault.status, headers, _error("FAULT", "on purpose"))
        else:
            async for piece in request.stream:
                body += piece
                if len(body) >= limit:
                    break
        taken = bytes(body[:limit])
        headers = dict(request.headers)
        self.seen.append(Seen(request.method, str(request.url), headers, len(taken)))
        if isinstance(fault, Forget):
            self.uploads.clear()
            if self._behind is not None:
                self._behind.uploads.close()
            raise httpx.ReadError("gone", request=request)
        if isinstance(fault, Cut):
            self.take_partial(request.method, request.url.path, taken)
            raise httpx.WriteError("cut", request=request)
        if reply is None:
            reply = self.answer(
                request.method,
                request.url.raw_path.decode(),
                dict(request.headers),
                taken,
                partial=isinstance(fault, Partial),
            )
        if isinstance(fault, LostAnswer):
            raise httpx.ReadError("lost", request=request)
        cut_at = int(len(reply.body) * fault.share) if isinstance(fault, CutAnswer) else None
        headers = {"content-length": str(len(reply.body)), **reply.headers}
        return httpx.Response(
            reply.status, headers=headers, stream=_Body(reply.body, cut_at), request=request
        )

    def take_partial(self, method: str, path: str, taken: bytes) -> None:
        match = re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]+)", path)
        if method == "PATCH" and match and self._behind is not None:
            self._behind.answer(method, path, {}, taken, lost=True)
        elif method == "PATCH" and match and match[2] in self.uploads:
            self.uploads[match[2]][1].extend(taken)

    async def answer_here(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        """Answer a request that came over a socket."""
        self.seen.append(Seen(method, target, headers, len(body)))
        if self._front is None:
            return self.answer(method, target, headers, body)
        url = f"http://{headers.get('host', self.host)}{target}"
        request = httpx.Request(method, url, headers=headers, content=body)
        request.extensions["body"] = body
        told = await self._front.handle_async_request(request)
        return Reply(told.status_code, dict(told.headers), await told.aread())

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> Reply:
        """Do what one request asks."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/token":
            if method == "POST":
                form = parse_qs(body.decode())
                known = form["refresh_token"] == [self.identity]
                basic = {"authorization": self._basic() if known else "wrong"}
                scopes = {"scope": form["scope"][0].split()}
                return self._token(scopes, basic)
            return self._token(parse_qs(url.query), headers)
        refused = self._refused(method, url.path, headers)
        if refused is not None:
            return refused
        if self._behind is not None:
            return self._from_behind(self._behind, method, target, headers, body)
        if url.path == "/v2/":
            return Reply(200)
        if url.path == "/v2/_catalog":
            return self._page(sorted(self.repositories), "repositories", url.path, query)
        handlers: tuple[tuple[str, Callable[..., Reply]], ...] = (
            (r"/v2/(.+)/blobs/uploads/", self._begin),
            (r"/v2/(.+)/blobs/uploads/([^/]+)", self._upload),
            (r"/v2/(.+)/blobs/([^/]+)", self._blob),
            (r"/v2/(.+)/manifests/([^/]+)", self._manifest),
            (r"/v2/(.+)/tags/list", self._tags),
            (r"/v2/(.+)/referrers/([^/]+)", self._referrers),
        )
        for pattern, handler in handlers:
            match = re.fullmatch(pattern, url.path)
            if match:
                return handler(method, *match.groups(), query, headers, body, partial)
        return Reply(404, {}, _error("NOT_FOUND", "no such path"))

    def _from_behind(
        self, behind: Behind, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        """Let the other registry answer, without what a test takes from it."""
        path, _mark, query = target.partition("?")
        if "/referrers/" in path and not self.referrers:
            return Reply(404, {}, b"404 page not found")
        if path.endswith(("/tags/list", "/_catalog")):
            asked = dict(parse_qs(query))
            size = min(self.page, int(asked.get("n", ["1000"])[0]))
            query = urlencode({**asked, "n": [str(size)]}, doseq=True)
        elif "mount=" in query and not self.mounts:
            query = ""
        status, told, content = behind.answer(method, f"{path}?{query}", headers, body)
        if not self.referrers:
            told.pop("oci-subject", None)
        return Reply(status, told, content)

    def _begin(
        self, method: str, name: str, query: Texts, headers: Texts, body: bytes, partial: bool
    ) -> Reply:
        source = self.repositories.get(query.get("from", ""))
        if "mount" in query and self.mounts and source and query["mount"] in source.blobs:
            self.repository(name).blobs[query["mount"]] = source.blobs[query["mount"]]
            return Reply(201, {"docker-content-digest": query["mount"]})
        upload = f"u{next(self._ids)}"
        self.uploads[upload] = (name, bytearray())
        return Reply(202, self._where(name, upload))

    def _where(self, name: str, upload: str) -> dict[str, str]:
        size = len(self.uploads[upload][1])
        # As Docker's registry: the query is part of the session's name, and 0-0 is nothing.
        location = f"/v2/{name}/blobs/uploads/{upload}?_state={size}"
        return {"location": location, "range": f"0-{max(size - 1, 0)}"}

    def _upload(
        self,
        method: str,
        name: str,
        upload: str,
        query: Texts,
        headers: Texts,
        body: bytes,
        partial: bool,
    ) -> Reply:
        if self.uploads.get(upload, ("",))[0] != name:
            return Reply(404, {}, _error("BLOB_UPLOAD_UNKNOWN", "no such upload"))
        content = self.uploads[upload][1]
        match method:
            case "GET":
                return Reply(204, self._where(name, upload))
            case "DELETE":
                del self.uploads[upload]
                return Reply(204)
            case "PATCH":
                start, end = map(int, headers["content-range"].split("-"))
                whole = end - start + 1 == len(body) or partial
                if start != len(content) or not whole or query.get("_state") != str(start):
                    return Reply(416, self._where(name, upload))
                content += body
                return Reply(202, self._where(name, upload))
            case "PUT":
                if query.get("_state") != str(len(content)):
                    return Reply(416, self._where(name, upload))
                content += body
                digest = query["digest"]
                del self.uploads[upload]
                if _digest(bytes(content)) != digest:
                    return Reply(400, {}, _error("DIGEST_INVALID", "digest does not match"))
                self.repository(name).blobs[digest] = bytes(content)
                return Reply(201, {"docker-content-digest": digest})
        return Reply(405)

    def _blob(
        self,
        method: str,
        name: str,
        digest: str,
        query: Texts,
        headers: Texts,
        body: bytes,
        partial: bool,
    ) -> Reply:
        blobs = self.repository(name).blobs
        if digest not in blobs:
            return Reply(404, {}, _error("BLOB_UNKNOWN", "blob unknown"))
        content = blobs[digest]
        if method == "DELETE":
            del blobs[digest]
            return Reply(202)
        if method == "HEAD":
            return Reply(200, {"content-length": str(len(content))})
        if "range" in headers:
            start = int(headers["range"].removeprefix("bytes=").rstrip("-"))
            told = f"bytes {start}-{len(content) - 1}/{len(content)}"
            return Reply(206, {"content-range": told}, content[start:])
        return Reply(200, {"docker-content-digest": digest}, content)

    def _manifest(
        self,
        method: str,
        name: str,
        identifier: str,
        query: Texts,
        headers: Texts,
        body: bytes,
        partial: bool,
    ) -> Reply:
        repository = self.repository(name)
        if method == "PUT":
            return self._put_manifest(repository, identifier, headers, body)
        digest = repository.tags.get(identifier, identifier)
        if digest not in repository.manifests:
            return Reply(404, {}, _error("MANIFEST_UNKNOWN", "manifest unknown"))
        media_type, content = repository.manifests[digest]
        if method == "DELETE":
            del repository.manifests[digest]
            repository.tags = {t: d for t, d in repository.tags.items() if d != digest}
            return Reply(202)
        if media_type not in headers.get("accept", "") and not self.lax:
            return Reply(404, {}, _error("MANIFEST_UNKNOWN", "not in the types you accept"))
        told = {"content-type": media_type, "docker-content-digest": digest}
        if method == "HEAD":
            return Reply(200, {**told, "content-length": str(len(content))})
        return Reply(200, told, content)

    def _put_manifest(
        self, repository: _Repository | Held, identifier: str, headers: dict[str, str], body: bytes
    ) -> Reply:
        manifest = json.loads(body)
        if manifest.get("mediaType", headers["content-type"]) != headers["content-type"]:
            return Reply(400, {}, _error("MANIFEST_INVALID", "mediaType"))
        parts = [manifest["config"], *manifest["layers"]] if "layers" in manifest else []
        if any(part["digest"] not in repository.blobs for part in parts):
            return Reply(404, {}, _error("MANIFEST_BLOB_UNKNOWN", "a blob is missing"))
        digest = _digest(body)
        if ":" in identifier and identifier != digest:
            return Reply(400, {}, _error("DIGEST_INVALID", "digest does not match"))
        repository.manifests[digest] = (headers["content-type"], body)
        if ":" not in identifier:
            repository.tags[identifier] = digest
        told = {"docker-content-digest": digest}
        if self.referrers and "subject" in manifest:
            told["oci-subject"] = manifest["subject"]["digest"]
        return Reply(201, told)

    def _tags(
        self, method: str, name: str, query: Texts, headers: Texts, body: bytes, partial: bool
    ) -> Reply:
        if name not in self.repositories:
            return Reply(404, {}, _error("NAME_UNKNOWN", "no such repository"))
        tags = sorted(self.repositories[name].tags)
        return self._page(tags, "tags", f"/v2/{name}/tags/list", query)

    def _page(self, names: list[str], key: str, path: str, query: dict[str, str]) -> Reply:
        size = min(self.page, int(query.get("n", "1000")))
        rest = [name for name in names if name > query.get("last", "")]
        shown = rest[:size]
        link = {}
        if len(rest) > size:
            link = {"link": f'<{path}?last={shown[-1]}&n={size}>; rel="next"'}
        return Reply(200, link, json.dumps({"name": "x", key: shown}).encode())

    def _referrers(
        self,
        method: str,
        name: str,
        subject: str,
        query: Texts,
        headers: Texts,
        body: bytes,
        partial: bool,
    ) -> Reply:
        if not self.referrers:
            return Reply(404, {}, b"404 page not found")
        entries = []
        for digest, (media_type, content) in self.repository(name).manifests.items():
            manifest = json.loads(content)
            if manifest.get("subject", {}).get("digest") == subject:
                entries.append(
                    {
                        "mediaType": media_type,
                        "digest": digest,
                        "size": len(content),
                        "artifactType": manifest.get("artifactType"),
                    }
                )
        index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": entries}
        return Reply(200, {"content-type": MediaType.OCI_INDEX}, json.dumps(index).encode())

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def _token(self, query: dict[str, list[str]], headers: dict[str, str]) -> Reply:
        if headers.get("authorization") not in (None, self._basic()):
            return Reply(401, {}, _error("UNAUTHORIZED", "wrong password"))
        token = f"token-{next(self._ids)}"
        known = "authorization" in headers
        self.tokens[token] = {s for s in query.get("scope", []) if known or s.endswith(":pull")}
        return Reply(
            200,
            {},
            json.dumps({"token": token, "expires_in": self.token_life_s}).encode(),
        )

    def _refused(self, method: str, path: str, headers: dict[str, str]) -> Reply | None:
        sent = headers.get("authorization", "")
        if self.auth == "open" or (self.auth == "basic" and sent == self._basic()):
            return None
        if self.auth == "basic":
            return Reply(401, {"www-authenticate": 'Basic realm="r"'}, _error("UNAUTHORIZED", ""))
        granted = self.tokens.get(sent.removeprefix("Bearer "))
        name = re.match(r"/v2/(.+)/(?:blobs|manifests|tags|referrers)/", path)
        writing = method not in ("GET", "HEAD")
        action = "push" if writing and method != "DELETE" else "delete" if writing else "pull"
        scope = f"repository:{name[1]}:pull,push" if name else ""
        if granted is not None and (
            name is None
            or any(
                s.startswith(f"repository:{name[1]}:") and action in s.rpartition(":")[2].split(",")
                for s in granted
            )
            or "/uploads/" in path
        ):
            return None
        bearer = f'Bearer realm="{self.realm}",service="s",scope="{scope}"'
        return Reply(401, {"www-authenticate": bearer}, _error("UNAUTHORIZED", "token"))


class _Plain(httpx.AsyncBaseTransport):
    """A registry without its profile."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self._registry = registry

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._registry.as_specified(request)


class _Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes, cut_at: int | None) -> None:
        self._content, self._cut_at = content, cut_at

    async def __aiter__(self) -> AsyncIterator[bytes]:
        content = self._content if self._cut_at is None else self._content[: self._cut_at]
        for start in range(0, len(content), 65536):
            yield content[start : start + 65536]
        if self._cut_at is not None:
            raise httpx.ReadError("cut")


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _error(code: str, message: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": message}]}).encode()


@contextlib.asynccontextmanager
async def on_loopback(registry: MemoryRegistry) -> AsyncIterator[str]:
    """Serve this registry on a port of its own; return ``host:port``."""
    registry.serve_without_secrets()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await _exchange(registry, reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with on_a_port(serve) as port:
        yield f"127.0.0.1:{port}"


async def _exchange(
    registry: MemoryRegistry, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    first = await reader.readexactly(1)
    if first == b"\x16":
        # A TLS hello, from a client that tries https first.
        return False
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.split("\r\n")
    method, target, _version = request_line.split(" ")
    headers = dict(_header_lines(lines))
    try:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    except asyncio.IncompleteReadError as cut:
        registry.take_partial(method, urlsplit(target).path, cut.partial)
        return False
    reply = await registry.answer_here(method, target, headers, body)
    shown = {"content-length": str(len(reply.body)), **reply.headers}
    text = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
    writer.write(f"HTTP/1.1 {reply.status} X\r\n{text}\r\n".encode())
    writer.write(b"" if method == "HEAD" else reply.body)
    await writer.drain()
    return headers.get("connection", "").lower() != "close"


def _header_lines(lines: list[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()
