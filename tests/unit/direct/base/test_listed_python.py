"""The Python of a base by the list of its files."""

import gzip
import io
import tarfile
from collections.abc import Sequence

import pytest

from keynet.direct.base.base_listing import Listing, read_layer
from keynet.direct.base.listed_python import find_python
from keynet.errors import InvalidArchive, ValidationError
from tests.tables import table

LIBC = b"\x7fELF GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"


def layer(files: dict[str, str | bytes]) -> bytes:
    """Return a layer; a text is a link's target."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def listing(*layers: dict[str, str | bytes], compressed: bool = False) -> Listing:
    found = Listing()
    for files in layers:
        content = gzip.compress(layer(files)) if compressed else layer(files)
        blocks = (content[at : at + 700] for at in range(0, len(content), 700))
        read_layer(found, blocks, "layer")
    return found


DEBIAN: dict[str, str | bytes] = {
    "bin": "usr/bin",
    "lib": "usr/lib",
    "usr/bin/python3": "python3.11",
    "usr/bin/python3.11": b"",
    "usr/lib/python3/dist-packages": b"",
    "usr/lib/x86_64-linux-gnu/libc.so.6": LIBC,
}
CONDA: dict[str, str | bytes] = {
    "opt/conda/bin/python3": "python3.10",
    "opt/conda/bin/python3.10": b"",
    "lib/x86_64-linux-gnu/libc-2.27.so": b"",
}


@pytest.mark.parametrize("compressed", [False, True])
def test_debians_python(compressed: bool) -> None:
    found = find_python(listing(DEBIAN, compressed=compressed), {}, "base")
    assert (found.version, found.executable) == ((3, 11), "/usr/bin/python3.11")
    assert found.packages == "/usr/local/lib/python3.11/dist-packages"
    assert found.glibc == 36


def test_the_first_python_on_the_path_counts() -> None:
    config = {"config": {"Env": ["PATH=/opt/conda/bin:/usr/bin"]}}
    found = find_python(listing(CONDA), config, "base")
    assert found.executable == "/opt/conda/bin/python3.10"
    assert found.packages == "/opt/conda/lib/python3.10/site-packages"
    assert found.glibc == 27


def test_links_of_folders_are_followed_within_the_image() -> None:
    config = {"config": {"Env": ["PATH=/bin"]}}
    assert find_python(listing(DEBIAN), config, "base").executable == "/usr/bin/python3.11"


def test_an_upper_layer_hides_and_replaces() -> None:
    upper: dict[str, str | bytes] = {
        "usr/bin/.wh.python3": b"",
        "usr/local/bin/python3": "/usr/bin/python3.12",
        "usr/bin/python3.12": b"",
    }
    assert find_python(listing(DEBIAN, upper), {}, "base").minor == "3.12"
    opaque: dict[str, str | bytes] = {"usr/bin/.wh..wh..opq": b""}
    with pytest.raises(ValidationError, match="no python3"):
        find_python(listing(DEBIAN, opaque), {}, "base")


def test_musl_has_wheels_of_its_own() -> None:
    files: dict[str, str | bytes] = {
        "usr/bin/python3": "python3.12",
        "usr/bin/python3.12": b"",
        "lib/ld-musl-x86_64.so.1": b"",
    }
    assert find_python(listing(files), {}, "base").glibc is None


@table(
    "files",
    [
        {},
        {"usr/bin/python3": b""},
        {"usr/bin/python3": "../../../../python3"},
        {"usr/bin/python3": "python3"},
        {"usr/bin/python3": "python3.11", "usr/bin/python3.11": b""},
        {**DEBIAN, "usr/pyvenv.cfg": b""},
    ],
)
def test_what_is_not_understood_is_an_error(files: dict[str, str | bytes]) -> None:
    with pytest.raises(ValidationError):
        find_python(listing(files), {}, "base")


@pytest.mark.parametrize("content", [b"x" * 5000, gzip.compress(b"x" * 9000, mtime=0)[:-9]])
def test_a_damaged_layer_is_an_error(content: bytes) -> None:
    with pytest.raises(InvalidArchive):
        read_layer(Listing(), _blocks(content), "layer")


def test_a_layer_is_read_to_its_end_since_its_digest_is_checked_there() -> None:
    content = layer(DEBIAN) + bytes(50_000)
    blocks = iter([content[at : at + 300] for at in range(0, len(content), 300)])
    read_layer(Listing(), blocks, "layer")
    assert next(blocks, None) is None


def _blocks(content: bytes) -> Sequence[bytes]:
    return [content[at : at + 300] for at in range(0, len(content), 300)]
