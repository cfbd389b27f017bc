"""The tar of a layer: the same bytes whatever machine, umask, clock and order."""

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.direct.layers.tar_stream import (
    Entry,
    FilePart,
    file_entry,
    folder_entry,
    folders_above,
    header,
    link_entry,
    tar_blocks,
)
from keynet.errors import ContextInvalid


def tar_of(*entries: Entry, time_s: int = 0) -> bytes:
    return b"".join(tar_blocks(entries, time_s=time_s))


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        return {member.name: member for member in tar}


_NAMES = st.text("abc한 .-\U0001f600", min_size=1, max_size=60).filter(lambda n: n.strip(". "))


@pytest.mark.medium
@given(st.dictionaries(_NAMES, st.binary(max_size=600), max_size=8), st.randoms())
def test_the_order_of_entries_changes_nothing(files: dict[str, bytes], random: object) -> None:
    entries = [file_entry(f"r/{name}", content) for name, content in files.items()]
    shuffled = [*entries]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    content = tar_of(*shuffled)
    assert content == tar_of(*entries)
    assert {name: m.size for name, m in members(content).items()} == {
        f"r/{name}": len(content) for name, content in files.items()
    }


_PATHS = st.text("ab/한\0 \udc80", min_size=1, max_size=20) | st.integers(90, 110).map("x".__mul__)
_TIMES = st.sampled_from([0, 7, 1_800_000_000, 8**11 - 1, 8**11, -1])


@pytest.mark.medium
@given(
    st.tuples(_PATHS, st.sampled_from(["file", "folder", "link"]), st.integers(0, 0o777), _PATHS),
    _TIMES,
    st.sampled_from([0, 1, 600, 8**11 - 1, 8**11, 1 << 40]),
)
def test_headers_are_those_of_the_standard_library(
    given: tuple[str, Any, int, str], time_s: int, size: int
) -> None:
    path, kind, mode, target = given
    entry = Entry(path, kind, mode, target=target if kind == "link" else "")
    member = tarfile.TarInfo(path)
    member.mode, member.mtime, member.linkname = mode, time_s, entry.target
    member.type = {"file": b"0", "folder": b"5", "link": b"2"}[kind]
    member.size = size if kind == "file" else 0
    expected = member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    assert header(entry, size, time_s) == expected


def test_a_folder_comes_before_what_is_in_it() -> None:
    content = tar_of(file_entry("a/b-c", b""), file_entry("a/b/x", b""), folder_entry("a/b"))
    assert list(members(content)) == ["a/b", "a/b/x", "a/b-c"]


def test_owner_mode_and_time_are_not_the_hosts(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 3000)
    file.chmod(0o4777)
    os.utime(file, (1e9, 1e9))
    (member,) = members(tar_of(file_entry("r/f", file), time_s=7)).values()
    assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
    assert (member.mode, member.mtime, member.size) == (0o644, 7, 3000)


def test_long_names_and_targets_survive() -> None:
    name, target = "r/" + "한" * 90, "../" * 60 + "x"
    (member,) = members(tar_of(link_entry(name, target))).values()
    assert (member.name, member.linkname) == (name, target)


@pytest.mark.parametrize("size", [0, 5, 700_000])
def test_a_part_of_a_file_is_as_the_same_bytes(size: int, tmp_path: Path) -> None:
    content = bytes(range(256)) * 4000
    (tmp_path / "whole").write_bytes(content)
    part = FilePart(tmp_path / "whole", 11, size, b"head\n")
    expected = tar_of(file_entry("r/x", b"head\n" + content[11 : 11 + size]))
    assert tar_of(file_entry("r/x", part)) == expected


def test_a_part_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"123")
    with pytest.raises(ContextInvalid, match="truncated"):
        tar_of(file_entry("r/x", FilePart(tmp_path / "short", 1, 3)))


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "f").symlink_to("secret")
    with pytest.raises(ContextInvalid, match="r/f"):
        tar_of(file_entry("r/f", tmp_path / "f"))


def test_folders_above_the_root_are_left_to_the_base() -> None:
    found = folders_above(["opt/keynet/lib/x", "usr/lib/y"], "opt/keynet")
    assert {entry.path for entry in found} == {"opt/keynet", "opt/keynet/lib"}
