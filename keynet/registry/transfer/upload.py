"""Upload a blob: mounted, or sent as its registry takes blobs, and resumed where it broke.

Source: OCI distribution-spec, "Pushing a blob in chunks", "Mounting a blob".
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from keynet.errors import DigestMismatch, RegistryError, RegistryUnreachable
from keynet.events import BlobFinished, BlobMounted, BlobRewound, BlobSkipped, BlobStarted, Emit
from keynet.net.retry import Budget
from keynet.oci.descriptor import Descriptor
from keynet.registry import blobs
from keynet.registry.http.exchange import Answer
from keynet.registry.http.session import Session
from keynet.registry.http.transport_errors import LateAnswer, NotConnected, no_registry
from keynet.registry.transfer.blob_policy import TAKEN, BlobPolicy
from keynet.registry.transfer.blob_source import Reader, Source
from keynet.registry.transfer.chunk_size import ChunkSize
from keynet.registry.transfer.upload_requests import (
    Interruption,
    Position,
    Requests,
    follow_location,
    reported_offset,
)
from keynet.registry.transfer.upload_verdicts import STUCK, Outcome, Verdicts
from keynet.text import _, fill

__all__ = ["Upload"]


class Upload:
    """One blob on its way into one repository; ``run`` is called once.

    Args:
        policy: What other uploads learned about the registry; this one adds to it.
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
        policy: BlobPolicy,
        emit: Emit,
        chunk_size: int | None = None,
        checked: bool = False,
    ) -> None:
        self._session = session
        self._repository = repository
        self._descriptor = descriptor
        self._policy = policy
        self._emit = emit
        self._chunk = ChunkSize(descriptor.size, chunk_size)
        self._reader = Reader(source, descriptor, emit, checked=checked)
        self._requests = Requests(session, repository, descriptor, self._reader)
        self._name = str(descriptor.digest)
        self._verdicts = Verdicts(policy, descriptor.size)

    async def run(
        self,
        mount_from: Sequence[str] = (),
        look: Callable[[], Awaitable[bool]] | None = None,
    ) -> bool:
        """Put the blob into the repository; True: it was there or mounted, nothing was sent.

        Args:
            mount_from: Other repositories of this registry that may hold it.
            look: Asks whether the repository holds it, where it was not mounted.

        Raises:
            DigestMismatch: The source's bytes do not have the digest that was announced.
            RegistryError: The registry refuses every way of sending it, or fails too often.
        """
        position: Position | None = None
        for origin in mount_from:
            if not self._policy.mounts_from(self._repository, origin):
                continue
            mounted, position = await self._mount(origin)
            if mounted:
                self._emit(BlobMounted(self._name, self._descriptor.size))
                return True
            if position is not None:
                break
        if look is not None and await look():
            self._emit(BlobSkipped(self._name, self._descriptor.size))
            return True
        self._emit(BlobStarted(self._name, self._descriptor.size))
        try:
            await self._send(position)
        finally:
            await self._reader.aclose()
        self._emit(BlobFinished(self._name))
        return False

    async def _send(self, position: Position | None) -> None:
        budget = Budget(self._session.retries)
        furthest = failures = 0
        while True:
            try:
                if position is None:
                    position, least = await self._requests.begin()
                    self._chunk.require(least)
                await self._advance(position)
            except Interruption as interruption:
                if not interruption.adapted:
                    self._chunk.failed()
                    failures += 1
                    if position is not None and position.offset > furthest:
                        furthest, failures = position.offset, 0
                        budget.progress()
                        self._verdicts.progressed()
                    try:
                        await budget.wait_or_raise(
                            interruption.error, interruption.wish_s, again=True
                        )
                    except RegistryError:
                        if position is None or not self._may_go_whole(interruption):
                            raise
                        self._policy.chunks_refused = True
                        position = None
                        continue
                    if failures >= STUCK:
                        self._unstick(interruption)
                if interruption.committing and await self._requests.arrived():
                    return
                before = position.offset if position is not None else 0
                position = await self._resumed(position, interruption)
                after = position.offset if position is not None else 0
                if after < before:
                    self._emit(BlobRewound(self._name, after))
            else:
                return

    async def _resumed(self, position: Position | None, after: Interruption) -> Position | None:
        """Return where the upload goes on; None: it begins again."""
        if position is None or after.restart or self._policy.chunks_refused:
            return None
        if after.adapted:
            return position
        offset = await self._requests.ask_offset(position)
        return Position(position.location, offset) if offset is not None else None

    def _unstick(self, interruption: Interruption) -> None:
        """Send otherwise than what failed again and again in the same place."""
        error = interruption.error
        # A registry that is down or busy refuses small bodies, too.
        lost = isinstance(error, RegistryUnreachable) and not no_registry(error)
        if lost or error.status == 502:
            self._chunk.shrink()
        if error.status == 500 and self._may_go_whole(interruption):
            self._policy.chunks_refused = True

    def _may_go_whole(self, interruption: Interruption) -> bool:
        """Report whether the registry refused each chunk, and was not given a whole blob."""
        if isinstance(interruption.error, LateAnswer | NotConnected):
            return False
        tried = self._policy.chunks_refused or self._policy.whole_refused
        return not (self._policy.accepted or tried or interruption.committing)

    async def _advance(self, position: Position) -> None:
        size = self._descriptor.size
        if position.offset == 0 and self._policy.sends_whole(size, self._chunk.size):
            async with self._policy.whole_turn(size):
                # Another upload may have learned something meanwhile.
                if self._policy.sends_whole(size, self._chunk.size):
                    await self._commit(position, size)
                    return
        while position.offset < size:
            await self._send_chunk(position)
        await self._reader.verify()
        await self._commit(position, 0)

    async def _mount(self, origin: str) -> tuple[bool, Position | None]:
        """Ask the registry to take the blob from another of its repositories."""
        operation = replace(
            blobs.mount_operation(
                self._repository, self._descriptor.digest, origin, self._requests.action
            ),
            tries=self._policy.look_tries,
        )
        try:
            answer = await self._session.send(operation)
        except RegistryError as error:
            if no_registry(error):
                raise
            # A 404 may be about this blob alone.
            if error.status != 404:
                self._policy.refuse_mount(self._repository, origin)
            return False, None
        if answer.status == 201:
            # Under another digest it is not the blob that was asked for.
            stored = answer.headers.get("docker-content-digest", self._name)
            return stored == self._name, None
        position = Position("")
        follow_location(position, answer)
        return False, position if position.location else None

    async def _send_chunk(self, position: Position) -> None:
        start = position.offset
        wanted = min(self._descriptor.size - start, self._chunk.size)
        async with self._policy.turn(wanted, self._chunk.least) as length:
            if not length:
                # Another upload learned meanwhile that this registry takes no chunks.
                raise self._verdicts.without_chunks(
                    self._requests.protocol_error(_("it takes no chunks"))
                )
            stop = start + length
            answer = await self._requests.send_chunk(position, stop)
            if answer.status not in TAKEN:
                raise await self._judge_refused_chunk(position, length, answer)
            self._policy.took(length)
        await self._judge_taken_chunk(position, stop, answer)

    async def _judge_taken_chunk(self, position: Position, stop: int, answer: Answer) -> None:
        """Find out how far the upload is after a chunk that was taken."""
        start = position.offset
        reached = reported_offset(answer)
        if reached is None or reached == stop or self._policy.ranges_lie:
            self._advanced(position, stop)
        elif start < reached < stop and reached not in (1, stop - start):
            self._cut_at(position, reached)
        else:
            # It makes no sense: it counts the chunk alone, or goes backwards.
            offset = await self._requests.ask_offset(position)
            # Where both are equal, an upload that stands still looks the same.
            of_the_chunk = reached == stop - start and reached != start
            if offset == stop or (offset is None and of_the_chunk):
                self._policy.ranges_lie = True
                self._advanced(position, stop)
            elif offset == reached and start < reached < stop:
                self._cut_at(position, reached)
            else:
                error = self._requests.protocol_error(_("it reports other bytes than were sent"))
                raise self._verdicts.contradicted(error, restart=offset is None)

    async def _judge_refused_chunk(
        self, position: Position, length: int, answer: Answer
    ) -> Outcome:
        """Return what to raise after a chunk that was refused: another way, or the error."""
        error = self._requests.failure(answer)
        start = position.offset
        if answer.status == 416 and start:
            offset = await self._requests.ask_offset(position)
            misplaced = offset != start
            if misplaced and not (offset is None and length > self._policy.accepted):
                return self._verdicts.contradicted(error, restart=offset is None)
            start = offset or 0
        return self._verdicts.refused_chunk(answer, error, start, length, self._chunk.least)

    async def _commit(self, position: Position, size: int) -> None:
        try:
            answer = await self._requests.commit(position, size)
            if answer.status not in TAKEN:
                error = self._requests.failure(answer)
                raise self._verdicts.refused_commit(answer, error, size, self._chunk.least)
        except (Interruption, RegistryError) as error:
            # Wrong content comes from the source, whatever the registry says about it.
            if self._reader.complete:
                await self._reader.verify()
            if isinstance(error, Interruption):
                raise self._verdicts.failed_commit(error, size) from error
            raise
        await self._reader.verify()
        self._policy.took_whole(size)
        if answer.status == 201:
            self._check_digest(answer)
        elif await self._requests.absent():
            raise Interruption(self._requests.failure(answer), restart=True, committing=True)

    def _cut_at(self, position: Position, reached: int) -> None:
        self._chunk.cut(reached - position.offset)
        position.offset = reached

    def _advanced(self, position: Position, offset: int) -> None:
        position.offset = offset
        self._chunk.arrived()

    def _check_digest(self, answer: Answer) -> None:
        stored = answer.headers.get("docker-content-digest")
        if stored is not None and stored != self._name:
            raise DigestMismatch(
                fill(
                    _("Could not {action}: the registry stored it under another digest."),
                    action=self._requests.action,
                ),
                _("Do not use what was uploaded; report this to the registry's owner."),
            )
