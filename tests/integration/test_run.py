"""``keynet run``: limits as the program sees them, exit statuses, output, nothing left."""

import json
import os
import subprocess

import pytest

from tests.testbed.images import Hub
from tests.testbed.program import HostSetup

from .runs import IMAGE, KINDS, OLDER, ONCE, ROOTLESS, SLEEPER, WITHIN_S, Runner, left, run, started

# cgroups v1 and v2.
LIMITS = """\
cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null
"""
SEPARATION = """\
grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status
touch /anywhere 2>/dev/null || echo read-only
touch /tmp/x /workspace/x /dev/shm/x && echo writable
grep -E ' /(tmp|workspace) tmpfs ' /proc/mounts || true
"""
# As process 1 of a container, a program that does not ask for a signal ignores it.
ENDING = f"import signal; signal.signal(signal.SIGTERM, lambda *_: exit()); {SLEEPER}"


@pytest.fixture(params=KINDS)
def setup(request: pytest.FixtureRequest, runner: Runner) -> HostSetup:
    return runner(request.param)


def test_the_program_sees_the_limits_and_nothing_is_left(setup: HostSetup) -> None:
    done = run(setup, IMAGE, "--", "sh", "-c", LIMITS + SEPARATION)
    assert done.returncode == 0, done.stderr
    assert "536870912\n" in done.stdout
    assert "100000\n" in done.stdout or "100000 100000\n" in done.stdout
    assert "NoNewPrivs:\t1" in done.stdout
    assert done.stdout.count("0000000000000000") == 2
    assert "read-only\nwritable\n" in done.stdout
    assert "tmpfs" not in done.stdout, "memory instead of a volume"
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


@pytest.mark.parametrize("setup", ONCE, indirect=True)
def test_labels_name_the_run_and_its_process(setup: HostSetup) -> None:
    with started(setup, "python", "-c", ENDING):
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


@pytest.mark.parametrize("setup", ONCE, indirect=True)
@pytest.mark.parametrize(
    ("command", "status"),
    [(["sh", "-c", "exit 7"], 7), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_the_exit_status_is_that_of_the_program(
    setup: HostSetup, command: list[str], status: int
) -> None:
    assert run(setup, "--network", "none", IMAGE, "--", *command).returncode == status
    assert left(setup) == ""


@pytest.mark.parametrize("setup", ONCE, indirect=True)
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


@pytest.mark.parametrize("setup", ONCE, indirect=True)
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


# Its user may write nothing in the image, and a health check needs systemd with podman.
OF_A_USER = "FROM busybox\nUSER 1000\nHEALTHCHECK CMD false\n"
WRITES = """\
id -u
touch /anywhere 2>/dev/null || echo read-only
touch /tmp/x /workspace/x /workspace/out/x /dev/shm/x && echo writable
"""


def built(setup: HostSetup, recipe: str) -> str:
    """Build an image by this Containerfile and return its name."""
    folder = setup.home / f"built-{os.urandom(4).hex()}"
    folder.mkdir()
    (folder / "train.py").write_text("print()\n")
    (folder / "Recipe").write_text(recipe)
    flags = ("--quiet", "--builder", setup.builder, "-f", "Recipe")
    done = setup.keynet("build", "train.py", *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("setup", ONCE, indirect=True)
def test_a_user_who_is_not_root_can_write_where_the_run_says(setup: HostSetup) -> None:
    folder = setup.home / f"out-{os.urandom(4).hex()}"
    flags = ("--quiet", "--network", "none", "--output", f"{folder}:/workspace/out")
    done = run(setup, *flags, built(setup, OF_A_USER), "--", "sh", "-c", WRITES)
    assert (done.stdout, done.stderr) == ("1000\nread-only\nwritable\n", "")
    assert [each.name for each in folder.iterdir()] == ["x"]
    assert (folder / "x").stat().st_uid == os.geteuid()
    assert left(setup) == ""


@pytest.mark.parametrize("setup", ONCE, indirect=True)
def test_an_image_without_a_command_is_refused_with_what_to_name(setup: HostSetup) -> None:
    image = built(setup, "FROM scratch\nCOPY train.py /\n")
    done = run(setup, "--quiet", "--network", "none", image)
    assert done.returncode == 125
    assert "has no command of its own" in done.stderr
    assert "keynet run IMAGE -- PROGRAM" in done.stderr


@pytest.mark.parametrize("setup", ONCE, indirect=True)
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


@pytest.mark.parametrize("setup", ONCE, indirect=True)
def test_two_runs_at_once(setup: HostSetup) -> None:
    argv = setup.argv("run", "--builder", setup.builder, IMAGE, "--", "echo", "done")
    both = [
        subprocess.Popen(argv, env=dict(setup.environment), stdout=subprocess.PIPE, text=True)
        for _number in range(2)
    ]
    assert [each.communicate(timeout=WITHIN_S)[0] for each in both] == ["done\n"] * 2
    assert left(setup) == ""


@pytest.mark.parametrize("setup", ONCE, indirect=True)
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


LISTS = """\
import os, pathlib
output = pathlib.Path("/output/model")
if output.parent.exists():
    output.write_text("weights")
print(*sorted(os.listdir()))
"""


@pytest.mark.parametrize("setup", OLDER[1:], indirect=True)
def test_the_output_of_a_run_is_no_part_of_the_next_image(setup: HostSetup) -> None:
    folder = setup.home / f"output-{os.urandom(4).hex()}"
    folder.mkdir()
    (folder / "train.py").write_text(LISTS)
    flags = ("--base-image", IMAGE, "--network", "none")
    names = []
    for output in ("results", "./results", f"{folder}/results"):
        done = run(setup, "train.py", *flags, "--output", output, cwd=folder)
        assert (done.returncode, done.stdout) == (0, "train.py\n"), done.stderr
        names.append(done.stderr.partition("Running ")[2].split(",")[0].strip())
        assert (folder / "results/model").read_text() == "weights"
        (folder / "results/model").unlink()
    assert len(set(names)) == 1
    # Of another run than the one that wrote it, it is a folder of the project.
    done = run(setup, "train.py", *flags, cwd=folder)
    assert done.stdout == "results train.py\n", done.stderr


@pytest.mark.parametrize("setup", ONCE, indirect=True)
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


@pytest.mark.parametrize("setup", ROOTLESS, indirect=True)
def test_limits_that_rootless_cannot_enforce_are_named(setup: HostSetup) -> None:
    done = run(setup, "--network", "none", IMAGE, "--", "sh", "-c", SEPARATION)
    assert done.returncode == 0, done.stderr
    assert "NoNewPrivs:\t1" in done.stdout
    assert "read-only\nwritable\n" in done.stdout
    if "rootless on cgroups v1" in done.stderr:
        assert "--cpus, --memory" in done.stderr
        assert "512m memory" not in done.stderr


@pytest.mark.parametrize("setup", ROOTLESS, indirect=True)
def test_runs_of_a_new_script_at_once_keep_their_images(setup: HostSetup) -> None:
    folder = setup.home / f"at-once-{os.urandom(4).hex()}"
    lines = f"mkdir {folder} && echo 'import sys; print(sys.argv[1])' >{folder}/train.py"
    assert setup.run(setup.command("sh", "-c", lines)).returncode == 0
    # Each build makes an image of its own, and the last one takes the project's name.
    flags = ("--builder", "podman", "--base-image", IMAGE, "--network", "none", "--no-cache")
    started = [
        subprocess.Popen(
            setup.argv("run", "train.py", *flags, "--", number, cwd=folder),
            env=dict(setup.environment),
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in ("1", "2", "3")
    ]
    assert [each.communicate(timeout=WITHIN_S)[0] for each in started] == ["1\n", "2\n", "3\n"]
    names = [each["name"] for each in json.loads(setup.keynet("ps", "--json").stdout)]
    assert not any(f"{folder.name}-" in name and ":build-" in name for name in names), names


@pytest.mark.parametrize("setup", ROOTLESS, indirect=True)
def test_rootless_output_belongs_to_the_user(setup: HostSetup) -> None:
    folder = setup.home / f"out-{os.urandom(4).hex()}"
    write = "echo kept > /output/b && chmod 600 /output/b"
    done = run(setup, "--output", str(folder), "--network", "none", IMAGE, "--", "sh", "-c", write)
    assert done.returncode == 0, done.stderr
    # The home of a newer root's user is in that root.
    owner = setup.run(setup.command("stat", "--format=%U", str(folder / "b"))).stdout
    assert owner == setup.run(setup.command("stat", "--format=%U", str(setup.home))).stdout
    assert owner.strip() not in ("", "root")
