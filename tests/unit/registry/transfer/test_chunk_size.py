"""Chunks grow while all goes well, and only then."""

from keynet.registry.transfer.chunk_size import FIRST_CHUNK, ChunkSize

MIB = 1024 * 1024


def test_chunks_double_up_to_a_tenth_of_the_blob_and_32_mib() -> None:
    chunk = ChunkSize(150 * MIB)
    sizes = []
    for _chunk in range(3):
        sizes.append(chunk.size)
        chunk.arrived()
    assert sizes == [FIRST_CHUNK, 8 * MIB, 15 * MIB]
    chunk = ChunkSize(10_000 * MIB)
    for _chunk in range(9):
        chunk.arrived()
    assert chunk.size == 32 * MIB


def test_a_failure_ends_the_growth() -> None:
    chunk = ChunkSize(1000 * MIB)
    chunk.arrived()
    chunk.failed()
    chunk.arrived()
    assert chunk.size == FIRST_CHUNK


def test_a_fixed_size_changes_only_as_the_registry_wants() -> None:
    chunk = ChunkSize(1000 * MIB, fixed=MIB)
    chunk.arrived()
    chunk.failed()
    assert chunk.size == MIB
    chunk.require(3 * MIB)
    assert chunk.size == 3 * MIB
    chunk.cut(2 * MIB)
    assert chunk.size == 2 * MIB
    chunk.cut(1)
    assert chunk.size == 64 * 1024


def test_a_size_that_fails_again_and_again_shrinks_to_the_smallest_or_the_minimum() -> None:
    chunk = ChunkSize(1000 * MIB)
    sizes = []
    for _failure in range(4):
        chunk.shrink()
        sizes.append(chunk.size)
    assert sizes == [MIB, MIB // 4, MIB // 16, MIB // 16]
    chunk = ChunkSize(1000 * MIB)
    chunk.require(3 * MIB)
    chunk.shrink()
    assert chunk.size == 3 * MIB


def test_what_shrank_grows_again_to_half_of_what_failed() -> None:
    chunk = ChunkSize(1000 * MIB)
    chunk.failed()
    chunk.shrink()
    sizes = []
    for _chunk in range(3):
        sizes.append(chunk.size)
        chunk.arrived()
    assert sizes == [MIB, 2 * MIB, 2 * MIB]
