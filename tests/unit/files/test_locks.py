"""Locks between processes: taken, waited for, given up."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keynet.files import locks

_HOLDER = """
import os, sys
from keynet.files import locks
descriptor = os.open(sys.argv[1], os.O_RDONLY)
assert locks.acquire(descriptor)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(argv, stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.communicate()


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def test_a_free_lock_is_taken(tmp_path: Path) -> None:
    with opened(tmp_path) as first, opened(tmp_path) as second:
        assert locks.acquire(first, wait_s=0)
        assert not locks.acquire(second, wait_s=0)
    with opened(tmp_path) as third:
        assert locks.acquire(third)


@pytest.mark.medium
def test_waiting_ends_when_the_holder_does(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as holder, opened(tmp_path) as descriptor:
        assert not locks.acquire(descriptor, wait_s=0.05)
        holder.communicate()
        assert locks.acquire(descriptor, wait_s=30)


@pytest.mark.medium
def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    with held_by_another(tmp_path) as holder, opened(tmp_path) as descriptor:
        holder.kill()
        assert locks.acquire(descriptor)


@pytest.mark.medium
def test_the_block_runs_after_the_wait(tmp_path: Path) -> None:
    with held_by_another(tmp_path):
        started = time.monotonic()
        with locks.in_turn(tmp_path, wait_s=0.1):
            assert 0.1 <= time.monotonic() - started < 10


def test_the_block_runs_without_a_folder(tmp_path: Path) -> None:
    with locks.in_turn(tmp_path / "nothing", wait_s=10):
        pass
    with pytest.raises(OSError, match="mine"), locks.in_turn(tmp_path / "nothing", wait_s=10):
        raise OSError("mine")


def test_the_block_holds_the_lock(tmp_path: Path) -> None:
    with locks.in_turn(tmp_path, wait_s=0), opened(tmp_path) as descriptor:
        assert not locks.acquire(descriptor, wait_s=0)


def test_a_file_is_locked_by_a_private_file_next_to_it(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    with locks.locked(file), opened(locks.lock_of(file)) as descriptor:
        assert not locks.acquire(descriptor, wait_s=0)
        assert (tmp_path / ".config.json.lock").stat().st_mode & 0o777 == 0o600
    assert not file.exists()


def test_a_link_named_like_the_lock_is_not_followed(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    locks.lock_of(file).symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"), locks.locked(file):
        pass
    assert not (tmp_path / "target").exists()
