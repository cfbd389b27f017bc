"""A blob to a registry: mounted, or sent in chunks and resumed where it broke.

Source: OCI distribution-spec, "Pushing a blob in chunks", "Mounting a blob".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keynet.errors import DigestMismatch, RegistryError, RegistryUnreachable
from keynet.events import BlobFinished, BlobMounted, BlobRewound, BlobStarted, Emit
from keynet.net.retry import TEMPORARY_STATUSES, Budget, retry_after
from keynet.oci.descriptor import Descriptor, Digest
from keynet.registry.address import follow, with_query
from keynet.registry.exchange import Answer, Call
from keynet.registry.session import Operation, Session
from keynet.registry.transfer.blob_source import Reader, Source
from keynet.text import _, fill

__all__ = ["CHUNK_SIZE", "Upload", "find_blob"]

# An S3 store behind a registry wants parts of at least 5 MiB.
CHUNK_SIZE: Final = 5 * 1024 * 1024
_SMALLEST_CHUNK: Final = 64 * 1024
_LARGEST_CHUNK: Final = 32 * 1024 * 1024
# A chunk that breaks may have to be sent again: so much of the blob at the most.
_SHARE: Final = 10
_BIG: Final = 32 * 1024 * 1024
_RANGE: Final = re.compile(r"(?:bytes[= ])?0-(\d{1,18})")
_LOST_SESSION: Final = frozenset({400, 404, 410})


@dataclass(slots=True)
class _Place:
    """Where the upload stands: its newest Location and the next byte."""

    location: str
    offset: int = 0


class _Setback(Exception):
    """A failure that may be mended; ``restart``: the upload session is of no more use."""

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


async def find_blob(session: Session, repository: str, digest: Digest) -> int | None:
    """Ask whether the repository holds a blob: its size in bytes, -1 untold, None absent."""
    ask = Operation(
        Call("HEAD", f"/v2/{repository}/blobs/{digest}"),
        fill(_("look for blob {digest} in {repository}"), digest=digest, repository=repository),
        (f"repository:{repository}:pull",),
        repository,
        frozenset({200, 404}),
    )
    answer = await session.send(ask)
    if answer.status == 404:
        return None
    length = answer.headers.get("content-length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else -1


class Upload:
    """One blob on its way into one repository; ``run`` is called once.

    Args:
        chunk_size: Bytes in one request; the server's minimum may raise it. Without it 5 MiB
            at first, and twice as much after each that arrives whole, up to a tenth of the
            blob and 32 MiB: registries take long over each request.
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
        self._chunk_size = self._first_chunk = chunk_size or CHUNK_SIZE
        self._grows = chunk_size is None
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
        """Bring the blob there; True: mounted, nothing was sent.

        Args:
            mount_from: Other repositories of this registry that may hold it.

        Raises:
            DigestMismatch: The source's bytes do not have the digest that was announced.
            RegistryError: The registry refuses, or fails more often than is bearable.
        """
        place: _Place | None = None
        for origin in mount_from:
            mounted, place = await self._mount(origin)
            if mounted:
                self._emit(BlobMounted(self._name, self._descriptor.size))
                return True
            if place is not None:
                break
        self._emit(BlobStarted(self._name, self._descriptor.size))
        try:
            await self._send(place)
        finally:
            await self._reader.aclose()
        self._emit(BlobFinished(self._name))
        return False

    async def _send(self, place: _Place | None) -> None:
        budget = Budget(self._session.retries)
        furthest = 0
        while True:
            try:
                if place is None:
                    place = await self._begin()
                await self._advance(place)
            except _Setback as setback:
                if self._grows:
                    self._shrink(self._first_chunk)
                if place is not None and place.offset > furthest:
                    furthest = place.offset
                    budget.progress()
                await budget.wait_or_raise(setback.error, setback.wish_s, again=True)
                if setback.committing and await self._arrived():
                    return
                before = place.offset if place is not None else 0
                place = None if setback.restart else await self._recover(place)
                after = place.offset if place is not None else 0
                if after < before:
                    self._emit(BlobRewound(self._name, after))
            else:
                return

    async def _advance(self, place: _Place) -> None:
        size = self._descriptor.size
        if place.offset == 0 and size <= self._chunk_size:
            await self._commit(place, size)
            return
        while place.offset < size:
            await self._send_chunk(place, min(size, place.offset + self._chunk_size))
        await self._reader.verify()
        await self._commit(place, 0)

    async def _begin(self) -> _Place:
        call = Call("POST", f"/v2/{self._repository}/blobs/uploads/")
        answer = await self._session.send(self._ask(call, 202))
        place = _Place("")
        self._move(place, answer)
        if not place.location:
            raise self._protocol_error(_("no Location for the upload"))
        minimum = answer.headers.get("oci-chunk-min-length", "")
        if re.fullmatch("[0-9]{1,12}", minimum):
            self._first_chunk = max(self._first_chunk, int(minimum))
            self._chunk_size = max(self._chunk_size, self._first_chunk)
        return place

    async def _mount(self, origin: str) -> tuple[bool, _Place | None]:
        """Ask the registry to take the blob from another repository of its own."""
        url = with_query(
            f"/v2/{self._repository}/blobs/uploads/", mount=self._name, **{"from": origin}
        )
        ask = Operation(
            Call("POST", url),
            self._action,
            (*self._scopes, f"repository:{origin}:pull"),
            self._repository,
            frozenset({201, 202}),
        )
        try:
            answer = await self._session.send(ask)
        except RegistryError as error:
            # Harbor and others refuse a mount with these; an upload may still be allowed.
            if error.status in (400, 401, 403, 404, 405):
                return False, None
            raise
        if answer.status == 201:
            self._check_digest(answer)
            return True, None
        place = _Place("")
        self._move(place, answer)
        return False, place if place.location else None

    async def _send_chunk(self, place: _Place, stop: int) -> None:
        start = place.offset
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(stop - start),
            "Content-Range": f"{start}-{stop - 1}",
        }
        call = Call("PATCH", place.location, headers, lambda: self._reader.pieces(start, stop))
        # A proxy may limit bodies: of those we made larger ourselves, a smaller one may pass.
        retried = {413, 416} if self._grows and stop - start > self._first_chunk else {416}
        answer = await self._try(call, {202, 204, *retried}, committing=False)
        if answer.status in retried:
            raise _Setback(self._session.failure(answer, self._action))
        self._move(place, answer)
        reached = _offset(answer)
        if reached is None or reached == stop:
            place.offset = stop
            self._grow()
            return
        accepted = reached - start
        if not 0 < accepted < stop - start:
            error = self._protocol_error(_("it counts other bytes than were sent"))
            raise _Setback(error, restart=accepted > 0)
        place.offset = reached
        # Further chunks as large as this one would be cut again.
        self._shrink(max(accepted, _SMALLEST_CHUNK))

    def _grow(self) -> None:
        if self._grows:
            largest = min(self._descriptor.size // _SHARE, _LARGEST_CHUNK)
            self._chunk_size = max(self._chunk_size, min(2 * self._chunk_size, largest))

    def _shrink(self, size: int) -> None:
        """Send at most so many bytes in a request from now on."""
        self._chunk_size = min(size, self._chunk_size)
        self._grows = False

    async def _commit(self, place: _Place, size: int) -> None:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        call = Call(
            "PUT",
            with_query(place.location, digest=self._name),
            headers,
            (lambda: self._reader.pieces(0, size)) if size else None,
            patient=self._descriptor.size >= _BIG,
        )
        try:
            answer = await self._try(call, {200, 201, 202, 204, 416}, committing=True)
        except (_Setback, RegistryError):
            # Wrong content is our own fault, whatever the registry says of it.
            if self._reader.complete:
                await self._reader.verify()
            raise
        await self._reader.verify()
        if answer.status == 201:
            self._check_digest(answer)
        elif answer.status == 416 or not await self._arrived():
            error = self._session.failure(answer, self._action)
            raise _Setback(error, restart=answer.status != 416, committing=True)

    async def _try(self, call: Call, expect: set[int], *, committing: bool) -> Answer:
        """Make one request of the session; what may be mended is raised as a setback."""
        try:
            answer = await self._session.send_once(self._ask(call))
        except RegistryUnreachable as error:
            if not error.temporary:
                raise
            raise _Setback(error, committing=committing) from error
        if answer.status in expect:
            return answer
        refused = self._session.failure(answer, self._action)
        if answer.status in TEMPORARY_STATUSES:
            wish = retry_after(answer.headers.get("retry-after"))
            raise _Setback(refused, wish_s=wish, committing=committing)
        if answer.status in _LOST_SESSION and not self._digest_refused:
            # Our own hash was right, so bytes changed on their way: once more, not for ever.
            self._digest_refused = refused.code == "DIGEST_INVALID"
            raise _Setback(refused, restart=True, committing=committing)
        raise refused

    async def _recover(self, place: _Place | None) -> _Place | None:
        """Ask where the upload stands; None: begin again."""
        if place is None:
            return None
        ask = self._ask(Call("GET", place.location), 204, 202, 200, *_LOST_SESSION, 405, 416)
        answer = await self._session.send(ask)
        if answer.status not in (200, 202, 204):
            return None
        offset = _offset(answer)
        # "0-0" means nothing at some registries and one byte at others.
        if offset is None or offset <= 1 or offset > self._descriptor.size:
            return None
        found = _Place(place.location, offset)
        self._move(found, answer)
        return found

    async def _arrived(self) -> bool:
        found = await find_blob(self._session, self._repository, self._descriptor.digest)
        return found is not None and found in (-1, self._descriptor.size)

    def _ask(self, call: Call, *expect: int) -> Operation:
        return Operation(call, self._action, self._scopes, self._repository, frozenset(expect))

    def _move(self, place: _Place, answer: Answer) -> None:
        location = answer.headers.get("location")
        if location:
            place.location = follow(answer.url, location)

    def _check_digest(self, answer: Answer) -> None:
        told = answer.headers.get("docker-content-digest")
        if told is not None and told != self._name:
            raise DigestMismatch(
                fill(
                    _("Could not {action}: the registry stored it under another digest."),
                    action=self._action,
                ),
                _("Do not trust this upload; tell the registry's owner."),
            )

    def _protocol_error(self, reason: str) -> RegistryError:
        return RegistryError(
            fill(
                _("Could not {action} at {registry}: the registry gives {reason}."),
                action=self._action,
                registry=self._session.registry.name,
                reason=reason,
            ),
            _("The registry, or a proxy in front of it, breaks the protocol."),
        )


def _offset(answer: Answer) -> int | None:
    match = _RANGE.fullmatch(answer.headers.get("range", ""))
    return int(match.group(1)) + 1 if match else None
