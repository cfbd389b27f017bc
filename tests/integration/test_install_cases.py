"""Installations as users have them: a base's programs, no shell, no git, heredocs, pip and uv."""

import json

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.index import Index
from tests.testbed.program import HostSetup

from .pushing import marked, small_context, through, write

BASE = "python:3.11-slim"
LAUNCH = (
    "FROM python:3.11-slim\n"
    "RUN printf '#!/usr/bin/python3\\nimport subprocess, sys\\n"
    "sys.exit(subprocess.call([sys.executable] + sys.argv[1:]))\\n' > /usr/local/bin/launch"
    " && chmod 755 /usr/local/bin/launch\nUSER 1000\n"
)
NO_SHELL = (
    'FROM python:3.11-slim\nRUN ["/usr/bin/python3", "-c", "import os\\nfor p in '
    "('/bin/sh','/bin/dash','/bin/bash','/usr/bin/sh','/usr/bin/dash','/usr/bin/bash',"
    "'/usr/local/bin/python','/usr/bin/python'):\\n  os.path.lexists(p) and os.remove(p)\"]\n"
)


def make_base(setup: HostSetup, name: str, text: str) -> str:
    """Build a base image by the setup's own engine and return its name."""
    file = setup.home / f"{name}.Containerfile"
    write(setup, file, text)
    isolation = [] if setup.builder == "docker" else ["--isolation", "chroot"]
    image = f"localhost/{name}:1"
    folder = str(small_context(setup, f"{name}-empty"))
    argv = [setup.builder, "build", "--network", "host", *isolation, "-f", str(file)]
    setup.engine(*argv, "-t", image, folder)
    return image


def run_built(setup: HostSetup, output: str) -> str:
    """Run the image that ``keynet build --json`` has named."""
    image = json.loads(output)["image"]
    if setup.builder == "docker":
        return setup.engine("docker", "run", "--rm", "--network", "none", image)
    limits = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000")
    runner = ("podman", "--runtime", "runc", "run", "--rm", "--network", "none")
    return setup.engine(*runner, *limits, image)


@pytest.mark.parametrize("name", marked({"podman": "podman", "docker-legacy": "docker"}))
def test_a_program_of_the_base_and_its_user_see_what_is_installed(
    host_setups: HostSetups, index: Index, name: str
) -> None:
    setup = host_setups.named(name)
    base = make_base(setup, "launch", LAUNCH)
    context = small_context(setup, "launched")
    write(setup, context / "requirements.txt", "tinydep\n")
    write(
        setup,
        context / "worker.py",
        "import tinydep, sys\nprint('worker sees', tinydep.__name__)\n",
    )
    start = "import subprocess, sys\nsys.exit(subprocess.call(['launch', 'worker.py']))\n"
    write(setup, context / "train.py", start)
    flags = ("--builder", setup.builder, "--base-image", base, "--json")
    told = setup.keynet("build", "train.py", *flags, cwd=context, env=through(index))
    assert told.returncode == 0, told.stderr
    assert "keynet: uv installs for Python 3.11" in told.stderr
    assert "worker sees tinydep" in run_built(setup, told.stdout)


@pytest.mark.matrix
@pytest.mark.parametrize("name", marked({"buildah": "buildah"}))
def test_a_base_without_a_shell_and_without_python_trains(
    host_setups: HostSetups, name: str
) -> None:
    setup = host_setups.named(name)
    base = make_base(setup, "no-shell", NO_SHELL)
    context = small_context(setup, "shellless")
    flags = ("--builder", setup.builder, "--base-image", base, "--json")
    told = setup.keynet("build", "train.py", *flags, cwd=context)
    assert told.returncode == 0, told.stderr
    assert "trained shellless" in run_built(setup, told.stdout)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("name", "installer"),
    [
        pytest.param("docker-buildkit", "uv", marks=pytest.mark.docker),
        pytest.param("docker-legacy", "pip", marks=pytest.mark.docker),
    ],
)
def test_a_base_without_git_is_named(
    host_setups: HostSetups, index: Index, name: str, installer: str
) -> None:
    setup = host_setups.named(name)
    context = small_context(setup, f"gitless-{installer}")
    write(setup, context / "requirements.txt", "x @ git+https://git.invalid/x.git\n")
    flags = ("--builder", setup.builder, "--base-image", BASE, "--installer", installer)
    told = setup.keynet("build", "train.py", *flags, cwd=context, env=through(index))
    assert told.returncode == 4
    said = told.stderr.partition("Error: ")[2]
    assert "the base image has no git" in said
    assert "with Python 3.11" in said
    assert "python:3.11" in said.partition("Hint: ")[2]
    assert "install.py" not in said


@pytest.mark.matrix
@pytest.mark.parametrize("name", marked({"podman": "podman"}))
def test_a_heredoc_stops_an_old_engine_before_it_builds(host_setups: HostSetups, name: str) -> None:
    setup = host_setups.named(name)
    context = small_context(setup, "heredoc")
    write(setup, context / "Own", f"FROM {BASE}\nRUN <<EOF\necho\nEOF\n")
    flags = ("--builder", setup.builder, "--dockerfile", "Own")
    told = setup.keynet("build", "train.py", *flags, cwd=context)
    assert told.returncode == 4
    assert "heredoc" in told.stderr
    assert "buildah 1.33, podman 5" in told.stderr
    assert "Building image" not in told.stderr


@pytest.mark.parametrize("name", marked({"docker-legacy": "docker"}))
def test_a_trigger_of_the_base_that_must_fail_stops_before_the_build(
    host_setups: HostSetups, name: str
) -> None:
    setup = host_setups.named(name)
    text = "FROM python:3.11-slim\nONBUILD COPY requirements.txt /usr/src/app/\n"
    base = make_base(setup, "onbuild-copy", text)
    context = small_context(setup, "triggered")
    write(setup, context / "requirements.txt", "tinydep\n")
    flags = ("--builder", setup.builder, "--base-image", base)
    told = setup.keynet("build", "train.py", *flags, cwd=context)
    assert told.returncode == 7, told.stderr
    assert "have no requirements.txt: COPY requirements.txt /usr/src/app/" in told.stderr
    assert "Building image" not in told.stderr
