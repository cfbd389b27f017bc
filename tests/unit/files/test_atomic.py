"""Files are replaced as a whole, with the right mode, and failures leave nothing behind."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.files import atomic


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    former = os.umask(request.param)
    yield request.param
    os.umask(former)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_private_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    atomic.write(tmp_path / "file", "말")
    assert (tmp_path / "file").read_text("utf-8") == "말"
    assert mode(tmp_path / "file") == 0o600
    atomic.write(tmp_path / "shared", b"\xff", mode=0o666)
    assert mode(tmp_path / "shared") == 0o666 & ~umask


def test_the_mode_is_right_from_the_first_byte(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        with atomic.replacing(tmp_path / "file") as stream:
            assert stat.S_IMODE(os.fstat(stream.fileno()).st_mode) == 0o600
    finally:
        os.umask(former)


def test_a_file_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with file.open() as reader:
        atomic.write(file, "new")
        assert reader.read() == "old"
    assert file.read_text() == "new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_is_replaced_and_its_target_left(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    atomic.write(tmp_path / "link", "new")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "old"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_failure_leaves_the_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def fail() -> None:
        with atomic.replacing(file) as stream:
            stream.write(b"half")
            stream.flush()
            raise error

    with pytest.raises(error):
        fail()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_text_that_is_not_utf_8_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        atomic.write(tmp_path / "file", "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    place, new = tmp_path / "place", tmp_path / "new"
    place.mkdir()
    new.write_text("new")
    with pytest.raises(IsADirectoryError):
        atomic.write(place, "new")
    with pytest.raises(IsADirectoryError):
        atomic.move(new, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "place"]


def test_a_file_with_the_longest_name_is_replaced(tmp_path: Path) -> None:
    atomic.write(tmp_path / ("말" * 85), "x")
    assert [len(path.name.encode()) for path in tmp_path.iterdir()] == [255]


def test_a_file_in_a_folder_that_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o300)
    atomic.write(folder / "file", "x")
    folder.chmod(0o700)
    assert (folder / "file").read_text() == "x"


def test_a_finished_file_replaces_another(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "new").write_text("new")
    atomic.move(tmp_path / "new", tmp_path / "old")
    assert (tmp_path / "old").read_text() == "new"
    assert not (tmp_path / "new").exists()


_WRITER = """
import sys
from pathlib import Path
from keynet.files import atomic
for number in range(100):
    atomic.write(Path(sys.argv[1]), sys.argv[2] * 100_000)
"""


@pytest.mark.slow
def test_a_reader_never_finds_half_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    atomic.write(file, "a" * 100_000)
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, file, name]) for name in "ab"]
    while any(writer.poll() is None for writer in writers):
        content = file.read_text()
        assert content in ("a" * 100_000, "b" * 100_000)
    assert [writer.wait() for writer in writers] == [0, 0]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.medium
def test_the_content_is_on_the_disk_before_the_name(tmp_path: Path) -> None:
    traced = tmp_path / "calls"
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from keynet.files import atomic\n"
        "calls = []\n"
        "def hook(event, arguments):\n"
        "    if event == 'os.rename': calls.append(event)\n"
        "sys.addaudithook(hook)\n"
        "import os\n"
        "real = os.fsync\n"
        "def fsync(descriptor):\n"
        "    kind = 'folder' if os.path.isdir(f'/proc/self/fd/{descriptor}') else 'file'\n"
        "    calls.append(f'fsync {kind}')\n"
        "    real(descriptor)\n"
        "os.fsync = fsync\n"
        f"path = Path({str(tmp_path / 'file')!r})\n"
        "atomic.write(path, 'x')\n"
        "other = path.with_name('other')\n"
        "other.write_text('y')\n"
        "atomic.move(other, path)\n"
        f"Path({str(traced)!r}).write_text(' | '.join(calls))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    one = ["fsync file", "os.rename", "fsync folder"]
    assert traced.read_text().split(" | ") == one * 2


def test_a_cache_does_not_wait_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    atomic.write(tmp_path / "cached", "text", flushed=False)
    assert (tmp_path / "cached").read_text() == "text"
    assert flushed == []
    atomic.write(tmp_path / "lasting", "text")
    # The file, and the folder with its name.
    assert len(flushed) == 2
