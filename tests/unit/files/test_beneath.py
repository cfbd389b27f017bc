"""A folder that somebody else filled: nothing outside of it is read."""

import ctypes
import errno
import os
import threading
from pathlib import Path

import pytest

from keynet.files.beneath import Beneath, LeavesFolder, NotRegular
from tests.counting import calls_of

_EXCHANGE = 2
_AT_FDCWD = -100


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("key")
    root = tmp_path / "project"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    (root / "sub" / "b.txt").write_text("b")
    return root


def test_reads_files_by_their_path(folder: Path) -> None:
    with Beneath(folder) as inside:
        assert inside.read("a.txt", 10) == b"a"
        assert inside.read("./sub//deep/../b.txt", 10) == b"b"
        assert inside.read("a.txt", 0) is None


def test_follows_links_that_stay_inside(folder: Path) -> None:
    (folder / "sub" / "up").symlink_to("../a.txt")
    (folder / "other").symlink_to("sub")
    (folder / "whole").symlink_to(folder.resolve() / "sub")
    with Beneath(folder) as inside:
        assert inside.read("other/up", 10) == b"a"
        assert inside.read("whole/b.txt", 10) == b"b"
        assert inside.resolve("other/up") == "a.txt"
        assert inside.resolve("whole") == "sub"
        assert inside.resolve("other/..") == ""


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("../secret", "link"),
        ("/etc/passwd", "link"),
        ("..", "link/secret"),
        ("sub/../../secret", "link"),
        ("sub/deep/../../..", "link/secret"),
        ("/", "link/etc/passwd"),
        (".", "link/../secret"),
    ],
)
def test_refuses_what_leads_out(folder: Path, target: str, path: str) -> None:
    (folder / "link").symlink_to(target)
    with Beneath(folder) as inside:
        for ask in (inside.open, inside.kind, inside.resolve, inside.names):
            with pytest.raises(LeavesFolder) as caught:
                ask(path)
            assert caught.value.filename == path


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "sub/../../secret", ".."])
def test_refuses_a_path_that_leads_out(folder: Path, path: str) -> None:
    with Beneath(folder) as inside, pytest.raises(LeavesFolder):
        inside.kind(path)


def test_a_folder_next_to_it_with_the_same_beginning_is_outside(folder: Path) -> None:
    (folder.parent / "project-2").mkdir()
    (folder / "link").symlink_to(folder.parent.resolve() / "project-2")
    with Beneath(folder) as inside, pytest.raises(LeavesFolder):
        inside.names("link")


def test_opens_neither_fifos_nor_devices_nor_folders(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "to-fifo").symlink_to("fifo")
    with Beneath(folder) as inside:
        for path in ("fifo", "to-fifo", "sub", ""):
            with pytest.raises(NotRegular):
                inside.open(path)
        assert inside.kind("fifo") == "other"


def test_names_the_kind_of_what_is_there(folder: Path) -> None:
    (folder / "broken").symlink_to("nowhere")
    with Beneath(folder) as inside:
        kinds = [inside.kind(path) for path in ("", "a.txt", "sub", "no", "a.txt/x")]
        assert kinds == ["folder", "file", "folder", None, None]
        assert inside.kind("broken") is None
        assert inside.kind("a.txt\0") is None
        assert inside.names() == ["a.txt", "broken", "sub"]
        assert inside.names("sub") == ["b.txt", "deep"]
        with pytest.raises(NotADirectoryError):
            inside.names("a.txt")
        with pytest.raises(FileNotFoundError):
            inside.resolve("no")


def test_a_loop_of_links_ends(folder: Path) -> None:
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    with Beneath(folder) as inside, pytest.raises(OSError, match="symbolic links") as caught:
        inside.open("one")
    assert caught.value.errno == errno.ELOOP


@pytest.mark.medium
def test_a_long_way_up_and_down_ends(folder: Path) -> None:
    """A path goes through 20,000 folders at most, however it is written."""
    (folder / "d" / "e").mkdir(parents=True)
    (folder / "many").symlink_to("d/../" * 800)
    with Beneath(folder) as inside:
        assert inside.resolve("many/d/e") == "d/e"
        with pytest.raises(OSError, match="symbolic links") as caught:
            inside.resolve("many/" * 39)
    assert caught.value.errno == errno.ELOOP


def test_going_up_opens_no_folder_again(folder: Path) -> None:
    deep = "/".join(["d"] * 60)
    (folder / deep).mkdir(parents=True)
    with Beneath(folder) as inside:
        opened = calls_of(lambda: inside.resolve(f"{deep}/{'../d/' * 500}"), os.open)
    assert opened <= 60 + 500


@pytest.mark.medium
def test_reading_through_links_takes_few_calls_for_each(folder: Path) -> None:
    for number in range(300):
        (folder / "sub" / f"link{number}").symlink_to("../other/b.txt")
    (folder / "other").symlink_to("sub")

    def read() -> None:
        with Beneath(folder) as inside:
            for number in range(300):
                assert inside.read(f"sub/link{number}", 10) == b"b"

    assert calls_of(read, os.open, os.readlink, os.stat) <= 300 * 10


@pytest.mark.slow
def test_links_that_lead_a_long_way_round_are_limited_together(folder: Path) -> None:
    """Each of them is one that the system would follow."""
    for number in range(400):
        (folder / f"link{number}").symlink_to("sub/../" * 500 + "a.txt")
    refused = []

    def read() -> None:
        with Beneath(folder) as inside:
            for number in range(400):
                try:
                    assert inside.read(f"link{number}", 10) == b"a"
                except OSError as error:
                    refused.append(error.errno)
            # What is reached as usual still is.
            assert inside.read("sub/b.txt", 10) == b"b"

    opened = calls_of(read, os.open)
    assert 0 < len(refused) < 400
    assert set(refused) == {errno.ELOOP}
    assert opened < 150_000


def test_a_folder_that_is_not_listable_is_passed_through(folder: Path) -> None:
    (folder / "sub").chmod(0o111)
    with Beneath(folder) as inside:
        assert inside.read("sub/b.txt", 10) == b"b"
    (folder / "sub").chmod(0o755)


def test_leaves_no_descriptor_open(folder: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    (folder / "out").symlink_to("../secret")
    with Beneath(folder) as inside:
        inside.read("sub/b.txt", 10)
        inside.kind("nowhere/at/all")
        with pytest.raises(LeavesFolder):
            inside.open("out")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.medium
def test_a_folder_exchanged_for_a_link_meanwhile_reads_nothing_outside(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("key")
    root = tmp_path / "project"
    (root / "folder").mkdir(parents=True)
    (root / "folder" / "file").write_text("own")
    (root / "other").symlink_to(outside)
    libc = ctypes.CDLL(None, use_errno=True)
    ended = threading.Event()

    def exchange() -> None:
        names = (os.fsencode(root / "folder"), os.fsencode(root / "other"))
        while not ended.is_set():
            libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE)

    thread = threading.Thread(target=exchange)
    thread.start()
    seen: set[bytes | None] = set()
    refused = 0
    try:
        with Beneath(root) as inside:
            for _attempt in range(3_000):
                try:
                    seen.add(inside.read("folder/file", 10))
                except OSError:
                    refused += 1
    finally:
        ended.set()
        thread.join()
    assert seen == {b"own"}
    assert refused


@pytest.mark.slow
def test_a_chain_of_thousands_of_links_is_refused(tmp_path: Path) -> None:
    for number in range(3_000):
        (tmp_path / f"link{number}").symlink_to(f"link{number + 1}")
    with Beneath(tmp_path) as inside, pytest.raises(OSError, match="symbolic links"):
        inside.open("link0")
    with pytest.raises(OSError, match="symbolic links"):
        Beneath(tmp_path / "link0")
