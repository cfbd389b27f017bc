"""The requests of one upload: open it, send a chunk, ask how far it is, commit it.

Source: OCI distribution-spec, "Pushing a blob in chunks".
"""

import re
from dataclasses import dataclass
from typing import Final

from keynet.errors import RegistryError, RegistryUnreachable
from keynet.net.retry import TEMPORARY_STATUSES, retry_after
from keynet.oci.descriptor import Descriptor
from keynet.registry import blobs
from keynet.registry.address import follow, with_query
from keynet.registry.http.exchange import Answer, Call
from keynet.registry.http.session import Operation, Session
from keynet.registry.http.transport_errors import SentElsewhere
from keynet.registry.transfer.blob_policy import TAKEN
from keynet.registry.transfer.blob_source import Reader
from keynet.text import _, fill

__all__ = ["Interruption", "Position", "Requests", "reported_offset"]

# A registry may take minutes to hash and move a blob of this size after its last byte.
_BIG: Final = 32 * 1024 * 1024
_RANGE: Final = r"(?:bytes[= ])?0-(\d{1,18})"
_STREAM: Final = "application/octet-stream"


@dataclass(slots=True)
class Position:
    """How far the upload is: its newest Location and the next byte."""

    location: str
    offset: int = 0


class Interruption(Exception):
    """A failure after which the upload may go on.

    Args:
        wish_s: What the registry asked for in Retry-After.
        restart: The registry's upload session cannot be used again.
        committing: All bytes were sent, so the blob may be there.
        adapted: What follows is another request than the refused one, so it need not wait.
    """

    def __init__(
        self,
        error: RegistryError,
        *,
        wish_s: float | None = None,
        restart: bool = False,
        committing: bool = False,
        adapted: bool = False,
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.wish_s = wish_s
        self.restart = restart
        self.committing = committing
        self.adapted = adapted


class Requests:
    """Make the requests of one blob's upload into one repository."""

    def __init__(
        self, session: Session, repository: str, descriptor: Descriptor, reader: Reader
    ) -> None:
        self._session = session
        self._repository = repository
        self._descriptor = descriptor
        self._reader = reader
        self._name = str(descriptor.digest)
        self._scopes = (f"repository:{repository}:pull,push",)
        self.action = fill(
            _("upload blob {digest} to {repository}"),
            digest=descriptor.digest,
            repository=repository,
        )

    async def begin(self) -> tuple[Position, int]:
        """Open an upload; return it with the least bytes that a chunk must have there."""
        call = Call("POST", f"/v2/{self._repository}/blobs/uploads/")
        answer = await self._session.send(self._operation(call, 200, 201, 202))
        position = Position("")
        follow_location(position, answer)
        if not position.location:
            raise self.protocol_error(_("the answer has no Location for the upload"))
        minimum = answer.headers.get("oci-chunk-min-length", "")
        return position, int(minimum) if re.fullmatch("[0-9]{1,12}", minimum) else 0

    async def send_chunk(self, position: Position, stop: int) -> Answer:
        """Send the bytes up to ``stop``; return the answer, whatever its status says."""
        start = position.offset
        headers = {
            "Content-Type": _STREAM,
            "Content-Length": str(stop - start),
            "Content-Range": f"{start}-{stop - 1}",
        }
        call = Call("PATCH", position.location, headers, lambda: self._reader.pieces(start, stop))
        answer = await self._once(call, committing=False)
        if answer.status in TAKEN:
            follow_location(position, answer)
        return answer

    async def commit(self, position: Position, size: int) -> Answer:
        """Close the upload, with the first ``size`` bytes; return the answer as it is."""
        call = Call(
            "PUT",
            with_query(position.location, digest=self._name),
            {"Content-Type": _STREAM, "Content-Length": str(size)},
            (lambda: self._reader.pieces(0, size)) if size else None,
            patient=self._descriptor.size >= _BIG,
        )
        return await self._once(call, committing=True)

    async def ask_offset(self, position: Position) -> int | None:
        """Ask the registry how far the upload is; None: it cannot be resumed.

        The position's Location follows the answer.
        """
        operation = self._operation(Call("GET", position.location), 200, 202, 204)
        try:
            answer = await self._session.send(operation)
        except RegistryUnreachable:
            raise
        except RegistryError:
            # Whatever the reason: the plain way is to begin again.
            return None
        offset = reported_offset(answer)
        # "0-0" means nothing at some registries and one byte at others.
        if offset is None or offset <= 1 or offset > self._descriptor.size:
            return None
        follow_location(position, answer)
        return offset

    async def arrived(self) -> bool:
        """Report whether the registry has the blob; False also when it does not tell."""
        return await self._look() is True

    async def absent(self) -> bool:
        """Report whether the registry says that it does not have the blob."""
        return await self._look() is False

    def failure(self, answer: Answer) -> RegistryError:
        """Return the error for an answer that ends the upload."""
        return self._session.failure(answer, self.action)

    def protocol_error(self, reason: str) -> RegistryError:
        """Return the error for an answer that makes no sense."""
        return RegistryError(
            fill(
                _("Could not {action} at {registry}: {reason}."),
                action=self.action,
                registry=self._session.registry.name,
                reason=reason,
            ),
            _("The registry, or a proxy in front of it, breaks the protocol."),
        )

    async def _look(self) -> bool | None:
        tries = self._session.retries.attempts
        return await blobs.look(self._session, self._repository, self._descriptor, tries=tries)

    async def _once(self, call: Call, *, committing: bool) -> Answer:
        """Make one request of the upload.

        Raises:
            Interruption: No answer, or one that asks to come again.
            RegistryError: The address that the registry named for the upload leads nowhere.
        """
        try:
            answer = await self._session.send_once(self._operation(call))
        except RegistryUnreachable as error:
            if not error.temporary or isinstance(error, SentElsewhere):
                raise
            raise Interruption(error, committing=committing) from error
        if answer.status in TEMPORARY_STATUSES:
            wish = retry_after(answer.headers.get("retry-after"))
            raise Interruption(self.failure(answer), wish_s=wish, committing=committing)
        return answer

    def _operation(self, call: Call, *expect: int) -> Operation:
        return Operation(call, self.action, self._scopes, self._repository, frozenset(expect))


def follow_location(position: Position, answer: Answer) -> None:
    """Take the Location of an answer, if it has one, for the next request."""
    location = answer.headers.get("location")
    if location:
        position.location = follow(answer.url, location)


def reported_offset(answer: Answer) -> int | None:
    """Return the number of bytes that the Range of an answer names; None without a usable one."""
    match = re.fullmatch(_RANGE, answer.headers.get("range", ""))
    return int(match.group(1)) + 1 if match else None
