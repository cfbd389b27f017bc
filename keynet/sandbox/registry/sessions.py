"""Unfinished uploads: one file each, with the hash of what has arrived.

Source: OCI distribution-spec 1.1, "Pushing blobs".
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from starlette.requests import ClientDisconnect

from keynet.oci.descriptor import Digest
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.error_answers import Refusal

__all__ = ["Session", "Sessions"]

_READ: Final = 1 << 20


@dataclass(slots=True)
class Session:
    """One upload; ``size`` counts the bytes that have arrived."""

    id: str
    name: str
    file: Path
    size: int = 0
    sha256: Any = field(default_factory=hashlib.sha256)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def append(self, chunks: AsyncIterator[bytes], *, most: int | None = None) -> None:
        """Take what comes; what came before a lost connection is kept.

        Args:
            most: The bytes that the request announced.

        Raises:
            Refusal: There were more.
        """
        taken = 0
        try:
            with self.file.open("ab") as stream:
                async for chunk in chunks:
                    taken += len(chunk)
                    if most is not None and taken > most:
                        raise Refusal(416, "BLOB_UPLOAD_INVALID", "more than Content-Range says")
                    stream.write(chunk)
                    self.sha256.update(chunk)
                    self.size += len(chunk)
        except ClientDisconnect:
            raise Refusal(400, "BLOB_UPLOAD_INVALID", "the connection was lost") from None

    async def digest_as(self, algorithm: str) -> Digest:
        """Return the digest of all bytes."""
        if algorithm == "sha256":
            return Digest("sha256", self.sha256.hexdigest())
        return await asyncio.to_thread(_digest_of, self.file, algorithm)


class Sessions:
    """The unfinished uploads of a registry; none outlives the process."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._open: dict[str, Session] = {}

    def begin(self, name: str) -> Session:
        """Begin an upload to a repository."""
        identifier = secrets.token_urlsafe(24)
        file = self._disk.uploads / identifier
        file.touch(mode=0o600)
        session = Session(identifier, name, file)
        self._open[identifier] = session
        return session

    @asynccontextmanager
    async def taken(self, name: str, identifier: str) -> AsyncIterator[Session]:
        """Give one request the upload to itself.

        Raises:
            Refusal: There is no such upload to this repository.
            OSError: The block could not use the file; the upload is gone.
        """
        session = self._open.get(identifier)
        if session is not None and session.name == name:
            async with session.lock:
                # An earlier request may have finished it.
                if identifier in self._open:
                    try:
                        yield session
                    except OSError:
                        # What is in the file is not what was hashed.
                        self.cancel(session)
                        raise
                    return
        raise Refusal(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")

    async def finish(self, session: Session, digest: Digest) -> None:
        """Store the upload as a blob of its repository.

        Raises:
            Refusal: The bytes have another digest; the upload is gone.
        """
        if await session.digest_as(digest.algorithm) != digest:
            self.cancel(session)
            raise Refusal(400, "DIGEST_INVALID", f"the bytes are not those of {digest}")
        del self._open[session.id]
        await asyncio.to_thread(self._disk.add_content, session.file, digest)
        self._disk.hold(session.name, digest)

    def cancel(self, session: Session) -> None:
        """Forget an upload."""
        self._open.pop(session.id, None)
        session.file.unlink(missing_ok=True)

    def close(self) -> None:
        """Forget every upload."""
        for session in tuple(self._open.values()):
            self.cancel(session)


def _digest_of(file: Path, algorithm: str) -> Digest:
    hashed = hashlib.new(algorithm)
    with file.open("rb") as stream:
        while piece := stream.read(_READ):
            hashed.update(piece)
    return Digest(algorithm, hashed.hexdigest())
