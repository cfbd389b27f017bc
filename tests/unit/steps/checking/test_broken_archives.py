"""Wheels and sdists of the project that nothing can open cost no upload key."""

import bz2
import gzip
import io
import lzma
import os
import random
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe
from keynet.steps.checking import broken_archives

WHEEL = "a-1.0-py3-none-any.whl"


def _check(content: bytes | Path, name: str = WHEEL, line: str = "./archives/{}") -> None:
    listed = f"six\n{line.format(name)}\n".encode()
    dependencies = Dependencies(files={"requirements.txt": listed, f"archives/{name}": content})
    recipe = Recipe(Reference.parse("python:3.11-slim"), ("python", "x.py"), "/x", {}, dependencies)
    broken_archives.check(BuildPlan(context=Path("/x"), files=(), recipe=recipe))


def _wheel(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "Metadata-Version: 2.1\nName: a\nVersion: 1.0\n" * 40)
    return packed.getvalue()


def _tar(*names: str) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 5_000
            archive.addfile(member, io.BytesIO(random.Random(7).randbytes(5_000)))
    return packed.getvalue()


GOOD_WHEEL = _wheel("a.py", "a-1.0.dist-info/METADATA")
SDIST = _tar("a-1.0/PKG-INFO", "a-1.0/pyproject.toml")
HEAD = GOOD_WHEEL.index(b"METADATA") + len("METADATA")


@pytest.mark.parametrize("comment", [b"", b" " * 60_000])
def test_a_wheel_is_left_alone(comment: bytes) -> None:
    content = GOOD_WHEEL[:-2] + len(comment).to_bytes(2, "little") + comment
    _check(content)
    _check(content, line="a[x] @ ./archives/{}[x] --hash=sha256:00")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "not a zip archive"),
        (b"not a wheel\n", "not a zip archive"),
        (GOOD_WHEEL[:-40], "not a zip archive"),
        (b"PK\5\6" + b"\xff" * 18, ""),
        (_wheel("a.py", "METADATA"), "no METADATA in a .dist-info folder"),
        (GOOD_WHEEL[:HEAD] + b"\xff" * 9 + GOOD_WHEEL[HEAD + 9 :], "METADATA cannot be read"),
    ],
    ids=range(6),
)
def test_what_is_not_a_wheel_is_refused(content: bytes, why: str) -> None:
    if not why:
        _check(content)
        return
    with pytest.raises(ContextInvalid, match=why) as caught:
        _check(content)
    assert f"{WHEEL} of the project cannot be installed" in caught.value.message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a-1.0.tar.gz", gzip.compress(SDIST, mtime=0)),
        ("a-1.0.tgz", gzip.compress(_tar("./setup.py"), mtime=0)),
        ("a-1.0.tar.gz", gzip.compress(_tar("a-1.0/folder/setup.py"), mtime=0)),
        ("a-1.0.tar.bz2", bz2.compress(SDIST)),
        ("a-1.0.tar.xz", lzma.compress(SDIST)),
        ("a-1.0.zip", _wheel("a-1.0/setup.py")),
        ("a-1.0.tar.gz", _wheel("a-1.0/setup.py")),
        ("a-1.0.tar.gz", gzip.compress(SDIST, mtime=0) + b"signed"),
    ],
    ids=range(8),
)
def test_an_sdist_is_left_alone(name: str, content: bytes) -> None:
    _check(content, name)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a-1.0.tar.gz", b"", "not a compressed archive"),
        ("a-1.0.tar.gz", SDIST, "not a compressed archive"),
        ("a-1.0.tar.gz", gzip.compress(b"notes\n", mtime=0), "no tar archive"),
        ("a-1.0.tar.gz", gzip.compress(SDIST, mtime=0)[:-4_000], "damaged or truncated"),
        ("a-1.0.tar.gz", gzip.compress(_tar("a-1.0/README"), mtime=0), "neither pyproject.toml"),
        ("a-1.0.zip", _wheel("a-1.0/README"), "neither pyproject.toml"),
        ("a-1.0.zip", b"PK\3\4 cut", "not a zip archive"),
    ],
    ids=range(7),
)
def test_what_is_not_an_sdist_is_refused(name: str, content: bytes, why: str) -> None:
    with pytest.raises(ContextInvalid, match=why):
        _check(content, name)


@pytest.mark.parametrize("line", ["./archives/{} ; sys_platform == 'win32'", "six"])
def test_what_no_line_asks_for_everywhere_is_not_read(line: str) -> None:
    _check(b"", WHEEL, line)


def test_a_copy_that_is_gone_is_left_to_the_build(tmp_path: Path) -> None:
    _check(tmp_path / WHEEL)
    (tmp_path / WHEEL).write_bytes(b"damaged")
    with pytest.raises(ContextInvalid):
        _check(tmp_path / WHEEL)


@pytest.mark.slow
def test_a_bomb_is_read_to_a_limit(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(60_000_000), 1, mtime=0)
    many = tmp_path / WHEEL
    with many.open("wb") as file:
        file.truncate(900_000_000)
        file.seek(0, os.SEEK_END)
        file.write(b"PK\5\6" + bytes(4) + b"\xff\xff" * 2 + (850_000_000).to_bytes(4, "little"))
        file.write(bytes(6))
    tracemalloc.start()
    try:
        _check(bomb, "a-1.0.tar.gz")
        _check(many)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000_000


@pytest.mark.slow
def test_of_many_archives_only_the_first_are_read() -> None:
    tar = gzip.compress(_tar("a-1.0/setup.py") + bytes(30_000_000), 1, mtime=0)
    files: dict[str, bytes | Path] = {f"archives/a{at}-1.0.tar.gz": tar for at in range(50)}
    files["archives/a50-1.0.tar.gz"] = b""
    listed = "".join(f"./{name}\n" for name in files).encode()
    dependencies = Dependencies(files={"requirements.txt": listed, **files})
    recipe = Recipe(Reference.parse("python:3.11-slim"), ("python", "x.py"), "/x", {}, dependencies)
    broken_archives.check(BuildPlan(context=Path("/x"), files=(), recipe=recipe))


def _declaring(unpacked: int, content: bytes) -> bytes:
    """Return an archive whose directory says that its first member has that many bytes."""
    at = content.index(b"PK\1\2") + 24
    return content[:at] + unpacked.to_bytes(4, "little") + content[at + 4 :]


def test_what_would_fill_the_disk_is_refused() -> None:
    with pytest.raises(ContextInvalid, match=r"unpack to 3\.0 GB, which no package has"):
        _check(_declaring(3_000_000_000, GOOD_WHEEL))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a-1.0/data", bytes(1_000))
        archive.writestr("a-1.0/pyproject.toml", "")
    with pytest.raises(ContextInvalid, match="which no package has"):
        _check(_declaring(3_000_000_000, packed.getvalue()), "a-1.0.zip")
    # Much of nothing is not much.
    _check(_declaring(1_000_000_000, GOOD_WHEEL))
