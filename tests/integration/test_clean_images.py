"""``keynet clean --images``: what builds left in the engines' stores goes, and nothing else."""

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup
from tests.testbed.stores import store_variables

from .pushing import NEWER, OLDER, marked, write

RECIPE = "FROM busybox AS first\nCOPY . /first\nFROM busybox\nCOPY --from=first /first /workspace\n"
OFTEN = (
    "docker-legacy",
    "rootless-podman",
    "buildah",
    "newer-rootless-buildah",
)


@pytest.fixture(
    params=[*marked(OLDER, often=OFTEN), *marked(NEWER, pytest.mark.newer, often=OFTEN)]
)
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    return host_setups.named(request.param)


def test_what_builds_left_goes_and_nothing_else(setup: HostSetup, tmp_path: Path) -> None:
    alone = _without_other_stores(setup, tmp_path)
    # Those that other tests have pulled by their digests.
    others = _untagged(_images(setup))
    context = setup.home / f"clean-{os.urandom(4).hex()}"
    write(setup, context / "Recipe", RECIPE)
    name = f"localhost/keynet/{context.name}"
    mine = f"localhost/other/{context.name}"
    for turn in ("first", "second"):
        write(setup, context / "train.py", f"print('{turn}')\n")
        flags = ("--builder", setup.builder, "-f", "Recipe")
        built = setup.keynet("build", "train.py", *flags, cwd=context, env=alone)
        assert built.returncode == 0, built.stderr
    store = setup.home / ".local/share/keynet/storage"
    if not (own := setup.run(setup.command("test", "-e", str(store))).returncode == 0):
        images = _images(setup)
        setup.engine(setup.builder, "tag", f"{name}-{_key(images, name)}:latest", f"{mine}:1")

    asked = _clean(setup, alone)
    assert asked.returncode == 2
    assert "Pass --yes." in asked.stderr
    assert (re.search(f"store +{store}", asked.stderr) is not None) == own
    # Once, although podman and buildah both see it.
    lines = [line.split() for line in asked.stderr.splitlines() if f"{name}-" in line]
    assert {line[0] for line in lines} <= {"image"}
    listed = [line[1] for line in lines]
    assert [line.partition(":")[2] for line in listed].count("latest") == (0 if own else 1)

    done = _clean(setup, alone, "--yes")
    assert done.returncode == 0, done.stderr
    left = _images(setup)
    assert "localhost/keynet/" not in left
    assert _untagged(left) <= others
    assert own or mine in left
    again = _clean(setup, alone, "--yes")
    assert again.returncode == 0, again.stderr
    assert "There is nothing to remove." in again.stderr


def _clean(
    setup: HostSetup, variables: dict[str, str], *flags: str
) -> subprocess.CompletedProcess[str]:
    """Clean when no other keynet of this user runs, as those of other tests may."""
    for _ in range(200):
        done = setup.keynet("clean", "--images", *flags, env=variables)
        if "in use" not in done.stderr:
            break
        # Each try looks at every store.
        time.sleep(3)
    return done


def _images(setup: HostSetup) -> str:
    return setup.engine(setup.builder, "images")


def _untagged(images: str) -> set[str]:
    """Return the ids: ages and widths of the lines change."""
    return {line.split()[2] for line in images.splitlines() if "<none>" in line}


def _key(images: str, name: str) -> str:
    """Return what keynet has added to the project's name."""
    return images.partition(f"{name}-")[2].split()[0]


def _without_other_stores(setup: HostSetup, folder: Path) -> dict[str, str]:
    """Hide the machine's engines that this setup does not use from ``clean``."""
    if setup.builder == "docker":
        return store_variables(folder)
    return {"DOCKER_HOST": f"unix://{folder}/nobody.sock"}
