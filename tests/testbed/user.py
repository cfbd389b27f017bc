"""An ordinary user with subuid and subgid, for rootless engines."""

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .machine import locked, remove_tree
from .processes import Place, here

__all__ = ["OrdinaryUser", "ordinary_user"]

# Within those that get subordinate ids.
_FIRST_UID, _UIDS = 20_000, 30_000
_END_WITHIN_S = 60.0
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True, slots=True)
class OrdinaryUser:
    """A user of this machine; ``runtime`` is its XDG_RUNTIME_DIR, ``home`` its own."""

    name: str
    uid: int
    gid: int
    home: Path
    runtime: Path
    place: Place = here

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a clean environment: nothing of root's comes along."""
        return {
            "HOME": str(self.home),
            "USER": self.name,
            "LOGNAME": self.name,
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(self.runtime),
            **(extra or {}),
        }

    def argv(self, command: Sequence[str], cwd: Path | None = None) -> list[str]:
        """Return the command line by which root runs ``command`` as this user."""
        ids = [f"--reuid={self.uid}", f"--regid={self.gid}", "--init-groups"]
        inside = ["env", f"--chdir={cwd or self.home}", *command]
        return self.place(["setpriv", *ids, "--pdeathsig", "TERM", "--", *inside])

    def run(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        check: bool = True,
        stdin: str = "",
        timeout_s: float = 900,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as this user in its home, in a group of its own."""
        done = subprocess.run(
            self.argv(command, cwd),
            env=self.environment(env),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            start_new_session=True,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{command} as {self.name} gave {done.returncode}: {done.stderr}")
        return done

    def own(self, path: Path) -> Path:
        """Make this user the owner of ``path`` and everything below it."""
        subprocess.run(["chown", "-R", f"{self.uid}:{self.gid}", str(path)], check=True)
        return path

    def processes(self) -> dict[int, str]:
        """Return this user's processes by pid, with their command lines."""
        return _processes_of(self.uid)


@contextlib.contextmanager
def ordinary_user(*, subids: bool = True, place: Place = here) -> Iterator[OrdinaryUser]:
    """Make a user; end its processes and remove it, its home and its ids after.

    Args:
        subids: False for a user whom /etc/subuid and /etc/subgid do not know.
        place: Whose user it is, such as ``NewerRoot.argv``.
    """
    name = f"kt{secrets.token_hex(4)}"
    home, runtime = Path("/home") / name, Path("/tmp") / f"{name}-run"
    with locked("users"):
        _make(name, home, subids, place)
    uid, gid = (int(_run(place, ["id", flag, name])) for flag in ("-u", "-g"))
    runtime.mkdir(mode=0o700)
    os.chown(runtime, uid, gid)
    user = OrdinaryUser(name, uid, gid, home, runtime, place)
    try:
        yield user
    finally:
        _end_processes(user)
        remove_tree(runtime)
        # keynet's run root, where a test leaves XDG_RUNTIME_DIR out.
        _run(place, ["rm", "-rf", f"/tmp/keynet-{uid}"])
        if place is here:
            remove_tree(home)
        with locked("users"):
            _run(place, ["userdel", name])


def _make(name: str, home: Path, subids: bool, place: Place) -> None:
    flags = ["--create-home", "--home-dir", str(home), "--shell", "/bin/sh"]
    # Of its own in every root: processes are ended, and folders in /tmp named, by this number.
    flags += ["--uid", str(_FIRST_UID + secrets.randbelow(_UIDS))]
    # useradd itself finds free subordinate ids; under the caller's lock without a race.
    _run(place, ["useradd", *flags, name])
    if not subids:
        for flag, file in (("--del-subuids", "/etc/subuid"), ("--del-subgids", "/etc/subgid")):
            _run(place, ["usermod", flag, _range_of(name, _run(place, ["cat", file])), name])


def _run(place: Place, argv: Sequence[str]) -> str:
    done = subprocess.run(place(argv), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{argv} gave {done.returncode}: {done.stderr}")
    return done.stdout


def _range_of(name: str, table: str) -> str:
    for line in table.splitlines():
        owner, first, count = line.split(":")
        if owner == name:
            return f"{first}-{int(first) + int(count) - 1}"
    raise AssertionError(f"useradd gave {name} no subordinate ids; see /etc/login.defs")


def _end_processes(user: OrdinaryUser) -> None:
    """End them, and those that they start meanwhile: userdel refuses while one is there."""
    until = time.monotonic() + _END_WITHIN_S
    while (found := user.processes()) and time.monotonic() < until:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _processes_of(uid: int) -> dict[int, str]:
    found: dict[int, str] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = (folder / "status").read_text()
            state = next(line for line in status.splitlines() if line.startswith("State:"))
            owner = next(line for line in status.splitlines() if line.startswith("Uid:"))
            if owner.split()[1] == str(uid) and "Z" not in state.split()[1]:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()
    return found
