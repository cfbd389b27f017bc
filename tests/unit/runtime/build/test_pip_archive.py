"""pip as a zip file: the same bytes each time, kept between pushes."""

import io
import zipfile
from pathlib import Path

import pytest

from keynet.runtime.build import pip_archive


@pytest.mark.medium
def test_pip_archive_is_the_same_again_and_holds_no_windows_launcher() -> None:
    packed = pip_archive.build().content
    assert isinstance(packed, bytes)
    assert packed == pip_archive.build().content
    names = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    assert "pip/__main__.py" in names
    assert not [name for name in names if name.endswith((".exe", ".pyc"))]


@pytest.mark.slow
def test_pip_archive_is_made_once_and_left_for_the_next_push(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    made = pip_archive.build(folder)
    assert isinstance(made.content, Path)
    assert made.content.read_bytes() == pip_archive.build().content
    inode = made.content.stat().st_ino
    assert pip_archive.build(folder) == made
    assert made.content.stat().st_ino == inode


@pytest.mark.medium
def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = pip_archive.build(tmp_path / "file" / "cache")
    assert made.content == pip_archive.build().content
