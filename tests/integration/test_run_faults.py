"""``keynet run`` when something breaks: signals, full disks, daemons that stop or hang."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed.daemon import running_dockerd
from tests.testbed.images import Hub
from tests.testbed.machine import remove_tree
from tests.testbed.processes import running, socket_answers
from tests.testbed.program import HostSetup
from tests.testbed.stores import store_variables

from .runs import (
    IMAGE,
    KINDS,
    NEWER,
    OLDER,
    ONCE,
    RARELY,
    SLEEPER,
    WITHIN_S,
    Runner,
    left,
    placed,
    run,
    started,
)

HANDLER = """\
import signal, sys, time
def end(number, frame):
    print('got', number)
    sys.exit(9)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
time.sleep(900)
"""
DEAF = f"""\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{SLEEPER}
"""


@pytest.fixture(params=KINDS)
def setup(request: pytest.FixtureRequest, runner: Runner) -> HostSetup:
    return runner(request.param)


@contextlib.contextmanager
def small_disk(setup: HostSetup, size: str, folder: Path) -> Iterator[Path]:
    """Mount a disk of this size for the programs of the setup: those of a newer root alone."""
    folder.mkdir(parents=True)
    mount = setup.command("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    assert setup.run(mount).returncode == 0
    try:
        yield folder
    finally:
        # With what an engine has mounted below it.
        setup.run(setup.command("umount", "--recursive", "--lazy", str(folder)))
        remove_tree(folder)


@pytest.mark.parametrize("setup", ONCE, indirect=True)
def test_a_full_disk_keeps_the_output_in_the_container(setup: HostSetup) -> None:
    with small_disk(setup, "64k", setup.home / f"small-{os.urandom(4).hex()}") as small:
        write = "head -c 1000000 /dev/zero > /output/big"
        done = run(
            setup, "--output", str(small), "--network", "none", IMAGE, "--", "sh", "-c", write
        )
    assert done.returncode != 0
    assert "still in the container" in done.stderr
    assert left(setup) != ""
    cleaned = setup.keynet("clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert left(setup) == ""


@pytest.fixture(params=KINDS)
def small_store(
    request: pytest.FixtureRequest, runner: Runner, hub: Hub, bed: Path
) -> Iterator[tuple[HostSetup, Path]]:
    """An engine whose store is on a small disk of its own, and that disk."""
    setup = runner(request.param)
    # A short path: see host_setups in conftest.py.
    folder = bed / f"store-{os.urandom(4).hex()}"
    if setup.builder == "podman":
        with small_disk(setup, "24m", folder / "graph") as disk:
            storage = store_variables(folder)
            yield replace(setup, environment={**setup.environment, **storage}), disk
        return
    with (
        small_disk(setup, "24m", folder / "data") as disk,
        running_dockerd(folder, mirror=hub.mirror, place=placed(setup, request)) as daemon,
    ):
        yield replace(setup, environment={**setup.environment, "DOCKER_HOST": daemon.host}), disk


def test_a_program_that_fills_the_disk_leaves_nothing(small_store: tuple[HostSetup, Path]) -> None:
    setup, disk = small_store
    fill = ("sh", "-c", "cat /dev/zero > /tmp/big")
    done = run(setup, "--network", "none", "busybox", "--", *fill)
    assert done.returncode != 0, done.stderr
    if setup.name == "newer-podman":
        # Its database is on that disk, so that it can write down no status and remove nothing. It
        # reads no output if it cannot even write down that the container has started.
        unread = "saving container" in done.stderr
        said = "database or disk is full" if unread else "write error: No space left on device"
        assert said in done.stderr
        assert "could not remove the container" in done.stderr
        assert "Free some space" in done.stderr
        assert "Then remove the container with: keynet clean" in done.stderr
        setup.run(setup.command("mount", "-o", "remount,size=48m", str(disk)))
        cleaned = setup.keynet("clean", "--yes")
        assert cleaned.returncode == 0, cleaned.stderr
    else:
        assert "No space left on device" in done.stderr
        assert done.returncode == 1
    assert left(setup) == ""


@pytest.mark.parametrize("small_store", ONCE, indirect=True)
def test_a_disk_that_is_full_before_the_run_is_named(small_store: tuple[HostSetup, Path]) -> None:
    setup, disk = small_store
    arguments = ("--network", "none", "busybox", "--", "true")
    assert run(setup, *arguments).returncode == 0
    ballast = str(disk / "ballast")
    setup.run(setup.command("sh", "-c", 'cat /dev/zero > "$1"', "-", ballast))
    refused = run(setup, *arguments)
    assert refused.returncode == 125, refused.stderr
    assert "no space left on device" in refused.stderr
    assert "Free some space" in refused.stderr
    setup.run(setup.command("rm", ballast))
    assert left(setup) == ""


@pytest.mark.parametrize("small_store", ONCE, indirect=True)
def test_a_build_that_fills_the_disk_is_named(small_store: tuple[HostSetup, Path]) -> None:
    setup, _disk = small_store
    context = setup.home / f"fills-{os.urandom(4).hex()}"
    context.mkdir()
    (context / "train.py").write_text("print()\n")
    (context / "Recipe").write_text("FROM busybox\nRUN cat /dev/zero >/big\n")
    for command in ("build", "run"):
        flags = ("--builder", setup.builder, "-f", "Recipe")
        refused = setup.keynet(command, "train.py", *flags, cwd=context)
        assert refused.returncode == 4, refused.stderr
        assert "The disk is full. Free some space" in refused.stderr
        assert left(setup) == ""


@pytest.mark.parametrize("setup", ONCE, indirect=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_program_whose_status_counts(
    setup: HostSetup, number: signal.Signals
) -> None:
    with started(setup, "python", "-c", HANDLER) as process:
        process.send_signal(number)
        out, _err = process.communicate(timeout=WITHIN_S)
    assert (process.returncode, out) == (9, f"got {int(number)}\n")
    assert left(setup) == ""


@pytest.mark.parametrize("setup", RARELY, indirect=True)
def test_a_program_that_ignores_signals_is_killed(setup: HostSetup) -> None:
    with started(setup, "python", "-c", DEAF) as process:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130
    assert left(setup) == ""


def listed(setup: HostSetup) -> set[str]:
    """Return the states of the containers that ``keynet ps`` shows."""
    found = json.loads(setup.keynet("ps", "--json").stdout)
    return {each["state"] for each in found if each["kind"] == "container"}


@pytest.mark.parametrize("setup", ONCE, indirect=True)
def test_clean_finds_what_a_killed_client_left(setup: HostSetup) -> None:
    with started(setup, "python", "-c", SLEEPER, flags=("--network", "none")) as process:
        assert listed(setup) == {"in use"}
        spared = setup.keynet("clean", "--yes")
        assert spared.returncode == 0, spared.stderr
        assert left(setup) != ""
        process.kill()
        process.wait()
        assert listed(setup) == {"left"}
        shown = setup.keynet("clean", "--dry-run")
        assert shown.returncode == 0, shown.stderr
        assert "workspace_" in shown.stderr
        assert left(setup) != ""
        cleaned = setup.keynet("clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert left(setup) == ""


@pytest.mark.parametrize("setup", [OLDER[0], NEWER[0]], indirect=True)
def test_a_daemon_that_stops_during_a_run_is_named(
    setup: HostSetup, bed: Path, hub: Hub, request: pytest.FixtureRequest
) -> None:
    folder = bed / f"stops-{os.urandom(4).hex()}"
    with (
        # The test bed asks the daemon what is left, which has gone.
        contextlib.suppress(subprocess.CalledProcessError),
        running_dockerd(folder, mirror=hub.mirror, place=placed(setup, request)) as daemon,
    ):
        other = replace(setup, environment={**setup.environment, "DOCKER_HOST": daemon.host})
        with started(other, "python", "-c", SLEEPER, flags=("--network", "none")) as process:
            os.kill(int((daemon.socket.parent / "pid").read_text()), signal.SIGKILL)
            _out, err = process.communicate(timeout=WITHIN_S)
        assert process.returncode == 125, err
        assert "keynet clean" in err


# The service sets them for containers, which may raise none on a machine with low ones.
LIMITS = '[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=1000:1000"]\n'


@pytest.mark.parametrize("setup", [OLDER[1], NEWER[1]], indirect=True)
def test_a_service_that_stops_during_a_run_is_named(setup: HostSetup, bed: Path) -> None:
    path = bed / f"podman-{os.urandom(4).hex()}.sock"
    conf = path.with_suffix(".conf")
    conf.write_text(LIMITS)
    variables = {**setup.environment, "CONTAINERS_CONF": str(conf)}
    service = ("--runtime", "/usr/sbin/runc", "system", "service", "--time=0", f"unix://{path}")
    argv = setup.command(
        *(f"{name}={value}" for name, value in variables.items()), "podman", *service
    )
    with running(argv, log=path.with_suffix(".log"), ready=socket_answers(path)) as server:
        address = {**setup.environment, "CONTAINER_HOST": f"unix://{path}"}
        remote = replace(setup, environment=address)
        with started(remote, "python", "-c", SLEEPER, flags=("--network", "none")) as process:
            os.killpg(server.pid, signal.SIGKILL)
            _out, err = process.communicate(timeout=WITHIN_S)
        assert process.returncode == 125, err
        assert "podman stopped answering during the run" in err
        assert "keynet clean" in err
    # The container has no service above it.
    assert left(setup) != ""
    cleaned = setup.keynet("clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert left(setup) == ""


def test_engines_that_hang_on_every_call_are_given_up_and_named(
    runner: Runner, tmp_path: Path
) -> None:
    setup = runner("podman")
    programs, home, asked = tmp_path / "bin", tmp_path / "home", tmp_path / "asked"
    programs.mkdir()
    home.mkdir(mode=0o700)
    for name in ("docker", "podman"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name}" >>"{asked}"\nexec /bin/sleep 900\n')
        (programs / name).chmod(0o755)
    variables = {"PATH": str(programs), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    hanging = replace(setup, environment={**setup.environment, **variables})
    done = hanging.keynet("run", IMAGE)
    assert done.returncode == 125, done.stderr
    # 20 seconds for each of the two, and none is waited for twice.
    assert sorted(asked.read_text().split()) == ["docker", "podman"]
    for line in (
        "docker did not answer within 20 s",
        "systemctl restart docker",
        "podman did not answer within 20 s",
        "Run podman info by hand",
    ):
        assert line in done.stderr


@pytest.mark.parametrize("setup", OLDER[1:], indirect=True)
@pytest.mark.docker
def test_a_daemon_that_does_not_run_is_named(setup: HostSetup) -> None:
    nobody = {**setup.environment, "DOCKER_HOST": "unix:///tmp/no/such/docker.sock"}
    done = replace(setup, environment=nobody).keynet("run", "--builder", "docker", IMAGE)
    assert done.returncode == 125
    assert "its daemon is not running" in done.stderr
    assert "systemctl start docker" in done.stderr
