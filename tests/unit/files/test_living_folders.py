"""Private folders: theirs alone, found when their process was killed, removed without harm."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from keynet.files import dead_folders, folder_parents, living_folders
from keynet.files.dead_folders import PrivateFolder
from keynet.files.living_folders import kind_of, living
from tests.tables import table

_HOLDER = """
import sys
from pathlib import Path
from keynet.files.living_folders import living
with living("auth", Path(sys.argv[1])) as folder:
    (folder / "auth.json").write_text("secret")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose folders for temporary files are the test's own."""
    for name in ("runtime", "temporary", "cache"):
        (tmp_path / name).mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "temporary"


@contextmanager
def holder(parent: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    argv = [sys.executable, "-c", _HOLDER, str(parent)]
    with subprocess.Popen(argv, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def killed(parent: Path) -> Path:
    """Return the folder of a process that died suddenly."""
    with holder(parent) as (process, folder):
        process.kill()
    return folder


def found() -> dict[Path, PrivateFolder]:
    """Return those of this test; the machine may have others."""
    top = Path(tempfile.gettempdir()).parent
    return {each.path: each for each in dead_folders.find() if each.path.is_relative_to(top)}


@pytest.mark.parametrize("umask", [0, 0o002, 0o022, 0o077, 0o777])
def test_nobody_else_enters_it_whatever_the_umask(temporary: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with living("auth", temporary) as folder:
            assert folder.stat().st_mode & 0o7777 == 0o700
            assert (folder / living_folders.LOCK).stat().st_mode & 0o077 == 0
    finally:
        os.umask(before)
    assert list(temporary.iterdir()) == []


@pytest.mark.medium
def test_it_lives_as_long_as_its_process(temporary: Path) -> None:
    with holder(temporary) as (process, folder):
        assert found()[folder].alive
        assert found()[folder].kind == "auth"
        assert not dead_folders.remove(found()[folder])
        assert folder not in [each.path for each in dead_folders.remove_dead()]
        process.kill()
        process.wait()
        assert not found()[folder].alive
        assert (folder / "auth.json").exists()
        assert folder in [each.path for each in dead_folders.remove_dead()]
    assert found() == {}
    assert list(temporary.iterdir()) == []


def test_a_process_sees_its_own_as_alive(temporary: Path) -> None:
    with living("build", temporary) as folder:
        assert found()[folder].alive
        dead_folders.remove_dead()
        assert folder.is_dir()


@pytest.mark.medium
def test_folders_of_an_earlier_temporary_folder_are_found(tmp_path: Path) -> None:
    job = tmp_path / "job"
    job.mkdir()
    folder = killed(job)
    assert not found()[folder].alive
    dead_folders.remove_dead()
    assert list(job.iterdir()) == []
    job.rmdir()
    assert found() == {}
    assert list((tmp_path / "cache/keynet/temporary").iterdir()) == []


def test_one_that_was_killed_before_its_lock_is_removed(temporary: Path) -> None:
    bare = temporary / f"keynet-auth-{'0' * 16}"
    bare.mkdir(mode=0o700)
    assert not found()[bare].alive
    assert dead_folders.remove(found()[bare])
    assert not bare.exists()


@pytest.mark.medium
def test_a_link_is_neither_found_nor_followed(temporary: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    (precious / "thesis").write_text("")
    link = temporary / f"keynet-auth-{'0' * 16}"
    link.symlink_to(precious)
    assert found() == {}
    folder = killed(temporary)
    (folder / "link").symlink_to(precious)
    dead = found()[folder]
    assert dead_folders.remove(dead)
    # One that was exchanged for a link after it was found.
    folder.symlink_to(precious)
    assert not dead_folders.remove(dead)
    assert (precious / "thesis").exists()


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o750])
def test_a_folder_that_others_can_enter_is_not_keynets(temporary: Path, mode: int) -> None:
    other = temporary / f"keynet-auth-{'0' * 16}"
    other.mkdir()
    other.chmod(mode)
    assert found() == {}
    assert not dead_folders.remove(PrivateFolder(other, "auth", 0, alive=False))
    assert other.exists()


@pytest.mark.medium
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_left_alone(temporary: Path) -> None:
    folder = killed(temporary)
    os.chown(folder, 12345, 12345)
    assert found() == {}
    assert not dead_folders.remove(PrivateFolder(folder, "auth", 0, alive=False))
    assert (folder / "auth.json").exists()


@pytest.mark.medium
def test_depth_and_permissions_do_not_keep_it(temporary: Path) -> None:
    folder = killed(temporary)
    below = os.open(folder, os.O_RDONLY)
    for _level in range(300):
        os.mkdir("d", dir_fd=below)
        deeper = os.open("d", os.O_RDONLY, dir_fd=below)
        os.close(below)
        below = deeper
    os.close(below)
    (folder / "closed").mkdir()
    (folder / "closed/file").write_text("")
    (folder / "closed").chmod(0)
    assert dead_folders.remove(found()[folder])
    assert not folder.exists()


@table(
    ("name", "kind"),
    [
        ("keynet-auth-0123456789abcdef", "auth"),
        ("keynet-auth-0123456789abcdef.txt", None),
        ("keynet-auth-helpers", None),
        ("my-keynet-auth-0123456789abcdef", None),
        ("keynet-0123456789abcdef", None),
    ],
)
def test_only_whole_names_are_its_own(name: str, kind: str | None) -> None:
    assert kind_of(name) == kind


def test_an_interrupt_waits_until_it_is_removed(temporary: Path) -> None:
    with pytest.raises(KeyboardInterrupt), living("auth", temporary):
        signal.raise_signal(signal.SIGINT)
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_no_moment_of_an_interrupt_leaves_one(temporary: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from keynet.files.living_folders import living\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    with living('auth', Path(sys.argv[1])):\n"
        "        pass\n"
    )
    for attempt in range(20):
        argv = [sys.executable, "-c", program, str(temporary)]
        with subprocess.Popen(argv, stdout=-1, stderr=-3, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.001 * attempt)
            for _signal in range(3):
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGINT)
            process.wait(timeout=120)
        assert list(temporary.iterdir()) == []


@pytest.mark.medium
def test_a_fork_removes_nothing_of_its_parent(temporary: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from keynet.files.living_folders import living\n"
        "with living('auth', Path(sys.argv[1])) as folder:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        sys.exit(0)\n"
        "    os.waitpid(child, 0)\n"
        "    print(folder.is_dir())\n"
    )
    argv = [sys.executable, "-c", program, str(temporary)]
    told = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert told.stdout == "True\n"


def test_credentials_go_to_the_runtime_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder_parents.runtime() == tmp_path / "runtime"
    (tmp_path / "runtime").chmod(0o770)
    assert folder_parents.runtime() != tmp_path / "runtime"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert folder_parents.runtime().is_absolute()
