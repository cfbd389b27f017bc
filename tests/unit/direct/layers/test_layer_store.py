"""Layers in the cache: made once, noticed when they are damaged, written whole or not at all."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from keynet.direct.layers.layer_compression import compression
from keynet.direct.layers.layer_store import LayerStore, layer_key
from keynet.direct.layers.tar_stream import file_entry, tar_blocks

KEY = layer_key("test")


class Making:
    """Gives a tar and counts how often it was asked."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> Iterator[bytes]:
        self.count += 1
        return tar_blocks([file_entry("f", b"content")])


@pytest.fixture
def store(tmp_path: Path) -> LayerStore:
    return LayerStore(tmp_path / "layers")


def test_a_layer_is_made_once(store: LayerStore) -> None:
    making = Making()
    assert store.layer(KEY, making) == store.layer(KEY, making)
    assert making.count == 1


def test_a_build_without_the_cache_makes_it_again(store: LayerStore) -> None:
    making = Making()
    first = store.layer(KEY, making)
    assert store.layer(KEY, making, anew=True) == first
    assert making.count == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"digest": "x"}', b"\xff"])
def test_a_record_that_cannot_be_read_is_written_anew(store: LayerStore, content: bytes) -> None:
    making = Making()
    first = store.layer(KEY, making)
    (store.folder / f"key-{KEY}").write_bytes(content)
    assert store.layer(KEY, making) == first
    assert making.count == 2


@pytest.mark.parametrize("left", [-1, 0])
def test_a_truncated_layer_is_made_again(store: LayerStore, left: int) -> None:
    making = Making()
    first = store.layer(KEY, making)
    # Nothing is what a power failure may leave.
    first.path.write_bytes(first.path.read_bytes()[:left])
    assert store.layer(KEY, making).intact()


def test_a_changed_byte_is_noticed_and_made_again(store: LayerStore) -> None:
    making = Making()
    first = store.layer(KEY, making)
    content = bytearray(first.path.read_bytes())
    content[20] ^= 1
    first.path.write_bytes(content)
    assert not first.intact()
    store.forget(first)
    assert store.layer(KEY, making).intact()


def test_nobody_waits_for_the_disk(store: LayerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    assert store.layer(KEY, Making()).intact()
    assert flushed == []


def test_a_failure_leaves_no_layer(store: LayerStore) -> None:
    def fail() -> Iterator[bytes]:
        yield b"x" * 512
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.layer(KEY, fail)
    assert list(store.folder.iterdir()) == []


def test_two_pushes_at_once_make_the_same_layer(store: LayerStore) -> None:
    making = Making()
    with ThreadPoolExecutor(4) as pool:
        layers = set(pool.map(lambda _: store.layer(KEY, making), range(8)))
    assert len(layers) == 1
    assert layers.pop().intact()


def test_what_a_killed_push_left_is_removed_the_next_day(store: LayerStore) -> None:
    store.layer(KEY, Making())
    for name, age_s in (("new-old", 100_000), (".keynet-old", 100_000), ("new-now", 0)):
        file = store.folder / name
        file.write_bytes(b"x")
        os.utime(file, (time.time() - age_s,) * 2)
    store.layer(layer_key("other"), Making())
    names = {path.name for path in store.folder.iterdir()}
    assert {"new-old", ".keynet-old", "new-now"} & names == {"new-now"}


def test_other_compressions_have_layers_of_their_own(store: LayerStore) -> None:
    making = Making()
    gzipped = store.layer(KEY, making)
    other = LayerStore(store.folder, compression("zstd"))
    assert other.kept(KEY) is None
    made = other.layer(KEY, making)
    assert other.kept(KEY) == made
    assert store.kept(KEY) == gzipped
    assert (made.diff_id, made.descriptor == gzipped.descriptor) == (gzipped.diff_id, False)


def test_layers_above_the_limit_go_least_recently_used_first(tmp_path: Path) -> None:
    store = LayerStore(tmp_path / "layers", limit=1)
    layers = [store.layer(layer_key(name), partial(of, name)) for name in "abc"]
    day = 86_400
    for age, layer in zip((3, 2, 0.5), layers, strict=True):
        os.utime(layer.path, (time.time() - age * day,) * 2)
    # A use counts, and what was used in the last day stays, whatever the limit is.
    assert store.kept(layer_key("a")) == layers[0]
    store.layer(layer_key("d"), lambda: of("d"))
    assert [layer.path.exists() for layer in layers] == [True, False, True]
    assert store.kept(layer_key("b")) is None
    assert store.layer(layer_key("b"), lambda: of("b")) == layers[1]


def of(name: str) -> Iterator[bytes]:
    return tar_blocks([file_entry(name, name.encode())])
