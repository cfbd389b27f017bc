"""Builds without an engine under faults: killed, two at once, no room, a base that changes."""

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed.images import Hub
from tests.testbed.layered_base import add_layer

from .direct_pushing import Pusher
from .pushing import Done, write
from .test_direct import pusher

__all__ = ["pusher"]

SMALL = "threadpoolctl==3.6.0\njoblib==1.5.1\n"
# A cache that holds nothing of other tests, but the wheels are there already.
FRESH = "XDG_CACHE_HOME"


@pytest.fixture
def context(pusher: Pusher) -> Path:
    folder = pusher.context(f"faults-{secrets.token_hex(4)}")
    write(pusher.setup, folder / "requirements.txt", SMALL)
    return folder


def pushed(pusher: Pusher, context: Path, cache: Path) -> Done:
    return pusher.done(context, **{FRESH: str(cache)})


@pytest.mark.slow
def test_a_push_that_is_killed_leaves_a_cache_that_can_be_used(
    pusher: Pusher, context: Path
) -> None:
    began = time.monotonic()
    whole = pushed(pusher, context, pusher.setup.home / "whole-cache")
    takes = time.monotonic() - began
    cache = pusher.setup.home / "killed-cache"
    killed = sum([_killed(pusher, context, cache, takes * part) for part in (0.3, 0.5, 0.7, 0.9)])
    while not killed:
        # The machine was far busier when the whole was measured.
        takes /= 2
        killed += _killed(pusher, context, cache, takes)
    again = pushed(pusher, context, cache)
    assert again.result["digest"] == whole.result["digest"]
    # Such as the logins of a package index, which lie in memory meanwhile.
    assert _in_memory(cache.stat().st_uid) == []
    assert not list((cache / "keynet/staging").iterdir())


def _killed(pusher: Pusher, context: Path, cache: Path, after_s: float) -> bool:
    """Push, and kill it after a time; report whether it had not ended by then."""
    arguments = ("push", "train.py", "--builder", "direct", "--base-image", pusher.base)
    process = subprocess.Popen(
        pusher.setup.argv(*arguments, cwd=context),
        env={**pusher.setup.environment, FRESH: str(cache)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def _in_memory(user: int) -> list[Path]:
    """List what keynet has left in memory for a user; other users' vanish meanwhile."""
    found = []
    for each in Path("/dev/shm").glob("keynet-*"):
        with contextlib.suppress(FileNotFoundError):
            if each.stat().st_uid == user:
                found.append(each)
    return found


def test_two_pushes_at_once_share_a_cache(pusher: Pusher, context: Path) -> None:
    cache = pusher.setup.home / "shared-cache"
    with ThreadPoolExecutor() as threads:
        both = list(threads.map(lambda _: pushed(pusher, context, cache), range(2)))
    assert both[0].result["digest"] == both[1].result["digest"]
    layers = cache / "keynet/direct/layers"
    assert not list(layers.glob("new-*"))


@contextlib.contextmanager
def small_disk(pusher: Pusher, size: str) -> Iterator[Path]:
    folder = pusher.setup.home / f"small-{secrets.token_hex(4)}"
    write(pusher.setup, folder / "there", "")
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "none", str(folder)], check=True
    )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("size", ["64k", "1m", "6m"])
def test_a_full_disk_is_named_and_leaves_nothing_half(
    pusher: Pusher, context: Path, size: str
) -> None:
    write(pusher.setup, context / "requirements.txt", f"{SMALL}numpy==2.2.6\n")
    with small_disk(pusher, size) as folder:
        failed = pusher.push(context, env={FRESH: str(folder)})
        assert failed.returncode in (1, 4), failed.stderr
        assert "Traceback" not in failed.stderr
        assert "space" in failed.stderr or "room" in failed.stderr, failed.stderr
        assert not list(folder.glob("keynet/direct/layers/new-*"))


def test_a_base_that_is_gone_costs_no_upload_key(pusher: Pusher, context: Path, hub: Hub) -> None:
    before = len(pusher.platform.keys)
    gone = pusher.setup.keynet(
        *("push", "train.py", "--builder", "direct"),
        *("--base-image", f"{hub.registry.host}/library/gone:1"),
        cwd=context,
    )
    assert gone.returncode in (4, 5), gone.stderr
    assert "gone:1" in gone.stderr
    assert len(pusher.platform.keys) == before


def test_a_base_whose_tag_moves_is_one_image_in_each_push(
    pusher: Pusher, context: Path, hub: Hub
) -> None:
    """What a tag points to is asked again after some minutes, as the manual says."""
    tag = "library/python:moving"
    there = replace(pusher, base=f"{hub.registry.host}/{tag}")
    add_layer(hub.registry, "library/python:3.11-slim", tag, {"etc/first": "1"})
    before = pushed(there, context, pusher.setup.home / "moving-cache")
    add_layer(hub.registry, "library/python:3.11-slim", tag, {"etc/second": "2"})
    again = pushed(there, context, pusher.setup.home / "moving-cache")
    assert again.result["digest"] == before.result["digest"]
    other = pushed(there, context, pusher.setup.home / "moved-cache")
    assert other.result["digest"] != before.result["digest"]
