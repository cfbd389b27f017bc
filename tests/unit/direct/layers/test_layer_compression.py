"""Compressed layers: a golden digest, which changes only together with the layout version."""

import gzip
import hashlib
import io
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from keynet.archive.compression import zstd_library
from keynet.direct.layers.layer_compression import LAYOUT, compression, write_layer
from keynet.oci.descriptor import MediaType

zstd = zstd_library()
_GOLDEN = "8ba20a8e389aa06efd4c8402103b8ae1657ed8fbb74f7ebabce3d4856daa2ba8"


def _content() -> bytes:
    """Return 2.5 MiB that compress neither well nor not at all."""
    block = b"".join(hashlib.sha256(bytes([n])).digest() * (n % 5 + 1) for n in range(256))
    return (block * 200)[: 5 << 19]


def _cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def test_another_library_or_level_changes_the_digest() -> None:
    """Fails when the library's bytes change: then ``LAYOUT`` has to change, too."""
    descriptor, _diff_id = write_layer([_content()], io.BytesIO(), compression("gzip"))
    assert (LAYOUT, descriptor.digest.hex) == ("1 libdeflate-1 1048576", _GOLDEN)


@pytest.mark.parametrize("size", [999, 1 << 20, 3 << 20])
def test_how_the_tar_is_cut_changes_nothing(size: int) -> None:
    file = io.BytesIO()
    descriptor, diff_id = write_layer(_cut(_content(), size), file, compression("gzip"))
    assert descriptor.digest.hex == _GOLDEN
    assert descriptor.size == len(file.getvalue())
    assert gzip.decompress(file.getvalue()) == _content()
    assert diff_id.hex == hashlib.sha256(_content()).hexdigest()


@pytest.mark.medium
def test_little_is_in_memory_on_a_machine_with_many_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    read = itertools.count(1)
    in_work: list[int] = []
    done = itertools.count(1)

    def blocks() -> Iterator[bytes]:
        for _number in range(40):
            in_work.append(next(read))
            yield bytes(1 << 20)

    def compress(member: memoryview) -> bytes:
        time.sleep(0.03)
        in_work.append(-next(done))
        return bytes(member[:1])

    write_layer(blocks(), io.BytesIO(), replace(compression("gzip"), compress=compress))
    ahead = [
        max(each for each in in_work[: at + 1]) + min(each for each in (0, *in_work[: at + 1]))
        for at in range(len(in_work))
    ]
    assert 1 < max(ahead) <= 10


@pytest.mark.parametrize("size", [999, 3 << 20])
def test_zstd_is_smaller_and_decompresses_to_the_same(size: int) -> None:
    how, file = compression("zstd"), io.BytesIO()
    descriptor, diff_id = write_layer(_cut(_content(), size), file, how)
    assert descriptor.media_type == MediaType.OCI_LAYER_ZSTD
    assert descriptor == write_layer([_content()], io.BytesIO(), how)[0]
    assert diff_id == write_layer([_content()], io.BytesIO(), compression("gzip"))[1]
    assert zstd.decompress(file.getvalue()) == _content()


def test_a_zstd_layer_is_kept_under_the_librarys_version() -> None:
    assert zstd.zstd_version in compression("zstd").tag
    assert compression("gzip").tag == ""
