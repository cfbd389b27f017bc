"""Read a layer's bytes in the caller's thread."""

from collections.abc import AsyncIterator, Iterator

from keynet.archive.layers import FileLayer
from keynet.oci.image import Layer
from keynet.process.event_loop import EventLoop

__all__ = ["layer_blocks"]


def layer_blocks(layer: Layer, loop: EventLoop) -> Iterator[bytes]:
    """Yield a layer's bytes in this thread, checked against its digest by who reads them."""
    if isinstance(layer, FileLayer):
        yield from layer.blocks()
        return
    chunks = layer.chunks()
    try:
        while (block := loop.run(_next(chunks))) is not None:
            yield block
    finally:
        loop.run(_close(chunks))


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


async def _close(chunks: AsyncIterator[bytes]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
