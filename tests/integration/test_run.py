"""``keynet run``: limits as the program sees them, signals, exit statuses, nothing left."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.testbed.daemon import Dockerd, running_dockerd
from tests.testbed.host_setups import HostSetups
from tests.testbed.images import Hub
from tests.testbed.machine import remove_tree
from tests.testbed.program import HostSetup
from tests.testbed.stores import store_variables

IMAGE = "python:3.11-slim"
# cgroups v1 and v2.
LIMITS = """\
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null
"""
SEPARATION = """\
grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status
touch /anywhere 2>/dev/null || echo read-only
touch /tmp/x /workspace/x && echo writable
stat --file-system --format=%T /tmp /workspace
"""
SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
HANDLER = """\
import signal, sys, time
def end(number, frame):
    print('got', number)
    sys.exit(9)
signal.signal(signal.SIGINT, end)
signal.signal(signal.SIGTERM, end)
print('up', flush=True)
time.sleep(60)
"""
DEAF = f"""\
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{SLEEPER}
"""
OLDER = [
    # Daemons with networks, as other tests have them, share docker0 and break each other's bridge.
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.matrix]),
    pytest.param("podman", marks=pytest.mark.podman),
]
KINDS = [
    *OLDER,
    pytest.param("newer-podman", marks=[pytest.mark.podman, pytest.mark.newer, pytest.mark.matrix]),
]
# Without a network, so on daemons without a bridge, too.
KILLED = [
    *OLDER,
    pytest.param("newer-docker", marks=[pytest.mark.docker, pytest.mark.newer]),
    pytest.param("newer-podman", marks=[pytest.mark.podman, pytest.mark.newer]),
]


Runner = Callable[[str], HostSetup]


@pytest.fixture(scope="session")
def runner(host_setups: HostSetups, request: pytest.FixtureRequest) -> Runner:
    """Return a setup by its name; docker's daemon is one with networks."""

    def named(name: str) -> HostSetup:
        if name != "docker":
            return host_setups.named(name)
        daemon: Dockerd = request.getfixturevalue("dockerd_with_networks")
        docker = host_setups.named("docker-legacy")
        return replace(docker, environment={**docker.environment, "DOCKER_HOST": daemon.host})

    return named


@pytest.fixture(params=KINDS)
def setup(request: pytest.FixtureRequest, runner: Runner) -> HostSetup:
    return runner(request.param)


def run(setup: HostSetup, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return setup.keynet("run", "--builder", setup.builder, *arguments, **more)  # type: ignore[arg-type]


def left(setup: HostSetup) -> str:
    """Return the containers and volumes that the engine has."""
    command = setup.command(setup.builder, "ps", "--all", "--quiet")
    volumes = setup.command(setup.builder, "volume", "ls", "--quiet")
    return setup.run(command).stdout + setup.run(volumes).stdout


@contextlib.contextmanager
def started(
    setup: HostSetup, *arguments: str, flags: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Start ``keynet run`` and wait for the program's first line."""
    own = ("--quiet", "--builder", setup.builder, *flags)
    process = subprocess.Popen(
        setup.argv("run", *own, IMAGE, "--", *arguments),
        env=dict(setup.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_the_program_sees_the_limits_and_nothing_is_left(setup: HostSetup) -> None:
    done = run(setup, IMAGE, "--", "sh", "-c", LIMITS + SEPARATION)
    assert done.returncode == 0, done.stderr
    assert "536870912\n" in done.stdout
    assert "100000\n" in done.stdout or "100000 100000\n" in done.stdout
    assert "NoNewPrivs:\t1" in done.stdout
    assert done.stdout.count("0000000000000000") == 2
    assert "read-only\nwritable\n" in done.stdout
    assert "tmpfs" not in done.stdout
    for part in ("1 CPU (--cpus)", "512m memory (--memory)", "keynet-network (--network)"):
        assert part in done.stderr
    assert left(setup) == ""


def test_limits_can_be_raised(setup: HostSetup) -> None:
    done = run(
        setup, "--cpus", "1.5", "-m", "1g", "--writable", "--network", "none", IMAGE, "--",
        "sh", "-c", f"{LIMITS} touch /opt/anywhere && echo writable; ls /sys/class/net",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1073741824", "150000", "writable", "lo"] or (
        "150000 100000" in done.stdout
    )


def test_labels_name_the_run_and_its_process(setup: HostSetup) -> None:
    with started(setup, "python", "-c", SLEEPER):
        listed = setup.run(setup.command(setup.builder, "ps", "--quiet")).stdout.split()
        assert len(listed) == 1
        found = setup.engine(setup.builder, "inspect", listed[0])
        labels = json.loads(found[: found.rindex("]") + 1])[0]["Config"]["Labels"]
    assert labels["keynet.managed"] == "true"
    assert {
        "keynet.created",
        "keynet.workspace.id",
        "keynet.workspace.name",
        "keynet.owner",
    } <= set(labels)


@pytest.mark.parametrize(
    ("command", "status"),
    [(["sh", "-c", "exit 7"], 7), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_the_exit_status_is_that_of_the_program(
    setup: HostSetup, command: list[str], status: int
) -> None:
    assert run(setup, "--network", "none", IMAGE, "--", *command).returncode == status
    assert left(setup) == ""


def test_what_fails_before_the_program_has_status_125(setup: HostSetup) -> None:
    for arguments, said in (
        (["localhost/keynet/nothing"], "keynet build"),
        (["no.such.example/image:1"], "could not pull it"),
        (["--gpus", "all", "--network", "none", IMAGE], "nvidia-container-toolkit"),
    ):
        done = run(setup, *arguments)
        assert done.returncode in (125, 126), done.stderr
        assert said in done.stderr
    assert left(setup) == ""


def test_no_memory_names_the_flag(setup: HostSetup) -> None:
    eat = "x = bytearray(300_000_000)"
    done = run(setup, "-q", "-m", "64m", "--network", "none", IMAGE, "--", "python", "-c", eat)
    assert done.returncode == 137
    assert "--memory 128m" in done.stderr


def test_output_is_copied_and_belongs_to_the_caller(setup: HostSetup) -> None:
    folder = setup.home / f"out-{os.urandom(4).hex()}"
    write = "mkdir /output/a && echo kept > /output/a/b && chmod 700 /output/a; exit 3"
    done = run(setup, "--output", str(folder), "--network", "none", IMAGE, "--", "sh", "-c", write)
    assert done.returncode == 3, done.stderr
    assert (folder / "a/b").read_text() == "kept\n"
    assert (folder / "a/b").stat().st_uid == os.geteuid()
    assert left(setup) == ""


# The newer root does not see what is mounted here later.
@pytest.mark.parametrize("setup", OLDER, indirect=True)
def test_a_full_disk_keeps_the_output_in_the_container(setup: HostSetup, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)], check=True)
    try:
        write = "head -c 1000000 /dev/zero > /output/big"
        done = run(
            setup, "--output", str(small), "--network", "none", IMAGE, "--", "sh", "-c", write
        )
    finally:
        subprocess.run(["umount", str(small)], check=True)
    assert done.returncode != 0
    assert "still in the container" in done.stderr
    assert left(setup) != ""
    cleaned = setup.keynet("clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert left(setup) == ""


@pytest.fixture
def small_store(runner: Runner, tmp_path: Path) -> Iterator[HostSetup]:
    """podman whose store is on a disk of 24 MB of its own."""
    folder = tmp_path / "store"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(folder)], check=True)
    setup = runner("podman")
    yield replace(setup, environment={**setup.environment, **store_variables(folder)})
    remove_tree(folder)


@pytest.mark.podman
def test_a_program_that_fills_the_disk_leaves_nothing(small_store: HostSetup) -> None:
    fill = ("sh", "-c", "cat /dev/zero > /tmp/big")
    done = run(small_store, "--network", "none", "busybox", "--", *fill)
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr
    assert left(small_store) == ""


@pytest.mark.podman
def test_a_disk_that_is_full_before_the_run_is_named(small_store: HostSetup) -> None:
    arguments = ("--network", "none", "busybox", "--", "true")
    assert run(small_store, *arguments).returncode == 0
    disk = Path(small_store.environment["CONTAINERS_STORAGE_CONF"]).parent
    with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))
    refused = run(small_store, *arguments)
    assert refused.returncode == 125, refused.stderr
    assert "no space left on device" in refused.stderr
    assert "Free some space" in refused.stderr
    (disk / "ballast").unlink()
    assert left(small_store) == ""


def test_variables_reach_the_program_alone(setup: HostSetup) -> None:
    done = run(
        setup, "--network", "none", "-e", "SECRET=two words", "-e", "HOME=/elsewhere", "-v",
        "-e", "DOCKER_HOST=tcp://192.0.2.1:1", IMAGE, "--", "env",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"SECRET=two words", "HOME=/elsewhere", "DOCKER_HOST=tcp://192.0.2.1:1"} <= set(
        done.stdout.splitlines()
    )
    assert "two words" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_program_whose_status_counts(
    setup: HostSetup, number: signal.Signals
) -> None:
    with started(setup, "python", "-c", HANDLER) as process:
        process.send_signal(number)
        out, _err = process.communicate(timeout=60)
    assert (process.returncode, out) == (9, f"got {int(number)}\n")
    assert left(setup) == ""


def test_a_program_that_ignores_signals_is_killed(setup: HostSetup) -> None:
    with started(setup, "python", "-c", DEAF) as process:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - began < 40
    assert left(setup) == ""


@pytest.mark.parametrize("setup", KILLED, indirect=True)
def test_clean_finds_what_a_killed_client_left(setup: HostSetup) -> None:
    with started(setup, "python", "-c", SLEEPER, flags=("--network", "none")) as process:
        spared = setup.keynet("clean", "--yes")
        assert spared.returncode == 0, spared.stderr
        assert left(setup) != ""
        process.kill()
        process.wait()
        cleaned = setup.keynet("clean", "--yes")
    assert cleaned.returncode == 0, cleaned.stderr
    assert left(setup) == ""


def test_two_runs_at_once(setup: HostSetup) -> None:
    argv = setup.argv("run", "--builder", setup.builder, IMAGE, "--", "echo", "done")
    both = [
        subprocess.Popen(argv, env=dict(setup.environment), stdout=subprocess.PIPE, text=True)
        for _number in range(2)
    ]
    assert [each.communicate(timeout=120)[0] for each in both] == ["done\n"] * 2
    assert left(setup) == ""


def test_a_script_is_built_once_and_run_with_its_arguments(setup: HostSetup) -> None:
    folder = setup.home / f"script-{os.urandom(4).hex()}"
    folder.mkdir()
    (folder / "train.py").write_text("import sys\nprint(sys.argv[1:])\n")
    flags = ("--base-image", IMAGE, "--network", "none")
    done = run(setup, "train.py", *flags, "--", "--epochs", "1", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['--epochs', '1']\n"
    # Half of the machine's memory, not the default of images.
    assert "512m memory" not in done.stderr
    built = setup.keynet(
        "build", "train.py", "--builder", setup.builder, *flags[:2], cwd=folder
    ).stdout.strip()
    named = run(setup, "--network", "none", built, "--", "--epochs", "2")
    assert named.stdout == "['--epochs', '2']\n", named.stderr


def test_a_script_built_without_an_engine_is_loaded_once(setup: HostSetup, hub: Hub) -> None:
    folder = setup.home / f"direct-{os.urandom(4).hex()}"
    folder.mkdir()
    flags = ("--builder", "direct", "--base-image", hub.reference("slim"), "--network", "none")
    image = ""
    for number in ("1", "1", "2"):
        (folder / "train.py").write_text(f"import sys\nprint({number}, sys.argv[1:])\n")
        done = setup.keynet("run", "train.py", *flags, "--", "--epochs", "1", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"{number} ['--epochs', '1']\n"
        listed = setup.engine(
            setup.builder, "images", "--quiet", f"localhost/keynet/{folder.name}*"
        )
        # Loaded where it is new; the image of the code before is not kept.
        assert ("Loading image" in done.stderr) == (listed.split() != image.split())
        assert len(listed.split()) == 1
        image = listed
    dangling = setup.engine(setup.builder, "images", "--quiet", "--filter", "dangling=true")
    assert dangling == ""
    assert left(setup) == ""


@pytest.mark.matrix
@pytest.mark.docker
def test_a_daemon_that_stops_during_a_run_is_named(runner: Runner, bed: Path, hub: Hub) -> None:
    docker = runner("docker")
    with (
        # The test bed asks the daemon what is left, which has gone.
        contextlib.suppress(subprocess.CalledProcessError),
        running_dockerd(bed / f"stops-{os.urandom(4).hex()}", mirror=hub.mirror) as daemon,
    ):
        other = replace(docker, environment={**docker.environment, "DOCKER_HOST": daemon.host})
        process = subprocess.Popen(
            other.argv(
                "run",
                "--quiet",
                "--builder",
                "docker",
                "--network",
                "none",
                IMAGE,
                "--",
                "python",
                "-c",
                SLEEPER,
            ),
            env=dict(other.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        os.kill(int((daemon.socket.parent / "pid").read_text()), signal.SIGKILL)
        _out, err = process.communicate(timeout=120)
        assert process.returncode == 125, err
        assert "keynet clean" in err


def test_engines_that_hang_on_every_call_are_given_up_and_named(
    runner: Runner, tmp_path: Path
) -> None:
    setup = runner("podman")
    programs, home = tmp_path / "bin", tmp_path / "home"
    programs.mkdir()
    home.mkdir(mode=0o700)
    for name in ("docker", "podman"):
        (programs / name).write_text("#!/bin/sh\nexec /bin/sleep 600\n")
        (programs / name).chmod(0o755)
    variables = {"PATH": str(programs), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    hanging = replace(setup, environment={**setup.environment, **variables})
    began = time.monotonic()
    done = hanging.keynet("run", IMAGE)
    assert done.returncode == 125, done.stderr
    # 20 seconds for each of the two.
    assert 40 <= time.monotonic() - began < 60
    for line in (
        "docker did not answer within 20 s",
        "systemctl restart docker",
        "podman did not answer within 20 s",
        "Run podman info by hand",
    ):
        assert line in done.stderr


@pytest.mark.docker
def test_a_daemon_that_does_not_run_is_named(runner: Runner) -> None:
    setup = runner("podman")
    nobody = {**setup.environment, "DOCKER_HOST": "unix:///tmp/no/such/docker.sock"}
    done = replace(setup, environment=nobody).keynet("run", "--builder", "docker", IMAGE)
    assert done.returncode == 125
    assert "its daemon is not running" in done.stderr
    assert "systemctl start docker" in done.stderr


@pytest.mark.rootless
@pytest.mark.podman
def test_limits_that_rootless_cannot_enforce_are_named(runner: Runner) -> None:
    setup = runner("rootless-podman")
    done = run(setup, "--network", "none", IMAGE, "--", "sh", "-c", SEPARATION)
    assert done.returncode == 0, done.stderr
    assert "NoNewPrivs:\t1" in done.stdout
    assert "read-only\nwritable\n" in done.stdout
    if "rootless on cgroups v1" in done.stderr:
        assert "--cpus, --memory" in done.stderr
        assert "512m memory" not in done.stderr


@pytest.mark.rootless
@pytest.mark.podman
def test_rootless_output_belongs_to_the_user(runner: Runner) -> None:
    setup = runner("rootless-podman")
    folder = setup.home / f"out-{os.urandom(4).hex()}"
    write = "echo kept > /output/b && chmod 600 /output/b"
    done = run(setup, "--output", str(folder), "--network", "none", IMAGE, "--", "sh", "-c", write)
    assert done.returncode == 0, done.stderr
    found = (folder / "b").stat()
    assert found.st_uid == setup.home.stat().st_uid
