"""A registry that behaves as a profile says: in front of a registry that is as specified."""

import json
import re
from collections import Counter
from collections.abc import Callable

import httpx

from tests.fakes.profiles import TOKEN_HOST, Profile, Words

__all__ = ["ProfiledRegistry"]

_UPLOAD = re.compile(r"/v2/.+/blobs/uploads/[^/]+")
_ABSENT = re.compile(r"/v2/.+/(?:blobs|manifests)/[^/]+")


class ProfiledRegistry(httpx.AsyncBaseTransport):
    """Requests to ``host`` and to the profile's token server go to ``inner``, as it would answer.

    ``scheme`` is that of the address by which clients reach it, and ``token_host`` where the
    profile's token server is, if that is another host.

    ``refused`` counts what was refused by the profile, as METHOD and status; tags in
    ``immutable`` do not move; ``watch`` sees each request before it is handled.
    """

    def __init__(
        self,
        profile: Profile,
        inner: httpx.AsyncBaseTransport,
        host: str,
        *,
        scheme: str = "https",
        token_host: str = TOKEN_HOST,
    ) -> None:
        self.profile, self.inner, self.host = profile, inner, host
        self.scheme, self.token_host = scheme, token_host
        self.refused: Counter[tuple[str, int]] = Counter()
        self.uploads_begun = 0
        self.immutable: set[str] = set()
        self.watch: Callable[[httpx.Request], None] = lambda request: None
        self._first_range: dict[str, str] = {}
        self._short: set[str] = set()
        self._chunked: Counter[str] = Counter()

    @property
    def has_tokens(self) -> bool:
        """Whether the token server is another host, which this answers for too."""
        return self.profile.foreign_tokens

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.watch(request)
        profile = self.profile
        if profile.foreign_tokens and request.url.netloc.decode() == self.token_host:
            request.url = request.url.copy_with(netloc=self.host.encode())
            request.headers["host"] = self.host
            return await self.inner.handle_async_request(request)
        refusal = self._refusal(request)
        if refusal is not None:
            self.refused[request.method, refusal.status] += 1
            body = {"errors": [{"code": refusal.code, "message": refusal.message}]}
            challenge = {"www-authenticate": self._challenge()} if refusal.status == 401 else {}
            return _answer(request, refusal.status, body, challenge)
        path = request.url.path
        if profile.quiet and "authorization" not in request.headers and path != "/v2/":
            if path.endswith(("/tags/list", "/_catalog")):
                return _answer(request, 200, {"name": "x", "tags": [], "repositories": []})
            if request.method in {"GET", "HEAD"} and path.startswith("/v2/"):
                return _answer(request, 404, {})
        if "mount" in request.url.params and profile.mount == 202:
            request.url = request.url.copy_with(query=None)
        self.uploads_begun += request.method == "POST" and "/uploads/" in path
        return self._changed(request, await self.inner.handle_async_request(request))

    def _challenge(self) -> str:
        realm = f"{self.scheme}://{self.host}/token"
        return f'Bearer realm="{realm}",service="s",error="insufficient_scope"'

    def _refusal(self, request: httpx.Request) -> Words | None:
        """Decide by the request alone; None lets it through."""
        profile, method, path = self.profile, request.method, request.url.path
        if method == "PATCH":
            return self._chunk_refusal(request)
        length = int(request.headers.get("content-length", "0"))
        if method == "PUT" and path in self._short and length:
            return Words(400, "BLOB_UPLOAD_INVALID", "LayerPartTooSmall")
        if method == "PUT" and path in self._chunked and not length and profile.empty_put != 201:
            return Words(profile.empty_put, "UNKNOWN", "")
        if path == "/v2/_catalog" and profile.catalog != 200:
            return Words(profile.catalog, "UNSUPPORTED", "no list of repositories")
        if "/referrers/" in path and profile.referrers != 200:
            return Words(profile.referrers, "NOT_FOUND", "page not found")
        if "mount" in request.url.params and profile.mount not in {201, 202}:
            return Words(profile.mount, "UNAUTHORIZED", "not from there")
        if method == "DELETE" and _ABSENT.fullmatch(path) and not profile.deletion:
            return Words(405, "UNSUPPORTED", "The operation is unsupported.")
        if method == "PUT" and path.rpartition("/")[2] in self.immutable:
            return profile.immutable
        return None

    def _chunk_refusal(self, request: httpx.Request) -> Words | None:
        profile, path = self.profile, request.url.path
        if profile.patch is not None:
            return profile.patch
        length = int(request.headers.get("content-length", "0"))
        if profile.chunk_most is not None and length > profile.chunk_most:
            limit = f"{profile.chunk_most / (1 << 20):.2f}MiB"
            message = f"the request body is too large and exceeds the maximum limit of {limit}"
            return Words(416, "REQUESTED_RANGE_NOT_SATISFIABLE", message)
        if path in self._short:
            return Words(400, "BLOB_UPLOAD_INVALID", "LayerPartTooSmall")
        if length < profile.chunk_least:
            self._short.add(path)
        return None

    def _changed(self, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
        """Change what the profile reports otherwise."""
        profile, headers, path = self.profile, answer.headers, request.url.path
        if answer.status_code == 401 and profile.foreign_tokens:
            told = headers.get("www-authenticate", "")
            headers["www-authenticate"] = told.replace(self.host, self.token_host, 1)
        if answer.status_code == 404 and request.method == "HEAD" and _ABSENT.fullmatch(path):
            answer.status_code = profile.absent_head
        if request.method == "PUT" and not profile.subject_told:
            headers.pop("oci-subject", None)
        if request.method == "PATCH" and answer.status_code == 202 and _UPLOAD.fullmatch(path):
            answer.status_code = profile.chunk_status
            told = headers["range"]
            self._chunked[path] += 1
            if profile.upload_range == "chunk":
                headers["range"] = f"0-{int(request.headers['content-length']) - 1}"
            elif profile.upload_range == "first":
                headers["range"] = self._first_range.setdefault(path, told)
            elif profile.upload_range == "backwards":
                headers["range"] = f"0-{int(told.partition('-')[2]) // (1 + self._chunked[path])}"
        return answer


def _answer(
    request: httpx.Request, status: int, body: object, headers: dict[str, str] | None = None
) -> httpx.Response:
    content = b"" if request.method == "HEAD" else json.dumps(body).encode()
    return httpx.Response(
        status, headers=headers, stream=httpx.ByteStream(content), request=request
    )
