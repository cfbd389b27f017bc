"""Pushes by an ordinary user who has Python and no engine."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.machine import CHECKOUT
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.user import OrdinaryUser

from .pushing import Done, write

__all__ = ["Pusher", "path_without_engines", "setup_without_engines"]

ENGINES = {"docker", "podman", "buildah", "skopeo", "crun", "runc"}
SMALL = "import threadpoolctl\nprint('small', threadpoolctl.__version__)\n"
CHECK = """\
import importlib.metadata, json, subprocess, sys
import scipy.stats, sklearn.ensemble, numpy
packages = subprocess.run(
    [sys.executable, "-m", "pip", "list", "--format", "json"], capture_output=True, text=True)
script = subprocess.run(["f2py", "-v"], capture_output=True, text=True)
base = subprocess.run(
    ["/usr/bin/python3", "-c", "import numpy; print(numpy.__file__)"],
    capture_output=True, text=True)
print(json.dumps({
    "packages": sorted((each["name"], each["version"]) for each in json.loads(packages.stdout)),
    "numpy": numpy.__file__, "f2py": script.stdout.strip(), "base": base.stdout.strip(),
    "files": len(importlib.metadata.files("numpy")), "prefix": sys.prefix}))
"""


@dataclass(frozen=True, slots=True)
class Pusher:
    """A user who has Python and no engine."""

    setup: HostSetup
    platform: Platform
    base: str

    def context(self, name: str, umask: str = "022") -> Path:
        """Write the digits example with a script that reports what is installed."""
        folder = self.setup.home / name
        example = CHECKOUT / "examples/digits"
        write(self.setup, folder / "requirements.txt", (example / "requirements.txt").read_text())
        write(self.setup, folder / "train.py", (example / "train.py").read_text())
        write(self.setup, folder / "check.py", CHECK)
        mode = "600" if umask == "077" else "644"
        self.setup.run(self.setup.command("chmod", mode, *map(str, folder.glob("*"))))
        return folder

    def small_context(self, name: str) -> Path:
        """Write a script with one package that is made into a layer in no time."""
        folder = self.setup.home / name
        write(self.setup, folder / "requirements.txt", "threadpoolctl==3.6.0\n")
        write(self.setup, folder / "train.py", SMALL)
        return folder

    def push(
        self,
        context: Path,
        script: str = "train.py",
        env: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
    ) -> subprocess.CompletedProcess[str]:
        """Push to the end, whatever the status."""
        return self.setup.keynet(
            *("push", script, "--builder", "direct", "--base-image", self.base, "--json", *flags),
            cwd=context,
            env=env,
        )

    def done(self, context: Path, script: str = "train.py", **env: str) -> Done:
        """Push and return what was seen."""
        told = self.push(context, script, env)
        return Done.of(self.setup, context, self.platform, told)


def path_without_engines(folder: Path) -> Path:
    """Make a folder with this machine's programs, but no engine."""
    folder.mkdir()
    folder.chmod(0o755)
    for programs in ("/usr/bin", "/bin"):
        for program in Path(programs).iterdir():
            link = folder / program.name
            if program.name not in ENGINES and not link.is_symlink():
                link.symlink_to(program)
    return folder


def setup_without_engines(user: OrdinaryUser, python: str, source: Path, tools: Path) -> HostSetup:
    """Return how this user runs keynet, with the folder ``tools`` of programs as PATH."""
    own = {
        "PATH": str(path_without_engines(tools)),
        "PYTHONPATH": str(source),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    prefix = ["/usr/bin/setpriv", f"--reuid={user.uid}", f"--regid={user.gid}", "--init-groups"]
    environment = user.environment(own)
    return HostSetup("direct", "direct", python, user.home, environment, [*prefix, "--"])
