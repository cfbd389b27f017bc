"""Compress a layer on all processors, to the same bytes on every machine.

libdeflate's output does not depend on the processor, and each MiB of the tar is a gzip member of
its own, so it does not depend on how the tar is cut or on how many processors there are. Another
version of the library may give other bytes: it is pinned, and belongs to ``LAYOUT``.

Source: RFC 1952, 2.2 (a file is a series of members).
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, Final

from keynet.oci.descriptor import Descriptor, Digest, MediaType

__all__ = ["LAYOUT", "write_layer"]

_MEMBER: Final = 1 << 20
_LEVEL: Final = 1
# What layers look like inside: another value, and no layer that was kept counts any more.
LAYOUT: Final = "1 libdeflate-1 1048576"


def write_layer(blocks: Iterable[bytes], file: BinaryIO) -> tuple[Descriptor, Digest]:
    """Write a tar compressed; return the layer's descriptor and its diff id."""
    import deflate

    whole, stored = hashlib.sha256(), hashlib.sha256()
    size = 0
    workers = os.cpu_count() or 1
    pending: deque[Future[bytes | bytearray]] = deque()

    def take() -> None:
        nonlocal size
        member = pending.popleft().result()
        stored.update(member)
        size += len(member)
        file.write(member)

    with ThreadPoolExecutor(workers, thread_name_prefix="keynet-compress") as pool:
        for member in _members(blocks):
            whole.update(member)
            pending.append(pool.submit(deflate.gzip_compress, member, _LEVEL))
            # No more than this is in memory at a time.
            while len(pending) > 2 * workers:
                take()
        while pending:
            take()
    digest = Digest("sha256", stored.hexdigest())
    return (
        Descriptor(MediaType.OCI_LAYER_GZIP, digest, size),
        Digest("sha256", whole.hexdigest()),
    )


def _members(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into pieces of one MiB; the last one is shorter."""
    held = bytearray()
    for block in blocks:
        held += block
        while len(held) >= _MEMBER:
            yield bytes(held[:_MEMBER])
            del held[:_MEMBER]
    if held:
        yield bytes(held)
