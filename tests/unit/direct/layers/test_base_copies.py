"""Layers of a base that are kept when they are read to be saved."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keynet.direct.layers.base_copies import with_copy
from keynet.direct.layers.layer_store import LayerStore
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Layer
from keynet.oci.reference import Reference

CONTENT = b"a layer of the base" * 1000


@dataclass
class Remote:
    """A layer that counts how often it is read."""

    content: bytes = CONTENT
    origin: Reference | None = None
    descriptor: Descriptor = field(
        default_factory=lambda: Descriptor.of(MediaType.OCI_LAYER_GZIP, CONTENT)
    )
    diff_id: Digest = field(default_factory=lambda: Digest.of(CONTENT))
    reads: int = 0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        self.reads += 1
        for at in range(0, len(self.content), 700):
            yield self.content[at : at + 700]


def read(layer: Layer) -> bytes:
    async def whole() -> bytes:
        return b"".join([piece async for piece in layer.chunks()])

    return asyncio.run(whole())


def test_a_layer_is_read_once(tmp_path: Path) -> None:
    remote, store = Remote(), LayerStore(tmp_path / "layers")
    layer = with_copy(remote, store)
    assert [read(layer), read(layer), read(with_copy(remote, store))] == [CONTENT] * 3
    assert remote.reads == 1
    assert [each.name for each in store.folder.iterdir()] == [f"blob-{layer.descriptor.digest.hex}"]


def test_a_damaged_copy_is_read_again(tmp_path: Path) -> None:
    remote, store = Remote(), LayerStore(tmp_path)
    layer = with_copy(remote, store)
    read(layer)
    store.blob(layer.descriptor.digest).write_bytes(CONTENT[:-1] + b"!")
    assert read(layer) == CONTENT
    assert remote.reads == 2
    assert read(layer) == CONTENT
    assert remote.reads == 2


def test_other_bytes_than_those_of_the_digest_are_not_kept(tmp_path: Path) -> None:
    remote, store = Remote(content=CONTENT + b"!"), LayerStore(tmp_path)
    assert read(with_copy(remote, store)) == remote.content
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_is_not_read_to_its_end_leaves_nothing(tmp_path: Path) -> None:
    async def start() -> None:
        pieces = with_copy(Remote(), LayerStore(tmp_path)).chunks()
        assert isinstance(pieces, AsyncGenerator)
        await anext(pieces)
        await pieces.aclose()

    asyncio.run(start())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["", "layers"])
def test_without_room_for_a_copy_the_layer_is_read_all_the_same(tmp_path: Path, taken: str) -> None:
    (tmp_path / "file").write_text("")
    layer = with_copy(Remote(), LayerStore(tmp_path / "file" / taken))
    assert read(layer) == CONTENT
