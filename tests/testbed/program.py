"""The keynet program on a host setup: a user, an engine and a generation of both."""

import hashlib
import shutil
import subprocess
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .machine import CHECKOUT, cache_folder, check, locked

__all__ = ["COMPILE", "PATH", "HostSetup", "copy_source", "host_python"]

# Debian's engines: a newer docker client elsewhere may come without buildx.
PATH = "/usr/bin:/usr/sbin:/bin:/sbin"
# Debian's own: one below somebody's home is closed to other users.
_PYTHON = "/usr/bin/python3"
# A Python's arguments that write the byte code of a folder, on all processors.
COMPILE = ("-m", "compileall", "-q", "-j", "0")
_STALE_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class HostSetup:
    """One user with one engine; ``prefix`` enters another user or root file system."""

    name: str
    builder: str
    python: str
    home: Path
    environment: Mapping[str, str] = field(repr=False)
    prefix: Sequence[str] = ()

    def argv(self, *arguments: str, cwd: Path | None = None) -> list[str]:
        """Return the command line of ``keynet ARGUMENTS`` on this setup."""
        return self.command(self.python, "-m", "keynet", *arguments, cwd=cwd)

    def command(self, *command: str, cwd: Path | None = None) -> list[str]:
        """Return the command line of any program on this setup."""
        return [*self.prefix, "/usr/bin/env", f"--chdir={cwd or self.home}", *command]

    def keynet(
        self,
        *arguments: str,
        cwd: Path | None = None,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 900,
    ) -> subprocess.CompletedProcess[str]:
        """Run keynet to its end, whatever its status."""
        return self.run(self.argv(*arguments, cwd=cwd), stdin=stdin, env=env, timeout_s=timeout_s)

    def engine(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run a plain command of the engine and return its output, both streams."""
        done = self.run(self.command(*arguments), env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 900,
    ) -> subprocess.CompletedProcess[str]:
        """Run a whole command line in a group of its own."""
        return subprocess.run(
            argv,
            env={**self.environment, **(env or {})},
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            start_new_session=True,
            check=False,
        )


def copy_source(folder: Path) -> Path:
    """Copy keynet where every user can read it; goes into PYTHONPATH.

    With byte code, as pip installs it: an ordinary user could not write it beside the copy, and
    each of the many programs of the tests would compile keynet again.
    """
    source = folder / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "keynet", source / "keynet", ignore=ignored)
    # As in the wheel: the template is the checkout's, at its root.
    shutil.copyfile(CHECKOUT / "Containerfile.template", source / "keynet/Containerfile.template")
    check([_PYTHON, *COMPILE, str(source)])
    subprocess.run(["chmod", "-R", "a+rX", str(source)], check=True)
    return source


def host_python() -> str:
    """Return a Python of this machine with keynet's dependencies, for every user of it."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["sandbox"]]
    # Not this Python's version: benchmarks and tests of others share the folder.
    version = subprocess.check_output([_PYTHON, "--version"], text=True)
    stamp = hashlib.sha256(" ".join([version, *wanted]).encode()).hexdigest()[:12]
    folder = cache_folder() / f"venv-{stamp}"
    python = folder / "bin/python"
    with locked("venv"):
        if not (folder / ".complete").exists():
            for stale in cache_folder().glob("venv-*/.complete"):
                # Another checkout's, with other dependencies, may be in use.
                if time.time() - stale.stat().st_mtime > _STALE_S:
                    shutil.rmtree(stale.parent, ignore_errors=True)
            check([_PYTHON, "-m", "venv", str(folder)])
            check([str(python), "-m", "pip", "install", "--quiet", *wanted])
        (folder / ".complete").touch()
    return str(python)
