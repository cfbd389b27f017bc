"""Ctrl-C during ``keynet push`` with every engine: status 130 and nothing is left behind."""

import os
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .interrupting import (
    WITHIN_S,
    interrupted,
    left,
    platform_of,
    processes,
    settled,
    sign_in,
    started,
    until,
    with_temporary_folder,
)
from .pushing import NEWER, OLDER, marked, small_context, write
from .scripted_registry import scripted_registry

OFTEN = (
    "docker-buildkit",
    "podman",
    "rootless-buildah",
    "newer-docker",
    "newer-rootless-buildah",
)


@pytest.fixture(
    params=[*marked(OLDER, often=OFTEN), *marked(NEWER, pytest.mark.newer, often=OFTEN)]
)
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    """Every setup, with a folder for temporary files of its own."""
    return with_temporary_folder(host_setups.named(request.param))


def test_interrupt_during_build_leaves_nothing(setup: HostSetup, unused_platform: str) -> None:
    # A number of seconds that no other process sleeps.
    mark = str(100_000 + int.from_bytes(os.urandom(3)))
    context = small_context(setup, f"interrupted-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", f"FROM busybox\nCOPY . /workspace\nRUN sleep {mark}\n")
    sign_in(setup, unused_platform)
    before = left(setup)
    with started(setup, context, "--dockerfile", "Recipe") as process:
        until(lambda: processes(f"sleep {mark}") != [], process)
        told = interrupted(process)
    assert process.returncode == 130, told
    until(lambda: not processes(mark))
    assert settled(setup, lambda: left(setup), before) == before


def test_interrupt_during_push_leaves_nothing(setup: HostSetup, tmp_path: Path) -> None:
    with scripted_registry(hangs=True) as hanging, platform_of(hanging.host, tmp_path) as url:
        context = small_context(setup, f"interrupted-push-{os.urandom(4).hex()}")
        write(setup, context / "Recipe", "FROM busybox\nCOPY . /workspace\n")
        sign_in(setup, url)
        before = left(setup)
        with started(setup, context, "--dockerfile", "Recipe") as process:
            assert hanging.uploading.wait(WITHIN_S), process.communicate()
            told = interrupted(process)
        assert process.returncode == 130, told
        until(lambda: not [line for line in processes(hanging.host) if "keynet" in line])
        assert settled(setup, lambda: left(setup), before) == before
