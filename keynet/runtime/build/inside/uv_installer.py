"""Install with keynet's own uv, in one go, and compile the byte code."""

import compileall
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
_OLDEST = (3, 8)
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
        status = shown_errors.run(command, variables, str(folder), options.indexes())
    finally:
        base_metadata.hide(made)
    lock = made.python.parent.parent / ".lock"
    if lock.exists():
        lock.unlink()
    if status == 0:
        compile_packages(made.packages)
    return status


def compile_packages(packages: "Path") -> None:
    """Compile with all processors; a file with an error of syntax stays as it is."""
    # PYTHONPYCACHEPREFIX of the base is for its own programs.
    sys.pycache_prefix = None
    workers = os.cpu_count() or 1
    try:
        compiled_by(packages, workers)
    except (OSError, NotImplementedError):
        # Some containers have no semaphores, which several processes need.
        compiled_by(packages, 1)


def compiled_by(packages: "Path", workers: int) -> None:
    """Compile in this many processes."""
    compileall.compile_dir(str(packages), quiet=2, rx=_TESTS, workers=workers, maxlevels=20)
