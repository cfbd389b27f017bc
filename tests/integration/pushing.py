"""Pushing through the keynet command: contexts, logins and what is watched meanwhile."""

import json
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from tests.testbed.index import PACKAGE, VERSION, Index
from tests.testbed.platform import EMAIL, PASSWORD, Platform
from tests.testbed.program import HostSetup

OLDER = {
    "docker-legacy": "docker",
    "docker-buildkit": "docker",
    "podman": "podman",
    "buildah": "buildah",
    "rootless-podman": "podman",
    "rootless-buildah": "buildah",
}
NEWER = {
    "newer-docker": "docker",
    "newer-podman": "podman",
    "newer-buildah": "buildah",
    "newer-rootless-podman": "podman",
    "newer-rootless-buildah": "buildah",
}

SCRIPT = """\
import argparse
import pathlib
import tinydep

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.01, help="step size")
parser.add_argument("--epochs", type=int, default=3)
options = parser.parse_args()
print("trained with", tinydep.__version__, options.learning_rate, options.epochs)
print("data says", pathlib.Path("data/한글 이름.txt").read_text().strip())
"""
IGNORE = "# notes\n*.log\n!keep.log\nignored\n**/__pycache__\n.git\n"
KEPT = {
    "train.py": SCRIPT,
    "requirements.txt": f"{PACKAGE}=={VERSION}\n",
    "data/한글 이름.txt": "읽었다\n",
    'data/it\'s "quoted" $HOME.txt': "quotes\n",
    "data/two\nlines.txt": "newline\n",
    "keep.log": "kept\n",
}
LEFT_OUT = {
    "drop.log": "x\n",
    "ignored/file.txt": "x\n",
    "__pycache__/train.pyc": "x\n",
    "data/__pycache__/x.pyc": "x\n",
    ".git/config": "x\n",
}


@dataclass(frozen=True, slots=True)
class Done:
    """One push and all that was seen of it."""

    setup: HostSetup
    context: Path
    platform: Platform
    result: dict[str, Any]
    stderr: str
    command_lines: frozenset[str] = frozenset()
    command: tuple[str, ...] = ("python", "train.py")

    @classmethod
    def of(
        cls,
        setup: HostSetup,
        context: Path,
        platform: Platform,
        told: subprocess.CompletedProcess[str],
        command_lines: Collection[str] = (),
    ) -> "Done":
        """Read the answer of ``keynet push --json``."""
        assert told.returncode == 0, told.stderr
        result = json.loads(told.stdout)
        return cls(setup, context, platform, result, told.stderr, frozenset(command_lines))

    @property
    def image(self) -> str:
        """The pushed image by its digest."""
        name, _, _tag = str(self.result["image"]).rpartition(":")
        return f"{name}@{self.result['digest']}"


def marked(
    names: dict[str, str], *more: pytest.MarkDecorator, often: Collection[str] | None = None
) -> list[ParameterSet]:
    """Return a parameter for each setup, with the markers of what it needs.

    Args:
        often: The setups that CI has; the others are for ``tox -e matrix``. None for all.
    """
    marks = {name: [getattr(pytest.mark, engine), *more] for name, engine in names.items()}
    for name, own in marks.items():
        if often is not None and name not in often:
            own.append(pytest.mark.matrix)
        if "rootless" in name:
            own.append(pytest.mark.rootless)
    return [pytest.param(name, marks=own, id=name) for name, own in marks.items()]


def rarely(setup: ParameterSet) -> ParameterSet:
    """Return the same setup for ``tox -e matrix`` alone."""
    return pytest.param(*setup.values, marks=[*setup.marks, pytest.mark.matrix])


def make_context(setup: HostSetup, name: str = "context") -> Path:
    """Write the context that every engine gets: odd names, ignored files, a link."""
    context = setup.home / name
    for path, text in {**KEPT, **LEFT_OUT, ".dockerignore": IGNORE}.items():
        write(setup, context / path, text)
    script = 'cd "$1" && mkdir empty && ln -s "data/keep me" link && chmod 755 train.py'
    assert setup.run(setup.command("sh", "-c", script, "sh", str(context))).returncode == 0
    return context


def small_context(setup: HostSetup, name: str, **files: str) -> Path:
    """Write a script that only prints, and more files by their names with ``_`` for the dot."""
    context = setup.home / name
    write(setup, context / "train.py", f'print("trained {name}")\n')
    for file, text in files.items():
        write(setup, context / file.replace("_", "."), text)
    return context


def sign_in(setup: HostSetup, platform: Platform) -> None:
    """Log in by the command, with the private CA."""
    assert platform.registry.ca is not None
    ca = str(platform.registry.ca.cert)
    told = setup.keynet(
        *("login", platform.url, "--username", EMAIL, "--password-stdin", "--ca-cert", ca),
        *(f"--token-host={host}" for host in platform.registry.token_hosts),
        stdin=PASSWORD,
    )
    assert told.returncode == 0, told.stderr


def push_arguments(setup: HostSetup, *flags: str, base: str = "python:3.11-slim") -> list[str]:
    """Return the arguments of a push of train.py by the setup's own engine.

    A Containerfile of one's own has its base image in it.
    """
    chosen = [] if "--dockerfile" in flags else ["--base-image", base]
    return ["push", "train.py", "--builder", setup.builder, *chosen, "--json", *flags]


def push(
    setup: HostSetup,
    context: Path,
    *flags: str,
    base: str = "python:3.11-slim",
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Push train.py to its end, whatever its status."""
    return setup.keynet(*push_arguments(setup, *flags, base=base), cwd=context, env=env)


def through(index: Index) -> dict[str, str]:
    """Return the variable that sends pip to this index."""
    return {"PIP_INDEX_URL": index.url}


def write(setup: HostSetup, path: Path, text: str) -> None:
    script = 'mkdir -p "$(dirname "$1")" && cat >"$1"'
    argv = setup.command("sh", "-c", script, "sh", str(path))
    assert setup.run(argv, stdin=text).returncode == 0


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """Collect the command line of every process of the machine while the block runs."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(FileNotFoundError, ProcessLookupError):
                    seen.add((process / "cmdline").read_text(errors="replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def run_image(done: Done) -> str:
    """Pull the image anew and run it by the setup's own engine, as this host lets it."""
    setup, registry = done.setup, done.platform.registry
    assert registry.ca is not None
    auth = setup.home / "pull-auth.json"
    login = ["login", "--username", registry.username, "--password-stdin"]
    if setup.builder == "docker":
        config = {"DOCKER_CONFIG": str(setup.home / "pull-config")}
        signed = setup.run(
            setup.command("docker", *login, registry.host), stdin=registry.password, env=config
        )
        assert signed.returncode == 0, signed.stderr
        setup.engine("docker", "pull", "--quiet", done.image, env=config)
        return setup.engine("docker", "run", "--rm", "--network", "host", done.image)
    # An overlay store of its own: a rootless engine's vfs would copy every layer.
    store = {"XDG_DATA_HOME": str(setup.home / "pulled"), "STORAGE_DRIVER": "overlay"}
    trust = ["--authfile", str(auth), "--cert-dir", str(registry.ca.folder)]
    argv = setup.command(setup.builder, *login, *trust, registry.host)
    signed = setup.run(argv, stdin=registry.password, env=store)
    assert signed.returncode == 0, signed.stderr
    if setup.builder == "podman":
        setup.engine("podman", "pull", "--quiet", *trust, done.image, env=store)
        limits = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000"]
        how = ["--runtime", "runc", "run", "--rm", "--network", "none", *limits]
        return setup.engine("podman", *how, done.image, env=store)
    trust += ["--ulimit=nofile=20000:20000", "--ulimit=nproc=1000:1000"]
    told = setup.engine("buildah", "from", "--quiet", *trust, done.image, env=store)
    container = told.split()[-1]
    chroot = ["--isolation", "chroot"]
    try:
        return setup.engine("buildah", "run", *chroot, container, "--", *done.command, env=store)
    finally:
        setup.engine("buildah", "rm", container, env=store)
