"""Files that somebody names: devices without an end, pipes without a size."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.files import limited_read
from keynet.recipe import certificates, containerfile
from keynet.recipe.dependencies import finding


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert limited_read.read(file, 5) == b"12345"
    assert limited_read.read(file, 4) is None
    assert limited_read.read(Path("/dev/zero"), 100_000) is None
    with pytest.raises(IsADirectoryError):
        limited_read.read(tmp_path, 5)


def test_a_pipe_is_read_to_its_end() -> None:
    read, write = os.pipe()
    os.write(write, b"FROM scratch\n")
    os.close(write)
    try:
        assert limited_read.read(Path(f"/dev/fd/{read}"), 100) == b"FROM scratch\n"
    finally:
        os.close(read)


def test_a_device_without_an_end_is_too_large_for_anything(tmp_path: Path) -> None:
    endless = Path("/dev/zero")
    with pytest.raises(ContextInvalid, match="larger than 1 MB"):
        containerfile.read(endless)
    with pytest.raises(ContextInvalid, match="too large"):
        finding.find(tmp_path, endless, {})
    with pytest.raises(ContextInvalid, match="too large"):
        certificates.bundle({}, str(endless))


@pytest.mark.parametrize("named", ["-", "/dev/stdin"])
def test_a_containerfile_comes_on_standard_input_too(tmp_path: Path, named: str) -> None:
    (tmp_path / "train.py").write_text("print(1)\n")
    done = subprocess.run(
        [sys.executable, "-m", "keynet", "build", "train.py", "--dry-run", "-f", named],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        input="FROM scratch\nCOPY . /here\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "COPY . /here" in done.stdout
