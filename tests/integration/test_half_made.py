"""Ctrl-C, twice, while a builder makes or removes a container that nothing attributes to it yet."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .interrupting import WITHIN_S, graph_root, records, with_temporary_folder
from .pushing import NEWER, OLDER, marked, small_context, write

# Newer ones remove the record of a container first, older ones all at once.
OFTEN = ("podman", "rootless-buildah", "newer-rootless-podman")
SETUPS = [*marked(OLDER, often=OFTEN), *marked(NEWER, pytest.mark.newer, often=OFTEN)]
# Stops the builder while a container is listed without its record; then interrupts keynet, twice.
WATCHER = """
import glob, json, os, signal, sys, time
store, keynet, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
until = time.monotonic() + 300

def half_made():
    for name in glob.glob(f"{store}/*-containers/*containers.json"):
        try:
            listed = json.load(open(name)) or []
        except (OSError, ValueError):
            continue
        for each in listed:
            record = f"{os.path.dirname(name)}/{each['id']}/userdata/buildah.json"
            if not each.get("metadata") and not os.path.exists(record):
                yield each["id"]

seen = set(half_made())

def builders():
    for entry in os.listdir("/proc"):
        try:
            fields = open(f"/proc/{entry}/stat").read().rpartition(")")[2].split()
            words = open(f"/proc/{entry}/cmdline", "rb").read().split(b"\\0")
            if int(fields[1]) == keynet and b"build" in words:
                yield int(entry)
        except (OSError, ValueError, IndexError):
            pass

def runs(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

def watch(group, number):
    while runs(group) and time.monotonic() < until:
        if not set(half_made()) - seen:
            continue
        os.killpg(group, signal.SIGSTOP)
        time.sleep(0.01)
        found = set(half_made()) - seen
        seen.update(found)
        number -= bool(found)
        if not number:
            return True
        os.killpg(group, signal.SIGCONT)

while time.monotonic() < until and runs(keynet):
    if any(watch(group, number) for group in builders()):
        for _press in range(2):
            os.kill(keynet, signal.SIGINT)
            time.sleep(0.05)
        sys.exit("hit")
"""


@pytest.fixture(params=[each for each in SETUPS if "docker" not in str(each.id)])
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    return with_temporary_folder(host_setups.named(request.param))


def test_two_signals_while_a_container_is_half_made_leave_none(setup: HostSetup) -> None:
    context = small_context(setup, f"half-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", "FROM busybox\nCOPY . /workspace\nRUN true\nRUN true\n")
    build = ("build", "train.py", "--builder", setup.builder, "-f", "Recipe", "--no-cache")
    # Probes the engine.
    done = setup.keynet(*build, cwd=context)
    assert done.returncode == 0, done.stderr
    before, root = records(setup), graph_root(setup)
    for _try in range(10):
        hits = [_interrupted(setup, context, build, root, number) for number in (1, 2)]
        assert records(setup) == before
        # The watcher must look at the right moment, which it may miss on a busy machine.
        if any(hits):
            break
    assert any(hits)
    done = setup.keynet("ps", "--json")
    assert [each for each in json.loads(done.stdout) if each["kind"] == "build container"] == []


def _interrupted(
    setup: HostSetup, context: Path, build: tuple[str, ...], root: str, number: int
) -> bool:
    """Build, and interrupt at the given container that is half made; report whether one was."""
    with subprocess.Popen(
        setup.argv(*build, cwd=context),
        env={**setup.environment, "TMPDIR": str(setup.home / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        watcher = setup.command(setup.python, "-c", WATCHER, root, str(process.pid), str(number))
        watched = setup.run(watcher)
        _out, log = process.communicate(timeout=WITHIN_S)
    assert process.returncode == (130 if "hit" in watched.stderr else 0), log
    return "hit" in watched.stderr
