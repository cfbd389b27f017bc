"""SIGKILL at many moments of a push: the next push or ``keynet clean`` removes all of it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup

from .engines import run_root
from .pushing import (
    NEWER,
    OLDER,
    marked,
    push,
    push_arguments,
    sign_in,
    small_context,
    write,
)

RECIPE = "FROM busybox\nCOPY . /workspace\nRUN sleep 0.3\nRUN sleep 0.4\n"
# Each kill takes seconds and depends on its moment.
pytestmark = pytest.mark.matrix
# In parts of the time that a whole push takes.
MOMENTS = (0.3, 0.5, 0.6, 0.7)


@pytest.fixture(params=[*marked(OLDER), *marked(NEWER, pytest.mark.newer)])
def setup(request: pytest.FixtureRequest, host_setups: HostSetups, platform: Platform) -> HostSetup:
    """Every setup, logged in, with a folder for temporary files of its own."""
    made = host_setups.named(request.param)
    subprocess.run(made.command("mkdir", "-p", str(made.home / "tmp")), check=True)
    sign_in(made, platform)
    return made


@pytest.mark.parametrize("then", ["clean", "push"])
def test_nothing_stays_of_pushes_that_were_killed(setup: HostSetup, then: str) -> None:
    context = small_context(setup, f"killed-{then}-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", RECIPE)
    temporary = {"TMPDIR": str(setup.home / "tmp")}
    for text in ("first", "with the engine known"):
        write(setup, context / "train.py", f"print('{text}')\n")
        started = time.monotonic()
        done = push(setup, context, "--dockerfile", "Recipe", env=temporary)
        assert done.returncode == 0, done.stderr
        whole = time.monotonic() - started
    before = _left(setup)
    stayed, killed = [], 0
    for moment in MOMENTS:
        write(setup, context / "train.py", f"print({moment})\n")
        with _started(setup, context) as process:
            time.sleep(moment * whole)
        stayed.append(_left(setup) != before)
        if then == "push":
            write(setup, context / "train.py", f"print({moment}, 'again')\n")
            done = push(setup, context, "--dockerfile", "Recipe", env=temporary)
        else:
            done = setup.keynet("clean", "--yes", env=temporary)
        assert done.returncode == 0, done.stderr
        killed += process.returncode == -signal.SIGKILL
        assert _left(setup) == before, f"{moment}: {done.stderr}"
    assert killed >= len(MOMENTS) - 2
    assert any(stayed), "no kill left anything: the test shows nothing"


def test_clean_spares_a_push_that_runs(setup: HostSetup) -> None:
    context = small_context(setup, f"running-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", "FROM busybox\nCOPY . /workspace\nRUN sleep 3\n")
    arguments = push_arguments(setup, "--dockerfile", "Recipe", base="busybox")
    process = subprocess.Popen(
        setup.argv(*arguments, cwd=context),
        env=setup.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    seen: set[str] = set()
    while process.poll() is None:
        listed = setup.keynet("ps", "--json")
        assert listed.returncode == 0, listed.stderr
        found = json.loads(listed.stdout)
        seen |= {each["kind"] for each in found if each["state"] == "in use"}
        cleaned = setup.keynet("clean", "--all", "--yes")
        assert cleaned.returncode == 0, cleaned.stderr
    output, log = process.communicate()
    assert process.returncode == 0, log
    assert json.loads(output)["digest"]
    assert {"process", "folder", "cache"} <= seen


@contextlib.contextmanager
def _started(setup: HostSetup, context: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a push, and kill it at the end of the block: keynet alone, not its programs."""
    process = subprocess.Popen(
        setup.argv(*push_arguments(setup, "--dockerfile", "Recipe", base="busybox"), cwd=context),
        env={**setup.environment, "TMPDIR": str(setup.home / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _left(setup: HostSetup) -> dict[str, list[str]]:
    """List what a killed push could leave: folders, containers, names of images, programs."""
    store = ["--root", "R", "--runroot", "U", "--storage-driver", "overlay"]
    own = setup.home / ".local/share/keynet/storage/root"
    has_own = setup.run(setup.command("test", "-d", str(own))).returncode == 0
    runtime = Path(setup.environment["XDG_RUNTIME_DIR"])
    store[1], store[3] = str(own), str(run_root(own))
    engine = [setup.builder, *(store if has_own else [])]
    containers = {
        "docker": [*engine, "ps", "--all", "--quiet"],
        "podman": [*engine, "ps", "--all", "--external", "--quiet"],
        "buildah": [*engine, "containers", "--quiet"],
    }
    repository = "Name" if setup.builder == "buildah" else "Repository"
    names = _lines(setup, *engine, "images", "--format", f"{{{{.{repository}}}}}:{{{{.Tag}}}}")
    found = {
        "containers": _lines(setup, *containers[setup.builder]),
        "names": [name for name in names if ":build-" in name or ":trial-" in name],
        "targets": [name for name in names if "kitech" in name],
    }
    for folder in (setup.home / "tmp", setup.home / ".cache/keynet/staging", runtime):
        listing = 'ls -A "$1" 2>/dev/null | grep ^keynet- || true'
        found[str(folder)] = _lines(setup, "sh", "-c", listing, "-", folder)
    found["programs"] = _programs(setup)
    return found


def _programs(setup: HostSetup) -> list[str]:
    """List the setup's own programs that were started by keynet."""
    home = f"HOME={setup.environment['HOME']}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
            if b"KEYNET_OWNER=" in environment and home in environment and b"keynet" in command:
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return sorted(found)


def _lines(setup: HostSetup, *argv: str | Path) -> list[str]:
    done = setup.run(setup.command(*map(str, argv)))
    assert done.returncode == 0, done.stderr
    return sorted(done.stdout.splitlines())
