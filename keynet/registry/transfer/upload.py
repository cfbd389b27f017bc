"""Upload a blob: mounted, or sent in chunks and resumed where it broke.

Source: OCI distribution-spec, "Pushing a blob in chunks", "Mounting a blob".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keynet.errors import DigestMismatch, RegistryError, RegistryUnreachable
from keynet.events import BlobFinished, BlobMounted, BlobRewound, BlobStarted, Emit
from keynet.net.retry import TEMPORARY_STATUSES, Budget, retry_after
from keynet.oci.descriptor import Descriptor
from keynet.registry import blobs
from keynet.registry.address import follow, with_query
from keynet.registry.http.exchange import Answer, Call
from keynet.registry.http.session import Operation, Session
from keynet.registry.transfer.blob_source import Reader, Source
from keynet.registry.transfer.chunk_size import ChunkSize
from keynet.text import _, fill

__all__ = ["Upload"]

# A registry may take minutes to hash and move a blob of this size after its last byte.
_BIG: Final = 32 * 1024 * 1024
_RANGE: Final = re.compile(r"(?:bytes[= ])?0-(\d{1,18})")
_LOST_SESSION: Final = frozenset({400, 404, 410})


@dataclass(slots=True)
class _Position:
    """How far the upload is: its newest Location and the next byte."""

    location: str
    offset: int = 0


class _Interruption(Exception):
    """A failure after which the upload may go on.

    Args:
        wish_s: What the registry asked for in Retry-After.
        restart: The registry's upload session cannot be used again.
        committing: All bytes were sent, so the blob may be there.
    """

    def __init__(
        self,
        error: RegistryError,
        *,
        wish_s: float | None = None,
        restart: bool = False,
        committing: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wish_s = wish_s
        self.restart = restart
        self.committing = committing


class Upload:
    """One blob on its way into one repository; ``run`` is called once.

    Args:
        chunk_size: Bytes in one request; by default as ``ChunkSize`` decides.
        checked: The source itself raises when its bytes do not have the digest.
    """

    def __init__(
        self,
        session: Session,
        repository: str,
        descriptor: Descriptor,
        source: Source,
        *,
        emit: Emit,
        chunk_size: int | None = None,
        checked: bool = False,
    ) -> None:
        self._session = session
        self._repository = repository
        self._descriptor = descriptor
        self._emit = emit
        self._chunk = ChunkSize(descriptor.size, chunk_size)
        self._reader = Reader(source, descriptor, emit, checked=checked)
        self._action = fill(
            _("upload blob {digest} to {repository}"),
            digest=descriptor.digest,
            repository=repository,
        )
        self._scopes: tuple[str, ...] = (f"repository:{repository}:pull,push",)
        self._name = str(descriptor.digest)
        self._digest_refused = False

    async def run(self, mount_from: Sequence[str] = ()) -> bool:
        """Put the blob into the repository; True: it was mounted, nothing was sent.

        Args:
            mount_from: Other repositories of this registry that may hold it.

        Raises:
            DigestMismatch: The source's bytes do not have the digest that was announced.
            RegistryError: The registry refuses, or fails too often.
        """
        position: _Position | None = None
        for origin in mount_from:
            mounted, position = await self._mount(origin)
            if mounted:
                self._emit(BlobMounted(self._name, self._descriptor.size))
                return True
            if position is not None:
                break
        self._emit(BlobStarted(self._name, self._descriptor.size))
        try:
            await self._send(position)
        finally:
            await self._reader.aclose()
        self._emit(BlobFinished(self._name))
        return False

    async def _send(self, position: _Position | None) -> None:
        budget = Budget(self._session.retries)
        furthest = 0
        while True:
            try:
                if position is None:
                    position = await self._begin()
                await self._advance(position)
            except _Interruption as interruption:
                self._chunk.failed()
                if position is not None and position.offset > furthest:
                    furthest = position.offset
                    budget.progress()
                await budget.wait_or_raise(interruption.error, interruption.wish_s, again=True)
                if interruption.committing and await self._arrived():
                    return
                before = position.offset if position is not None else 0
                position = None if interruption.restart else await self._recover(position)
                after = position.offset if position is not None else 0
                if after < before:
                    self._emit(BlobRewound(self._name, after))
            else:
                return

    async def _advance(self, position: _Position) -> None:
        size = self._descriptor.size
        if position.offset == 0 and size <= self._chunk.size:
            await self._commit(position, size)
            return
        while position.offset < size:
            await self._send_chunk(position, min(size, position.offset + self._chunk.size))
        await self._reader.verify()
        await self._commit(position, 0)

    async def _begin(self) -> _Position:
        call = Call("POST", f"/v2/{self._repository}/blobs/uploads/")
        answer = await self._session.send(self._operation(call, 202))
        position = _Position("")
        self._follow_location(position, answer)
        if not position.location:
            raise self._protocol_error(_("the answer has no Location for the upload"))
        minimum = answer.headers.get("oci-chunk-min-length", "")
        if re.fullmatch("[0-9]{1,12}", minimum):
            self._chunk.require(int(minimum))
        return position

    async def _mount(self, origin: str) -> tuple[bool, _Position | None]:
        """Ask the registry to take the blob from another of its repositories."""
        digest = self._descriptor.digest
        operation = blobs.mount_operation(self._repository, digest, origin, self._action)
        try:
            answer = await self._session.send(operation)
        except RegistryError as error:
            # Harbor and others refuse a mount with these; an upload may still be allowed.
            if error.status in (400, 401, 403, 404, 405):
                return False, None
            raise
        if answer.status == 201:
            self._check_digest(answer)
            return True, None
        position = _Position("")
        self._follow_location(position, answer)
        return False, position if position.location else None

    async def _send_chunk(self, position: _Position, stop: int) -> None:
        start = position.offset
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(stop - start),
            "Content-Range": f"{start}-{stop - 1}",
        }
        call = Call("PATCH", position.location, headers, lambda: self._reader.pieces(start, stop))
        # A proxy may limit bodies: the first, smaller size may pass.
        retried = {413, 416} if self._chunk.can_fall(stop - start) else {416}
        answer = await self._try(call, {202, 204, *retried}, committing=False)
        if answer.status in retried:
            raise _Interruption(self._session.failure(answer, self._action))
        self._follow_location(position, answer)
        reached = _offset(answer)
        if reached is None or reached == stop:
            position.offset = stop
            self._chunk.arrived()
            return
        accepted = reached - start
        if not 0 < accepted < stop - start:
            error = self._protocol_error(_("it reports other bytes than were sent"))
            raise _Interruption(error, restart=accepted > 0)
        position.offset = reached
        self._chunk.cut(accepted)

    async def _commit(self, position: _Position, size: int) -> None:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        call = Call(
            "PUT",
            with_query(position.location, digest=self._name),
            headers,
            (lambda: self._reader.pieces(0, size)) if size else None,
            patient=self._descriptor.size >= _BIG,
        )
        try:
            answer = await self._try(call, {200, 201, 202, 204, 416}, committing=True)
        except (_Interruption, RegistryError):
            # Wrong content comes from the source, whatever the registry says about it.
            if self._reader.complete:
                await self._reader.verify()
            raise
        await self._reader.verify()
        if answer.status == 201:
            self._check_digest(answer)
        elif answer.status == 416 or not await self._arrived():
            error = self._session.failure(answer, self._action)
            raise _Interruption(error, restart=answer.status != 416, committing=True)

    async def _try(self, call: Call, expect: set[int], *, committing: bool) -> Answer:
        """Make one request of the upload session.

        Raises:
            _Interruption: The upload may go on.
            RegistryError: It may not.
        """
        try:
            answer = await self._session.send_once(self._operation(call))
        except RegistryUnreachable as error:
            if not error.temporary:
                raise
            raise _Interruption(error, committing=committing) from error
        if answer.status in expect:
            return answer
        refused = self._session.failure(answer, self._action)
        if answer.status in TEMPORARY_STATUSES:
            wish = retry_after(answer.headers.get("retry-after"))
            raise _Interruption(refused, wish_s=wish, committing=committing)
        if answer.status in _LOST_SESSION and not self._digest_refused:
            # The source has the digest, so bytes changed on their way: try once more.
            self._digest_refused = refused.code == "DIGEST_INVALID"
            raise _Interruption(refused, restart=True, committing=committing)
        raise refused

    async def _recover(self, position: _Position | None) -> _Position | None:
        """Ask the registry how far the upload is; None: begin again."""
        if position is None:
            return None
        call = Call("GET", position.location)
        operation = self._operation(call, 204, 202, 200, *_LOST_SESSION, 405, 416)
        answer = await self._session.send(operation)
        if answer.status not in (200, 202, 204):
            return None
        offset = _offset(answer)
        # "0-0" means nothing at some registries and one byte at others.
        if offset is None or offset <= 1 or offset > self._descriptor.size:
            return None
        found = _Position(position.location, offset)
        self._follow_location(found, answer)
        return found

    async def _arrived(self) -> bool:
        found = await blobs.find(self._session, self._repository, self._descriptor.digest)
        return found is not None and found in (-1, self._descriptor.size)

    def _operation(self, call: Call, *expect: int) -> Operation:
        return Operation(call, self._action, self._scopes, self._repository, frozenset(expect))

    def _follow_location(self, position: _Position, answer: Answer) -> None:
        location = answer.headers.get("location")
        if location:
            position.location = follow(answer.url, location)

    def _check_digest(self, answer: Answer) -> None:
        stored = answer.headers.get("docker-content-digest")
        if stored is not None and stored != self._name:
            raise DigestMismatch(
                fill(
                    _("Could not {action}: the registry stored it under another digest."),
                    action=self._action,
                ),
                _("Do not use what was uploaded; report this to the registry's owner."),
            )

    def _protocol_error(self, reason: str) -> RegistryError:
        return RegistryError(
            fill(
                _("Could not {action} at {registry}: {reason}."),
                action=self._action,
                registry=self._session.registry.name,
                reason=reason,
            ),
            _("The registry, or a proxy in front of it, breaks the protocol."),
        )


def _offset(answer: Answer) -> int | None:
    match = _RANGE.fullmatch(answer.headers.get("range", ""))
    return int(match.group(1)) + 1 if match else None
