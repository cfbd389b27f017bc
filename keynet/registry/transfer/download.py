"""Download a blob: streamed, resumed where it broke, hashed to its last byte.

Source: OCI distribution-spec, "Pulling blobs"; RFC 9110, "Range Requests".
"""

import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from keynet.errors import DigestMismatch, RegistryUnreachable
from keynet.net.retry import TEMPORARY_STATUSES, Budget, retry_after
from keynet.oci.descriptor import Descriptor
from keynet.registry.http.exchange import Call, Stream
from keynet.registry.http.session import Operation, Session
from keynet.text import _, fill

__all__ = ["read_blob"]

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(?:\d{1,19}|\*)")


async def read_blob(
    session: Session, repository: str, descriptor: Descriptor, start: int = 0
) -> AsyncGenerator[bytes, None]:
    """Yield the blob's bytes in order; it ends without an error only for the right digest.

    Args:
        start: The first byte to yield. Unless it is 0, the digest is not checked: who has the
            bytes before it checks the whole.

    Raises:
        DigestMismatch: Too long, or another digest; do not use the bytes that came before.
    """
    digest = descriptor.digest
    action = fill(_("read blob {digest} of {repository}"), digest=digest, repository=repository)
    hasher = hashlib.new(digest.algorithm)
    position = start
    budget = Budget(session.retries)
    while position < descriptor.size or position == 0:
        headers = {"Range": f"bytes={position}-"} if position else {}
        operation = Operation(
            Call("GET", f"/v2/{repository}/blobs/{digest}", headers),
            action,
            (f"repository:{repository}:pull",),
            repository,
        )
        try:
            async with session.stream(operation) as stream:
                skip = _skip(stream, position)
                if skip is None:
                    wish = retry_after(stream.headers.get("retry-after"))
                    temporary = stream.status in TEMPORARY_STATUSES
                    body = b"" if temporary else await _error_body(stream)
                    failure = session.failure(stream, action, body)
                    await budget.wait_or_raise(failure, wish, again=failure.temporary)
                    continue
                async with aclosing(stream.chunks()) as chunks:
                    async for chunk in chunks:
                        if skip >= len(chunk):
                            skip -= len(chunk)
                            continue
                        fresh = chunk[skip:] if skip else chunk
                        skip = 0
                        position += len(fresh)
                        if position > descriptor.size:
                            raise _mismatch(descriptor, action)
                        hasher.update(fresh)
                        budget.progress()
                        # Before the last bytes: who knows the size does not ask for more.
                        if (
                            not start
                            and position == descriptor.size
                            and hasher.hexdigest() != digest.hex
                        ):
                            raise _mismatch(descriptor, action)
                        yield fresh
        except RegistryUnreachable as error:
            await budget.wait_or_raise(error, again=error.temporary)
            continue
        if position < descriptor.size:
            short = _short(session, action, position, descriptor.size)
            await budget.wait_or_raise(short, again=True)
        elif descriptor.size == 0:
            break
    if not start and hasher.hexdigest() != digest.hex:
        raise _mismatch(descriptor, action)


def _skip(stream: Stream, position: int) -> int | None:
    """Return how many bytes of the answer are known already; None: not a usable answer."""
    if stream.status == 200:
        return position
    if stream.status == 206 and position:
        match = _CONTENT_RANGE.fullmatch(stream.headers.get("content-range", ""))
        if match is not None and int(match.group(1)) == position:
            return 0
    return None


async def _error_body(stream: Stream) -> bytes:
    async with aclosing(stream.chunks()) as chunks:
        async for chunk in chunks:
            return chunk
    return b""


def _short(session: Session, action: str, position: int, size: int) -> RegistryUnreachable:
    return RegistryUnreachable(
        fill(
            _("Could not {action} at {registry}: it ended after {position} of {size} bytes."),
            action=action,
            registry=session.registry.name,
            position=position,
            size=size,
        ),
        _("Check the network, and a proxy in between if there is one."),
        temporary=True,
    )


def _mismatch(descriptor: Descriptor, action: str) -> DigestMismatch:
    return DigestMismatch(
        fill(
            _("Could not {action}: the bytes received do not have that digest and size {size}."),
            action=action,
            size=descriptor.size,
        ),
        _("Nothing was kept. The registry or a proxy alters content; try another connection."),
    )
