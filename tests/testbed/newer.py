"""Debian 13's engines on a Debian 12 machine: a root of their own, entered, never installed."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import CHECKOUT, cache_folder, check, locked, need, tox_settings
from .processes import running

__all__ = ["PYCACHE", "PYTHON", "NewerRoot", "newer_root"]

PACKAGES = (
    "docker.io docker-cli docker-buildx podman buildah skopeo oras crun runc fuse-overlayfs "
    "slirp4netns uidmap netavark aardvark-dns iptables nftables ca-certificates python3 "
    "python3-venv procps"
)
PYTHON = "/opt/keynet/bin/python"
# Where its programs keep the byte code of the checkout.
PYCACHE = "/var/tmp/keynet-pycache"
HOST_CA = Path("/etc/ssl/certs/ca-certificates.crt")

# A bare chroot is not enough: unpacking a layer there fails with "remount /: invalid argument".
# Stores and homes lie on the host's file system, because overlay on overlay does not mount.
ENTER = """
set -e
new="$1/root"
mkdir -p "$1/upper" "$1/work" "$1/home" "$1/libcontainers" "$1/libdocker" "$new"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$new"
for part in dev proc sys; do mount --rbind "/$part" "$new/$part"; done
mount --bind /tmp "$new/tmp"
mount -t tmpfs tmpfs "$new/run"
mkdir -p "$new/var/lib/containers" "$new/var/lib/docker" "$new$3"
mount --bind "$1/home" "$new/home"
mount --bind "$1/libcontainers" "$new/var/lib/containers"
mount --bind "$1/libdocker" "$new/var/lib/docker"
mount --bind "$3" "$new$3"
cp -L /etc/resolv.conf /etc/hosts "$new/etc/"
mkdir -p "$new/.old"
cd "$new"
pivot_root . .old
umount -l /.old
touch "$4"
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class NewerRoot:
    """The entered root; ``/tmp`` and the checkout are the host's, the rest is Debian 13's."""

    pid: int

    def argv(self, command: Sequence[str], cwd: Path = Path("/tmp")) -> list[str]:
        """Return the command line by which the host runs ``command`` there."""
        # nsenter's own --wd=DIR would be the host's folder, outside of the new root.
        return [*self.enter(), "env", f"--chdir={cwd}", *command]

    def enter(self) -> list[str]:
        """Return what stands before a command line that shall run there."""
        enter = [need("nsenter"), f"--target={self.pid}", "--mount", "--root", "--wd"]
        return [*enter, "--"]

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path = Path("/tmp"),
        check: bool = True,
        timeout_s: float = 900,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command there as root."""
        done = subprocess.run(
            self.argv(command, cwd),
            env=dict(os.environ if env is None else env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            start_new_session=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} gave {done.returncode}: {done.stdout}{done.stderr}")
        return done


@contextlib.contextmanager
def newer_root(folder: Path) -> Iterator[NewerRoot]:
    """Enter the root until the block ends; what is changed in it is lost with ``folder``."""
    base = _made_root()
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "ready"
    argv = [need("unshare"), "--mount", "--propagation", "private", "sh", "-c", ENTER, "enter"]
    argv += [str(folder), str(base), str(CHECKOUT), str(ready)]
    with running(argv, log=folder / "enter.log", ready=ready.exists) as process:
        yield NewerRoot(process.pid)


def _made_root() -> Path:
    """Return the pristine root of the cache, made when it is the first time."""
    root = cache_folder() / f"trixie-{_stamp([PACKAGES])}"
    dependencies = _dependencies()
    with locked("trixie"):
        if not (root / ".complete").exists():
            for stale in cache_folder().glob("trixie-*"):
                shutil.rmtree(stale)
            _make_root(root)
            (root / ".complete").touch()
        installed = root / f".python-{_stamp(dependencies)}"
        if not installed.exists():
            _install(root, dependencies)
            installed.touch()
    return root


def _make_root(root: Path) -> None:
    packages = ",".join(PACKAGES.split())
    argv = [need("mmdebstrap"), "--quiet", "--variant=minbase", f"--include={packages}"]
    argv += ["--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*"]
    check([*argv, "trixie", str(root)])
    venv = PYTHON.removesuffix("/bin/python")
    check([need("chroot"), str(root), "python3", "-m", "venv", venv])


def _install(root: Path, dependencies: Sequence[str]) -> None:
    # The way to a package index is the host's: a company's CA, its pip settings.
    shutil.copyfile(HOST_CA, root / "etc/ssl/certs/ca-certificates.crt")
    for settings in (Path("/etc/pip.conf"), Path("/etc/resolv.conf"), Path("/etc/hosts")):
        if settings.exists():
            shutil.copyfile(settings, root / settings.relative_to("/"))
    check([need("chroot"), str(root), PYTHON, "-m", "pip", "install", "--quiet", *dependencies])


def _stamp(parts: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]


def _dependencies() -> list[str]:
    """Return what keynet and its unit tests import, as pyproject.toml and tox.ini have it."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    tox = tox_settings()
    tests = [
        line
        for section in ("testenv", "testenv:unit")
        for line in tox[section]["deps"].split("\n")
        if line and not line.startswith("{")
    ]
    return [*project["dependencies"], *project["optional-dependencies"]["sandbox"], *tests]
