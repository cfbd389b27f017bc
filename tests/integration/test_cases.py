"""Small projects as users have them, built by the program: the right image, or a clear word.

Each lies in tests/cases/build. Here each is built with one engine; `tox -e matrix` builds each with
every engine and installer.
"""

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engines import Host, engine_command, make_host, marked
from tests.testbed.machine import CHECKOUT

CASES = CHECKOUT / "tests/cases/build"
BASE = "python:3.11-slim"
KINDS = ("buildah-root", "podman-root", "docker-legacy", "docker-buildkit")
CHROOT = ("--isolation", "chroot", "--network", "host")
# What the writers of the growing file begin with.
BEGINS_WITH = 30_000_000
LIMITS = ("--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000")


@dataclass(frozen=True)
class Case:
    """A project and what comes out.

    ``prints`` is what the image prints last; without it the build stops with one of ``statuses``.
    ``says`` are words of keynet's own. ``base`` is a Containerfile of the case that makes its base
    image; ``writer`` is a program that changes the context meanwhile.
    """

    folder: str
    prints: str | None = None
    says: tuple[str, ...] = ()
    script: str = "train.py"
    arguments: tuple[str, ...] = ("--base-image", BASE)
    statuses: tuple[int, ...] = (0,)
    base: str | None = None
    writer: str | None = None
    renamed: tuple[str, str] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    newer_prints: str | None = None
    kind: str | None = None


STOPS = (3, 4)
ALL = {
    "a wheel of the project": Case("local-wheel", "tinypkg 1.0", ("requirements.txt, 1",)),
    "a wheel by find-links": Case(
        "local-wheel", "tinypkg 1.0", renamed=("find-links.txt", "requirements.txt")
    ),
    "a command of the base": Case(
        "base-command", "worker has six 1.16.0", base="Base.Containerfile"
    ),
    "a member of the workspace": Case("uv-sources", "0.1 of the workspace"),
    "a lock": Case("lock-ignored", "1.15.0", ("uv.lock, 1",)),
    "conda": Case("silent-none/conda", "1.16.0", ("environment.yml",)),
    "pipenv": Case("silent-none/pipenv", "1.16.0", ("Pipfile",)),
    "poetry": Case("silent-none/poetry-2", "1.16.0", ("pyproject.toml, 1",)),
    "setup.py": Case("silent-none/setup-py", "1.16.0", ("setup.py, 1",)),
    "setup.py beside a pyproject": Case("silent-none/setup-py-black", "1.16.0", ("setup.py, 1",)),
    "a file that grows": Case("growing-file", "ok True", writer="grow.sh"),
    "files that vanish": Case("growing-file", "ok True", writer="vanish.sh"),
    "a notebook": Case(
        "notebook", says=("notebook", "nbconvert"), script="train.ipynb", statuses=(3,)
    ),
    "a script in a sub-folder": Case("subfolder-import", "y 4", script="scripts/train.py"),
    "its own metadata": Case("own-metadata", "0.7"),
    "syntax of a newer Python": Case("newer-syntax", says=("keynet runs on",), statuses=(3,)),
    "an export of uv": Case("uv-export", "1 1.16.0"),
    "a freeze of conda": Case("conda-freeze", says=("pip list --format=freeze",), statuses=(3,)),
    "a base without a shell": Case("no-shell", "ok", base="Base.Containerfile"),
    "a base without git": Case("git-missing", says=("has no git", "python:3.11"), statuses=STOPS),
    "a heredoc": Case(
        "heredoc",
        says=("heredoc", "BuildKit"),
        arguments=("--dockerfile", "Containerfile", "--build-arg", f"BASE={BASE}"),
        statuses=STOPS,
        newer_prints="ok",
    ),
    "pointers of Git LFS": Case("lfs-pointer", "", ("model.bin", "git lfs pull")),
    "requirements in CP949": Case("cp949", "1.16.0"),
    "an editable setup.py": Case("setup-py-editable", "1 1.16.0"),
    "a comma in the cache's name": Case(
        "comma-path", "ok", environment=(("XDG_CACHE_HOME", "ca,che"),)
    ),
    "a comma in the home's name": Case(
        "comma-path", "ok", environment=(("HOME", "ho,me"),), kind="buildah-rootless"
    ),
    "requirements written by PowerShell": Case("powershell", "1.16.0"),
    "the files of hatch's plugin": Case("hatch-files", "1.16.0", ("pyproject.toml, 1",)),
    "a path in hatch's form": Case("hatch-paths", "1 1.16.0"),
    "half a wheel": Case(
        "broken-wheel", says=("six-1.16.0-py2.py3-none-any.whl", "truncated"), statuses=(3,)
    ),
}


def _parameters() -> list[Any]:
    """Return each case with one engine, in turn; then the rest of the matrix."""
    chosen = []
    for number, (name, case) in enumerate(ALL.items()):
        [kind] = marked([case.kind or KINDS[number % len(KINDS)]])
        chosen.append(pytest.param(name, *kind.values, "auto", marks=kind.marks))
    rest = [
        pytest.param(name, *kind.values, installer, marks=[*kind.marks, pytest.mark.matrix])
        for name in ALL
        for kind in marked((*KINDS, "buildah-rootless", "podman-rootless"))
        for installer in ("uv", "pip")
    ]
    return [*chosen, *rest]


@pytest.mark.parametrize(("name", "kind", "installer"), _parameters())
def test_a_project_becomes_the_right_image_or_gets_a_clear_word(
    name: str, kind: str, installer: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    case = ALL[name]
    host = make_host(kind, request)
    project = _project(host, case)
    for variable, folder in case.environment:
        made = host.home / f"{folder}-{project.name}"
        made.mkdir()
        host = host.with_environment(**{variable: str(host.own(made))})
    arguments = list(case.arguments)
    if case.base is not None:
        arguments[arguments.index(BASE)] = _base(host, project, case.base)
    if installer != "auto":
        arguments += ["--installer", installer]
    done = _built(host, project, case, arguments)
    works = case.prints if case.prints is not None else _newer_prints(case, kind)
    if works is None:
        assert done.returncode in case.statuses, done.stderr
        assert done.returncode != 0
    else:
        assert done.returncode == 0, done.stderr
    own_words = "\n".join(line for line in done.stderr.splitlines() if line[:2] != "  ")
    for words in case.says if works is None or case.prints is not None else ():
        assert words in own_words
    if works is not None:
        image = done.stdout.strip().splitlines()[-1]
        printed = _run(host, image)
        assert printed.strip().endswith(works), printed


def _newer_prints(case: Case, kind: str) -> str | None:
    return case.newer_prints if "newer" in kind else None


def _keynet(
    host: Host, project: Path, script: str, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    argv = [host.python, "-m", "keynet", "build", script, "--builder", host.engine, *arguments]
    return subprocess.run(
        host.wrap(["env", "--chdir", str(project), *argv]),
        env=host.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def _base(host: Host, project: Path, containerfile: str) -> str:
    name = f"localhost/base-of-{project.name}:1"
    if host.engine == "docker":
        # Only then BuildKit asks no registry for it.
        host.run("docker", "pull", BASE)
    isolation = ("--network", "host") if host.engine == "docker" else CHROOT
    host.run(
        *(host.engine, "bud" if host.engine == "buildah" else "build", *isolation),
        *("--build-arg", f"BASE={BASE}", "-t", name),
        *("-f", str(project / containerfile), str(project)),
    )
    return name


def _run(host: Host, image: str) -> str:
    if host.engine == "docker":
        argv = ["/usr/bin/docker", "run"]
    else:
        podman = engine_command(replace(host, engine="podman"))
        argv = [*podman, "--runtime", "runc", "run", *LIMITS]
    return host.run(*argv, "--rm", "--network", "none", image)


# A base that an engine has built is not in a registry; only engines read a Containerfile.
DIRECT = [name for name, case in ALL.items() if case.base is None and case.folder != "heredoc"]
# What takes the packages another way; the rest is for the matrix.
DIRECT_OFTEN = (
    "a wheel of the project",
    "a member of the workspace",
    "a lock",
    "files that vanish",
    "an export of uv",
    "a base without git",
    "an editable setup.py",
)
DIRECT_SAYS = {"a base without git": ("six comes from version control", "--build-sdist")}


@pytest.mark.podman
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(each, marks=[] if each in DIRECT_OFTEN else [pytest.mark.matrix])
        for each in DIRECT
    ],
)
def test_a_project_becomes_the_same_image_without_an_engine(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    case = ALL[name]
    host = make_host("podman-root", request)
    project = _project(host, case)
    archive = tmp_path / "image.tar"
    arguments = [*case.arguments, "--output", f"oci-archive:{archive}"]
    done = _built(replace(host, engine="direct"), project, case, arguments)
    assert done.returncode in (case.statuses if case.prints is None else (0,)), done.stderr
    for words in DIRECT_SAYS.get(name, case.says):
        assert words in done.stderr
    if case.prints is not None:
        podman = engine_command(host)
        loaded = host.run(*podman, "load", "--quiet", "--input", str(archive))
        image = loaded.strip().split()[-1]
        try:
            assert _run(host, image).strip().endswith(case.prints)
        finally:
            host.run(*podman, "rmi", image)


def _project(host: Host, case: Case) -> Path:
    # The folder's name becomes the image's: a new one finds no image of another run.
    project = host.home / f"case-{uuid.uuid4().hex[:12]}"
    shutil.copytree(CASES / case.folder, project)
    if case.renamed is not None:
        (project / case.renamed[0]).replace(project / case.renamed[1])
    return host.own(project)


def _built(
    host: Host, project: Path, case: Case, arguments: Sequence[str]
) -> subprocess.CompletedProcess[str]:
    """Build a project, while the case's writer changes it."""
    if case.writer is None:
        return _keynet(host, project, case.script, arguments)
    writer = subprocess.Popen([project / case.writer], cwd=project, start_new_session=True)
    try:
        log = project / "logs/run.log"
        until = time.monotonic() + 60
        # What it writes before it changes anything.
        while not log.exists() or log.stat().st_size < BEGINS_WITH:
            assert time.monotonic() < until, "the writer does not begin"
            time.sleep(0.02)
        return _keynet(host, project, case.script, arguments)
    finally:
        os.killpg(writer.pid, 9)
        writer.wait()
