"""Folders of the test bed: a cache kept on the machine and scratch that is always removed."""

import configparser
import contextlib
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = [
    "CHECKOUT",
    "beside_modules",
    "cache_folder",
    "check",
    "locked",
    "need",
    "remove_tree",
    "scratch",
    "tox_settings",
]

CHECKOUT = Path(__file__).resolve().parents[2]


def tox_settings() -> configparser.ConfigParser:
    """Read tox.ini, which has what the tests of another Python need."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(CHECKOUT / "tox.ini")
    return settings


def need(program: str) -> str:
    """Return the program's path, or fail: a missing engine is a failure, never a skip."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if found is None:
        raise AssertionError(f"{program} is not installed; scripts/test installs what tests need")
    return found


def beside_modules() -> dict[str, str]:
    """Return the environment in which byte code lies beside its modules, for every user.

    tox names a folder of its own for it, which no program of another user looks into.
    """
    return {name: text for name, text in os.environ.items() if name != "PYTHONPYCACHEPREFIX"}


def check(argv: Sequence[str]) -> None:
    """Run a program that makes a part of the test bed, or fail with what it says."""
    done = subprocess.run(argv, env=beside_modules(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{argv} gave {done.returncode}: {done.stdout}{done.stderr}")


def cache_folder() -> Path:
    """Return what is made once a machine: readable by every user of it."""
    folder = Path(os.environ.get("KEYNET_TESTBED_CACHE", "/var/cache/keynet-testbed"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold one lock of the cache, so that test runs side by side make a thing once."""
    with (cache_folder() / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Make a folder that other users may enter; unmount and remove everything in it after."""
    folder = Path(tempfile.mkdtemp(prefix=f"kb-{name}-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder although engines left mounts in it, and programs that still end."""
    for again in reversed(range(10)):
        for target in reversed(_mounts_below(folder)):
            subprocess.run(["umount", "--lazy", target], check=False, capture_output=True)
        # rm knows read-only folders and files that vanish meanwhile; shutil.rmtree does not.
        argv = ["rm", "-rf", "--one-file-system", str(folder)]
        if subprocess.run(argv, check=not again).returncode == 0:
            return
        time.sleep(1)


def _mounts_below(folder: Path) -> list[str]:
    below = f"{folder}/"
    lines = Path("/proc/self/mounts").read_text().splitlines()
    targets = (line.split(" ")[1].encode().decode("unicode_escape") for line in lines)
    return [target for target in targets if f"{target}/".startswith(below)]
