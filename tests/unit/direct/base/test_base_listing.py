"""The list of a base image's files: what layers hide, and what hostile ones may cost."""

import io
import tarfile
import tracemalloc
from collections.abc import Iterable, Iterator

import pytest

from keynet.direct.base.base_listing import Listing, read_layer
from keynet.errors import InvalidArchive

END = bytes(1024)
LONG = "/".join(["folder"] * 40)


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.USTAR_FORMAT)


def paths(*layers: Iterable[str]) -> set[str]:
    found = Listing()
    for names in layers:
        read_layer(found, [*map(header, names), END], "layer")
    return found.paths


def test_a_layer_hides_nothing_of_its_own() -> None:
    own = ["a/new", "a/.wh..wh..opq", "b", ".wh.b"]
    assert paths(["a/old", "b", "b/under", "c"], own) == {"a/new", "b", "c"}


def test_a_layer_may_hide_everything() -> None:
    assert paths(["a/old", "b"], [".wh..wh..opq", "c"]) == {"c"}


def test_a_whiteout_hides_what_is_below_and_no_neighbour() -> None:
    assert paths(["a", "a/x", "ab", "ab/x"], [".wh.a"]) == {"ab", "ab/x"}


@pytest.mark.slow
def test_many_whiteouts_of_many_files_are_read() -> None:
    """As many comparisons as files times whiteouts took minutes."""
    lower = [f"a/{number}" for number in range(20_000)]
    upper = [f"a/.wh.{number}" for number in range(1, 20_000)]
    assert paths(lower, [*upper, *(f"b{number}/.wh..wh..opq" for number in range(9))]) == {"a/0"}


def test_a_long_link_is_followed() -> None:
    link = tarfile.TarInfo("usr/bin/python3")
    link.type, link.linkname = tarfile.SYMTYPE, f"../../{LONG}/python3"
    found = Listing()
    read_layer(found, [link.tobuf(tarfile.PAX_FORMAT), END], "layer")
    read_layer(found, [_long(f"{LONG}/python3"), END], "layer")
    assert found.resolve("usr/bin/python3") == f"{LONG}/python3"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_an_extension_that_fills_the_memory_is_not_read(kind: bytes) -> None:
    size = 200 << 20

    def blocks() -> Iterator[bytes]:
        yield header("x", size, kind)
        for _number in range(size >> 20):
            yield b"x" * (1 << 20)

    tracemalloc.start()
    try:
        with pytest.raises(InvalidArchive, match="extension header is too large"):
            read_layer(Listing(), blocks(), "layer")
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 << 20


def test_a_path_that_is_too_deep_is_refused() -> None:
    with pytest.raises(InvalidArchive, match="a name is too long"):
        read_layer(Listing(), [_long("a/" * 1000 + "a"), END], "layer")


def _long(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo(name))
        return stream.getvalue()
