"""Files that keynet did not write: endless devices, pipes, fifos without a writer."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid, ScriptInvalid, UsageError
from keynet.files import limited_read
from keynet.files.beneath import Beneath
from keynet.recipe import certificates, containerfile, ignore
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.finding import Search
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.sources import pyproject
from keynet.script.files import source
from keynet.settings import read_pyproject
from keynet.steps.preparing import output


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert limited_read.read(file, 5) == b"12345"
    assert limited_read.read(file, 4) is None
    assert limited_read.read(Path("/dev/zero"), 100_000) is None
    with pytest.raises(IsADirectoryError):
        limited_read.read(tmp_path, 5)


def test_the_head_of_a_file_has_a_limit(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert limited_read.head(file, 3) == b"123"
    assert limited_read.head(file, 30) == b"12345"
    assert limited_read.head(file, 0) == b""


def test_a_huge_file_takes_no_memory(tmp_path: Path) -> None:
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as stream:
        stream.truncate(2**40)
    assert limited_read.read(sparse, 1_000, regular_only=True) is None
    assert limited_read.head(sparse, 1_000) == bytes(1_000)


def test_a_pipe_is_read_to_its_end() -> None:
    read, write = os.pipe()
    os.write(write, b"FROM scratch\n")
    os.close(write)
    try:
        assert limited_read.read(Path(f"/dev/fd/{read}"), 100) == b"FROM scratch\n"
        assert limited_read.read(Path(f"/dev/fd/{read}"), 100) == b""
    finally:
        os.close(read)


@pytest.mark.slow
def test_a_slow_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    script = "echo begin; sleep 0.3; echo end"
    code = "import sys; from pathlib import Path; from keynet.files import limited_read as r; "
    code += "sys.stdout.buffer.write(r.read(Path(sys.argv[1]), 100))"
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -c '{code}' <({script})"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout == "begin\nend\n"


@pytest.fixture
def shared_memory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"FROM scratch\n"])
def test_a_named_fifo_is_waited_for(tmp_path: Path, content: bytes) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def write() -> None:
        time.sleep(0.2)
        fifo.write_bytes(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert limited_read.read(fifo, 100) == content
    writer.join(120)


@pytest.mark.slow
def test_a_fifo_in_shared_memory_is_a_named_one(shared_memory: Path) -> None:
    os.mkfifo(shared_memory / "fifo")
    with pytest.raises(TimeoutError):
        limited_read.read(shared_memory / "fifo", 100)


def test_a_fifo_without_a_writer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with limited_read.opened(tmp_path / "fifo") as descriptor, pytest.raises(TimeoutError):
        limited_read.take(descriptor, 1, patience_s=0.05)


def test_only_a_regular_file_is_read_where_it_must_be_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for place in (tmp_path / "fifo", Path("/dev/zero"), tmp_path / "socket"):
            with pytest.raises(OSError, match=r"regular file|No such device"):
                limited_read.read(place, 5, regular_only=True)
    assert limited_read.read(Path(os.devnull), 5, regular_only=True) == b""
    assert limited_read.read(Path(os.devnull), 5) == b""


def test_every_file_is_closed_after_an_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for place in (tmp_path, tmp_path / "fifo", tmp_path / "nothing"):
        with pytest.raises(OSError, match=r".+"):
            limited_read.read(place, 5, regular_only=True)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("kind", ["fifo", "device", "sparse"])
def test_no_file_of_a_repository_hangs_or_fills_the_memory(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_CONFIG_FILE", raising=False)
    for name in ("train.py", "pyproject.toml", ".dockerignore", "requirements.txt", "index.json"):
        path = tmp_path / name
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        else:
            with path.open("wb") as stream:
                stream.truncate(2**40)
    started = time.monotonic()
    with pytest.raises(ScriptInvalid):
        source.load(tmp_path / "train.py")
    with pytest.raises(UsageError, match=r"pyproject.toml"):
        read_pyproject(tmp_path)
    with pytest.raises(ContextInvalid, match="ignore"):
        ignore.load(tmp_path)
    with pytest.raises(ContextInvalid):
        finding.find(Search(tmp_path))
    with Beneath(tmp_path) as beneath, pytest.raises(ContextInvalid):
        pyproject.document(Folder(beneath, tmp_path))
    with pytest.raises(UsageError, match="something else"):
        output.parse(f"oci:{tmp_path}")
    assert time.monotonic() - started < 60


def test_an_endless_device_is_too_large_for_every_reader(tmp_path: Path) -> None:
    endless = Path("/dev/zero")
    with pytest.raises(ContextInvalid, match="larger than 1 MB"):
        containerfile.read(endless)
    with pytest.raises(ContextInvalid, match="too large"):
        finding.find(Search(tmp_path, requirements=endless))
    with pytest.raises(ContextInvalid, match="too large"):
        certificates.bundle({}, str(endless))


@pytest.mark.slow
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
