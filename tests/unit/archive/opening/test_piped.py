"""An archive from a pipe: read once, kept in a file without a name, gone on every way out."""

import asyncio
import os
from pathlib import Path

import pytest

from keynet.archive.examine import check_archive
from keynet.archive.reader import Archive, open_archive
from keynet.errors import InvalidArchive, TarReadError, UsageError
from tests.fakes.archives import docker_old, pack, random_image, tar
from tests.fakes.piping import standard_input

SOUND = tar(docker_old(random_image(1, tags=["app:1"])))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder for temporary files."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd", "xz", "bzip2"])
def test_an_archive_is_read_from_standard_input(scratch: Path, compression: str) -> None:
    with standard_input(pack(SOUND, compression)):
        assert check_archive("-") == []
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("path", ["/dev/stdin", "/dev/fd/0"])
def test_a_pipe_that_a_shell_names_is_read(path: str) -> None:
    with standard_input(SOUND), Archive(path) as archive:
        assert archive.tags == ("app:1",)


def test_a_file_as_standard_input_is_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(SOUND)
    before = os.dup(0)
    with (tmp_path / "a.tar").open("rb") as file:
        os.dup2(file.fileno(), 0)
    try:
        assert check_archive("-") == []
    finally:
        os.dup2(before, 0)
        os.close(before)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd", "xz", "bzip2"])
@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.9])
def test_a_pipe_that_ends_early_is_a_clear_error(
    scratch: Path, compression: str, part: float
) -> None:
    content = pack(SOUND, compression)
    with standard_input(content[: int(len(content) * part)]), pytest.raises(InvalidArchive) as got:
        Archive("-")
    assert "standard input" in got.value.message
    assert "truncated" in got.value.message or "end of the tar" in got.value.message or part < 0.1
    assert got.value.hint
    assert list(scratch.iterdir()) == []


def test_an_empty_pipe_is_named() -> None:
    with standard_input(b""), pytest.raises(TarReadError, match="standard input is empty"):
        Archive("-")


@pytest.mark.parametrize("content", [bytes(1 << 20), b"noise" * 100_000])
def test_what_is_no_tar_is_refused_before_it_is_kept(scratch: Path, content: bytes) -> None:
    with standard_input(content), pytest.raises(TarReadError, match="not a tar archive"):
        Archive("-")
    assert list(scratch.iterdir()) == []


def test_a_terminal_or_nothing_at_all_is_a_usage_error() -> None:
    leader, follower = os.openpty()
    before = os.dup(0)
    os.dup2(follower, 0)
    try:
        with pytest.raises(UsageError, match="it is a terminal"):
            Archive("-")
        os.close(0)
        with pytest.raises(UsageError, match="it is closed"):
            Archive("-")
    finally:
        os.dup2(before, 0)
        for descriptor in (before, leader, follower):
            os.close(descriptor)


@pytest.mark.medium
def test_nobody_waits_for_a_pipe_that_was_given_up(scratch: Path) -> None:
    async def run() -> None:
        async with open_archive("-"):
            raise AssertionError

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(run(), 0.05)

    with standard_input(None):
        # The end of asyncio.run waits for every thread.
        asyncio.run(give_up())
    assert list(scratch.iterdir()) == []


def test_a_missing_temporary_folder_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    with standard_input(SOUND), pytest.raises(TarReadError, match="cannot be read"):
        Archive("-")
