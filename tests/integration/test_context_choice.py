"""Contexts as users have them: logs that grow, odd folders, sub-folders, private files."""

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .pushing import write

BASE = "python:3.11-slim"
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000")


def _project(setup: HostSetup, files: dict[str, str]) -> Path:
    folder = setup.home / f"project-{os.urandom(4).hex()}"
    for name, text in files.items():
        write(setup, folder / name, text)
    return folder


def _build(
    setup: HostSetup,
    cwd: Path,
    *arguments: str,
    base: str = BASE,
    env: dict[str, str] | None = None,
) -> tuple[str, str]:
    """Build, run the image by its own command, and return its output and keynet's words."""
    flags = ("--builder", setup.builder, "--base-image", base)
    told = setup.keynet("build", *arguments, *flags, cwd=cwd, env=env)
    assert told.returncode == 0, told.stderr
    image = told.stdout.strip()
    if setup.builder == "docker":
        return setup.engine("docker", "run", "--rm", "--network", "host", image), told.stderr
    run = ("podman", "--runtime", "runc", "run", "--rm", "--network", "none", *LIMITS)
    return setup.engine(*run, image), told.stderr


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Let a log grow, and files come and go, while the block runs."""
    ended = threading.Event()

    def write_on() -> None:
        number = 0
        while not ended.wait(0.005):
            number += 1
            with (folder / "run.log").open("ab") as log:
                log.write(b"x" * 4_096)
            (folder / f"part.{number}").touch()
            (folder / f"part.{number - 20}").unlink(missing_ok=True)

    thread = threading.Thread(target=write_on)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.docker
@pytest.mark.matrix
def test_another_training_may_write_into_the_folder(host_setups: HostSetups) -> None:
    script = 'import os\nprint("ok", os.path.getsize("logs/run.log") >= 10_000_000)\n'
    setup = host_setups.named("docker-legacy")
    project = _project(setup, {"train.py": script, "logs/run.log": "x" * 10_000_000})
    with _writing(project / "logs"):
        output, words = _build(setup, project, "train.py")
    assert "ok True" in output
    assert "were replaced before they were read" in words


@pytest.mark.buildah
def test_a_growing_file_does_not_fail_a_containerfile_of_ones_own(
    host_setups: HostSetups,
) -> None:
    setup = host_setups.named("buildah")
    own = f'FROM {BASE}\nCOPY . /workspace\nWORKDIR /workspace\nCMD ["python3", "train.py"]\n'
    project = _project(setup, {"train.py": "print('ok')\n", "File": own, "logs/run.log": "x"})
    with _writing(project / "logs"):
        told = setup.keynet("build", "train.py", "-f", "File", "--builder", "buildah", cwd=project)
    assert told.returncode == 0, told.stderr


@pytest.mark.buildah
@pytest.mark.matrix
def test_folders_of_any_name_work(host_setups: HostSetups) -> None:
    setup = host_setups.named("buildah")
    script = "import six\nprint('ok', six.__name__)\n"
    project = _project(setup, {"train.py": script, "requirements.txt": "six\n"})
    odd = project.rename(project.with_name(f'{project.name} co:lon, "quo\'te" $HOME \\ 학습'))
    for folder in ("ca,che", "tmp"):
        (odd.parent / f"{odd.name} {folder}").mkdir()
    env = {
        "XDG_CACHE_HOME": str(odd.parent / f"{odd.name} ca,che"),
        "TMPDIR": str(odd.parent / f"{odd.name} tmp"),
    }
    output, _words = _build(setup, odd, "train.py", env=env)
    assert "ok six" in output


@pytest.mark.docker
def test_a_script_in_a_sub_folder_finds_the_roots_modules_without_a_run(
    host_setups: HostSetups,
) -> None:
    setup = host_setups.named("docker-buildkit")
    files = {
        "scripts/train.py": "import near\nfrom common.util import Y\nprint('y', Y, near)\n",
        "scripts/near.py": "",
        "common/util.py": "Y = 4\n",
        "notes.md": "x",
    }
    project = _project(setup, files)
    output, words = _build(setup, project, "scripts/train.py")
    assert "y 4 <module 'near'" in output
    assert f"{project}, 4 files, " in words


@pytest.mark.podman
def test_a_package_is_started_as_a_module_and_finds_its_dependencies(
    host_setups: HostSetups,
) -> None:
    setup = host_setups.named("podman")
    files = {
        "src/pkg/__init__.py": "",
        "src/pkg/model.py": "NAME = 'model'\n",
        "src/pkg/train.py": "import six\nfrom . import model\nprint(model.NAME, __package__)\n",
        "requirements.txt": "six\n",
    }
    project = _project(setup, files)
    output, words = _build(setup, project / "src", "pkg/train.py", "--context", "..")
    assert "model pkg" in output
    assert "python -m pkg.train" in words


@pytest.mark.docker
def test_a_private_umask_does_not_hide_files_from_the_bases_user(
    host_setups: HostSetups, tmp_path: Path
) -> None:
    setup = host_setups.named("docker-legacy")
    (tmp_path / "Dockerfile").write_text(f"FROM {BASE}\nUSER 1000\n")
    setup.engine("docker", "build", "-t", "keynet-test/user:1", str(tmp_path))
    script = "import os\nfrom lib import x\nprint('uid', os.getuid())\n"
    project = _project(setup, {"train.py": script, "lib/x.py": "", ".netrc": "password\n"})
    subprocess.run(["chmod", "-R", "go=", str(project)], check=True)
    before = os.umask(0o077)
    try:
        output, words = _build(setup, project, "train.py", base="keynet-test/user:1")
    finally:
        os.umask(before)
    assert "uid 1000" in output
    assert "stays out of the image: .netrc" in words


@pytest.mark.buildah
def test_what_is_no_script_or_has_no_folder_stops_before_an_engine(
    host_setups: HostSetups,
) -> None:
    setup = host_setups.named("buildah")
    project = _project(setup, {"a.ipynb": '{"cells": [], "nbformat": 4}', "train.py": "pass\n"})
    for script, home, word in (
        ("a.ipynb", setup.home, "jupyter nbconvert --to script a.ipynb"),
        ("train.py", project, "--context DIR"),
    ):
        told = setup.keynet("build", script, cwd=project, env={"HOME": str(home)})
        assert told.returncode == 3, told.stderr
        assert word in told.stderr
