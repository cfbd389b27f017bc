"""Install with pip: the base's own, else ensurepip's, else the one that keynet sends along."""

import itertools
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from keynet.runtime.build.inside import shown_errors
from keynet.runtime.build.inside.made_environment import Made
from keynet.runtime.build.inside.pip_options import Options

_QUIET = {
    "PIP_NO_INPUT": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_PROGRESS_BAR": "off",
}
_DEBIAN_WHEELS = Path("/usr/share/python-wheels")


def install(made: "Made", stage: "Path", options: "Options", environment: "dict[str, str]") -> int:
    """Run pip and return its exit status."""
    environment = dict(environment, **_QUIET)
    # Removed with everything in there. Old versions of pip fail on PIP_NO_CACHE_DIR.
    environment["PIP_CACHE_DIR"] = str(Path(tempfile.gettempdir(), "pip-cache"))
    pip = find_pip(made.python, stage, environment)
    if pip is None:
        sys.stderr.write(
            "keynet: the base image has no pip, and the one that keynet sends does not run on "
            "its Python {}.{}.\n".format(*sys.version_info[:2])
        )
        return 1
    command = [*pip, "install", "--requirement", str(stage / "requirements.txt")]
    return shown_errors.run(command, environment, str(stage), options.indexes(), {})


def find_pip(python: "Path", stage: "Path", environment: "dict[str, str]") -> "list[str] | None":
    """Return the command of the first pip that runs; None if no pip runs.

    The base's own pip is tried first: keynet's may be too new for the base's Python.
    """
    base = [str(python), "-m", "pip"]
    for pip in itertools.chain([base], unpacked_pips(python, stage)):
        answered = subprocess.call(
            [*pip, "--version"], env=environment, cwd=str(stage), stderr=subprocess.DEVNULL
        )
        if answered == 0:
            return pip
    return None


def unpacked_pips(python: "Path", stage: "Path") -> "Iterator[list[str]]":
    """Yield the commands of ensurepip's pip and keynet's own, each unpacked.

    A pip inside an archive cannot build packages.
    """
    bundled = Path(sysconfig.get_paths()["stdlib"]) / "ensurepip" / "_bundled"
    wheels = [*sorted(bundled.glob("pip-*.whl")), *sorted(_DEBIAN_WHEELS.glob("pip-*.whl"))]
    for archive in [*wheels, stage / "pip.zip"]:
        folder = tempfile.mkdtemp(prefix="keynet-pip-")
        with zipfile.ZipFile(str(archive)) as file:
            file.extractall(folder)
        yield [str(python), str(Path(folder) / "pip")]
