"""Install with keynet's own uv, in one go, and compile the byte code."""

import compileall
import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from keynet.runtime.build.inside import base_metadata, shown_errors
from keynet.runtime.build.inside.made_environment import Made
from keynet.runtime.build.inside.pip_options import Options

# Packages that come from an index of their own.
PINNED = "pinned/pyproject.toml"
_SOURCE = re.compile(r'^"([^"]+)" = \{ index = "([^"]+)" \}$', re.M)
_INDEX = re.compile(r'^name = "([^"]+)"\nurl = (".+")$', re.M)
_OLDEST = (3, 8)
# Bytes of a file's number.
_NUMBER = 4
# Tests are compiled when they are run: half of the work for packages such as scipy.
_TESTS = re.compile(r"[/\\]tests?[/\\]")


def unfit(uv: "Path", environment: "dict[str, str]") -> str:
    """Explain why uv does not run here; "" if it does."""
    if sys.version_info < _OLDEST:
        return "uv does not install for Python {}.{}".format(*sys.version_info[:2])
    if not uv.exists():
        return "keynet has no uv for this platform"
    try:
        answered = subprocess.run(
            [str(uv), "--version"],
            env=environment,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        return f"uv does not run on this base: {error.strerror}"
    if answered.returncode != 0:
        return "uv does not run on this base"
    return ""


def install(
    uv: "Path", made: "Made", options: "Options", environment: "dict[str, str]", scratch: "Path"
) -> int:
    """Run uv, compile what it has installed, and return uv's exit status."""
    variables = dict(environment)
    variables.update(options.variables())
    variables["UV_CACHE_DIR"] = str(scratch / "uv-cache")
    variables["UV_LINK_MODE"] = "hardlink"
    command = [str(uv), "pip", "install", "--python", str(made.python)]
    # The settings of a repository, of the base and of a user are none of this installation's.
    command += ["--no-config", "--no-python-downloads", "--no-progress"]
    command += ["--index-strategy", "unsafe-best-match", *options.flags()]
    command += ["--requirement", "requirements.txt"]
    folder = options.write(scratch / "for-uv")
    if (folder / PINNED).exists():
        command += ["--requirement", PINNED]
    base_metadata.show(made)
    try:
        status = shown_errors.run(
            command, variables, str(folder), options.indexes(), pinned(folder)
        )
    finally:
        base_metadata.hide(made)
    lock = made.python.parent.parent / ".lock"
    if lock.exists():
        lock.unlink()
    if status == 0:
        compile_packages(made.packages)
    return status


def pinned(folder: "Path") -> "dict[str, str]":
    """Return the only index of a package, by its normalised name, as keynet wrote them."""
    file = folder / PINNED
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    urls = {name: json.loads(url) for name, url in _INDEX.findall(text)}
    return {name: urls[index] for name, index in _SOURCE.findall(text)}


def compile_packages(packages: "Path") -> None:
    """Compile with all processors; a file that Python cannot compile stays as it is.

    Processes of our own, because those of ``compileall`` take half as much again, and semaphores,
    which some containers do not have.
    """
    # PYTHONPYCACHEPREFIX of the base is for its own programs.
    sys.pycache_prefix = None
    files = [path for path in packages.rglob("*.py") if not _TESTS.search(str(path))]
    largest_first = sorted(files, key=lambda path: path.lstat().st_size, reverse=True)
    # Each child takes the next number from the pipe; so few bytes are never divided.
    taken, given = os.pipe()
    children = []
    for _number in range(len(os.sched_getaffinity(0))):
        child = os.fork()
        if child == 0:
            os.close(given)
            compile_files(largest_first, taken)
        children.append(child)
    os.close(taken)
    # Broken if every child was killed.
    with contextlib.suppress(BrokenPipeError), os.fdopen(given, "wb") as pipe:
        for number in range(len(files)):
            pipe.write(number.to_bytes(_NUMBER, "big"))
    for child in children:
        os.waitpid(child, 0)


def compile_files(files: "list[Path]", numbers: int) -> None:
    """Compile the files with these numbers in a child, and end it."""
    try:
        for number in iter(lambda: os.read(numbers, _NUMBER), b""):
            compileall.compile_file(str(files[int.from_bytes(number, "big")]), quiet=2)
    finally:
        os._exit(0)
