"""Blobs: uploads in every form, mounts, reading with ranges, deletion.

Source: OCI distribution-spec 1.1, "Pushing blobs", "Pulling blobs", "Deleting blobs".
"""

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.sandbox.registry.access import Guard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.error_answers import Refusal
from keynet.sandbox.registry.grammar import (
    announced,
    content_range,
    digest_of,
    is_byte_range,
    repository,
)
from keynet.sandbox.registry.sessions import Session, Sessions

__all__ = ["BlobApi"]


@frozen
class BlobApi:
    """The endpoints; ``mount_without_source`` looks for a blob in every repository."""

    disk: Disk
    sessions: Sessions
    guard: Guard
    mount_without_source: bool = False

    async def begin(self, request: Request) -> Response:
        """Answer POST …/blobs/uploads/."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "push")
        query = request.query_params
        if "mount" in query:
            digest = digest_of(query["mount"])
            if self._mountable(request, digest, query.get("from")):
                self.disk.hold(name, digest)
                return _stored(name, digest)
        # With an empty body the bytes follow in a session, whatever the digest.
        if "digest" in query and announced(request) != 0:
            return await self._store(request, name, digest_of(query["digest"]))
        session = self.sessions.begin(name)
        return _progress(session, 202)

    async def state(self, request: Request) -> Response:
        """Answer GET …/blobs/uploads/ID."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "push", "pull")
        async with self.sessions.taken(name, request.path_params["upload"]) as session:
            return _progress(session, 204)

    async def cancel(self, request: Request) -> Response:
        """Answer DELETE …/blobs/uploads/ID."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "push", "delete")
        async with self.sessions.taken(name, request.path_params["upload"]) as session:
            self.sessions.cancel(session)
        return Response(status_code=204)

    async def extend(self, request: Request) -> Response:
        """Answer PATCH …/blobs/uploads/ID: a chunk, or a stream without Content-Range."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "push")
        async with self.sessions.taken(name, request.path_params["upload"]) as session:
            await _append(session, request)
            return _progress(session, 202)

    async def finish(self, request: Request) -> Response:
        """Answer PUT …/blobs/uploads/ID?digest=, with the last bytes or none."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "push")
        async with self.sessions.taken(name, request.path_params["upload"]) as session:
            digest = digest_of(request.query_params.get("digest", ""))
            await _append(session, request)
            await self.sessions.finish(session, digest)
        return _stored(name, digest)

    async def read(self, request: Request) -> Response:
        """Answer GET and HEAD …/blobs/DIGEST, with Range or without."""
        _name, digest = self._held(request, "pull")
        file = self.disk.content(digest)
        return _Content(
            file,
            media_type="application/octet-stream",
            stat_result=file.stat(),
            headers={"Docker-Content-Digest": str(digest), "ETag": f'"{digest}"'},
        )

    async def delete(self, request: Request) -> Response:
        """Answer DELETE …/blobs/DIGEST."""
        name, digest = self._held(request, "delete")
        self.disk.drop(name, digest)
        return Response(status_code=202)

    def _held(self, request: Request, action: str) -> tuple[str, Digest]:
        name = repository(request.path_params["name"])
        self.guard.check(request, name, action)
        digest = digest_of(request.path_params["digest"])
        if not self.disk.holds(name, digest):
            raise Refusal(404, "BLOB_UNKNOWN", f"{name} does not hold this blob")
        return name, digest

    def _mountable(self, request: Request, digest: Digest, source: str | None) -> bool:
        if source is not None:
            source = repository(source)
            return self.guard.may_pull(request, source) and self.disk.holds(source, digest)
        return self.mount_without_source and any(
            self.guard.may_pull(request, holder) for holder in self.disk.holder(digest)
        )

    async def _store(self, request: Request, name: str, digest: Digest) -> Response:
        """Take a blob in one request; nobody knows its session, so nothing of it is kept."""
        session = self.sessions.begin(name)
        try:
            await session.append(request.stream())
            await self.sessions.finish(session, digest)
        except BaseException:
            self.sessions.cancel(session)
            raise
        return _stored(name, digest)


class _Content(FileResponse):
    """A file, whole where Range is not valid: RFC 9110, 14.2, not Starlette's 400."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (name, value)
            for name, value in scope["headers"]
            if name != b"range" or is_byte_range(value.decode("latin-1"))
        ]
        await super().__call__({**scope, "headers": headers}, receive, send)


async def _append(session: Session, request: Request) -> None:
    chunk = content_range(request)
    if chunk is not None and chunk[0] != session.size:
        raise Refusal(
            416,
            "BLOB_UPLOAD_INVALID",
            f"the next byte is {session.size}, not {chunk[0]}",
            _where(session),
        )
    await session.append(request.stream(), most=chunk[1] - chunk[0] + 1 if chunk else None)


def _where(session: Session) -> dict[str, str]:
    # As docker-registry: an upload without bytes has the range of one byte.
    return {
        "Location": f"/v2/{session.name}/blobs/uploads/{session.id}",
        "Range": f"0-{max(session.size - 1, 0)}",
        "Docker-Upload-UUID": session.id,
    }


def _progress(session: Session, status: int) -> Response:
    return Response(status_code=status, headers=_where(session))


def _stored(name: str, digest: Digest) -> Response:
    headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": str(digest)}
    return Response(status_code=201, headers=headers)
