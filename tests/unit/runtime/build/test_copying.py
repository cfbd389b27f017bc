"""Copying a context that other programs write to, and that may be hostile."""

import ctypes
import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.plan import ContextFile
from keynet.runtime.build import copying
from keynet.runtime.build.copying import Copied

_EXCHANGE = 2
_AT_FDCWD = -100
_MIB = 1_048_576


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "project"
    folder.mkdir()
    yield folder
    # pytest's own removal fails on what is nested deeply.
    subprocess.run(["rm", "-rf", folder, tmp_path / "target"], check=True)


def _copy(context: Path, *paths: str, readable: bool = False) -> tuple[Path, Copied]:
    target = context.parent / "target"
    subprocess.run(["rm", "-rf", target], check=True)
    target.mkdir()
    files = [ContextFile(path, 0) for path in sorted(paths)]
    return target, copying.copy(context, files, target, readable=readable)


@pytest.mark.parametrize("size", [0, 1, _MIB, 3 * _MIB + 1])
def test_copies_content_and_time(context: Path, size: int) -> None:
    content = os.urandom(size)
    (context / "a").write_bytes(content)
    os.utime(context / "a", ns=(5, 1_234_567_890))
    target, copied = _copy(context, "a")
    assert (target / "a").read_bytes() == content
    assert (target / "a").stat().st_mtime_ns == 1_234_567_890
    assert copied == Copied()


@pytest.mark.medium
def test_a_file_that_grows_and_shrinks_meanwhile_is_copied(context: Path) -> None:
    """Whatever it has: a beginning of what was written, never what was not."""
    path = context / "train.log"
    line = b"0123456\n"
    path.write_bytes(line * 300_000)
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            with path.open("r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(line * 50_000)
                file.truncate(len(line) * 150_000)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for _attempt in range(20):
            target, copied = _copy(context, "train.log")
            content = (target / "train.log").read_bytes()
            # Linux may show zeros where a file is cut off at that moment.
            written = content.rstrip(b"\0")
            assert written == (line * 400_000)[: len(written)]
            assert copied == Copied()
    finally:
        ended.set()
        thread.join()


@pytest.mark.slow
def test_a_folder_exchanged_for_a_link_meanwhile_reads_nothing_outside(context: Path) -> None:
    outside = context.parent / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "file").write_text("key")
    (context / "folder" / "deep").mkdir(parents=True)
    (context / "folder" / "deep" / "file").write_text("own")
    (context / "other").symlink_to(outside)
    libc = ctypes.CDLL(None, use_errno=True)
    ended = threading.Event()

    def exchange() -> None:
        names = (os.fsencode(context / "folder"), os.fsencode(context / "other"))
        while not ended.is_set():
            libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE)

    files = [ContextFile(path, 0) for path in ("folder", "folder/deep", "folder/deep/file")]
    thread = threading.Thread(target=exchange)
    thread.start()
    gone = 0
    read = 0
    try:
        for attempt in range(400):
            target = context.parent / f"target-{attempt}"
            target.mkdir()
            copied = copying.copy(context, files, target, readable=False)
            copy = target / "folder" / "deep" / "file"
            gone += bool(copied.gone)
            if not (target / "folder").is_symlink() and copy.exists():
                assert copy.read_text() == "own"
                read += 1
    finally:
        ended.set()
        thread.join()
    assert gone
    assert read


def test_a_parent_that_is_a_link_is_not_followed(context: Path) -> None:
    (context.parent / "outside").mkdir()
    (context.parent / "outside" / "id_rsa").write_text("key")
    (context / "link").symlink_to("../outside")
    target, copied = _copy(context, "link/id_rsa")
    assert copied.gone == ["link/id_rsa"]
    assert not (target / "link" / "id_rsa").exists()


@pytest.mark.slow
def test_a_thousand_levels_are_copied(context: Path) -> None:
    paths = []
    for depth in range(1, 1_001):
        paths.append("/".join(["d"] * depth))
        (context / paths[-1]).mkdir()
    (context / paths[-1] / "file").write_text("deep")
    target, copied = _copy(context, *paths, f"{paths[-1]}/file", "d/a", "d-b")
    assert (target / paths[-1] / "file").read_text() == "deep"
    assert copied.gone == ["d-b", "d/a"]


def test_a_private_umask_leaves_files_readable_by_everyone(context: Path) -> None:
    (context / "sub").mkdir(mode=0o700)
    for name, mode in (("sub/a.py", 0o600), ("run.sh", 0o700), ("deploy.key", 0o600)):
        (context / name).write_text("x")
        (context / name).chmod(mode)
    (context / "write.py").write_text("x")
    (context / "write.py").chmod(0o666)
    before = os.umask(0o077)
    try:
        names = ("sub", "sub/a.py", "run.sh", "deploy.key", "write.py")
        wide, _copied = _copy(context, *names, readable=True)
        modes = {name: stat.S_IMODE((wide / name).stat().st_mode) for name in names}
        exact, _copied = _copy(context, *names)
        kept = {name: stat.S_IMODE((exact / name).stat().st_mode) for name in names}
    finally:
        os.umask(before)
    assert modes == {
        "sub": 0o755,
        "sub/a.py": 0o644,
        "run.sh": 0o755,
        "deploy.key": 0o600,
        "write.py": 0o666,
    }
    assert kept == {
        "sub": 0o700,
        "sub/a.py": 0o600,
        "run.sh": 0o700,
        "deploy.key": 0o600,
        "write.py": 0o666,
    }


def test_leaves_no_descriptor_open(context: Path) -> None:
    (context / "a").mkdir()
    (context / "a" / "b").write_text("x")
    before = len(list(Path("/proc/self/fd").iterdir()))
    _copy(context, "a", "a/b", "no/c")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
