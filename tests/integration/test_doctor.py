"""``keynet doctor`` on set-ups that are really broken: what it finds, its fix, and that it ends."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engines import SYSTEM_PATH, make_host, marked, root_environment
from tests.integration.interrupting import WITHIN_S, processes, until
from tests.testbed.machine import locked
from tests.testbed.newer import PYTHON as NEWER_PYTHON
from tests.testbed.newer import NewerRoot
from tests.testbed.platform import EMAIL, PASSWORD, Platform
from tests.testbed.processes import Place, here
from tests.testbed.user import OrdinaryUser, ordinary_user

ENGINES = ("docker", "podman", "buildah")
NO_DAEMON = "unix:///no/such/docker.sock"


@dataclass(frozen=True, slots=True)
class Examined:
    status: int
    json: dict[str, Any]

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        return {check["name"]: check for check in self.json["checks"]}


def _keynet(
    argv: list[str], environment: Mapping[str, str], stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        env=environment,
        cwd="/",
        input=stdin,
        capture_output=True,
        text=True,
        errors="replace",
        # What hangs would not end at all.
        timeout=600,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Machine:
    """One generation of engines: ``place`` turns a command line into one that runs there."""

    python: str
    source: Path
    place: Place
    users: str

    def run(self, command: Sequence[str]) -> str:
        done = subprocess.run(self.place(command), capture_output=True, text=True, check=True)
        return done.stdout


OLDER = "older"
NEWER_TOO = [OLDER, pytest.param("newer", marks=pytest.mark.newer)]
# What takes long and depends little on the engines.
RARELY = [OLDER, pytest.param("newer", marks=[pytest.mark.newer, pytest.mark.matrix])]


@pytest.fixture(params=NEWER_TOO)
def machine(request: pytest.FixtureRequest) -> Machine:
    if request.param == OLDER:
        python: str = request.getfixturevalue("host_python")
        return Machine(python, request.getfixturevalue("keynet_source"), here, "user")
    newer: NewerRoot = request.getfixturevalue("newer")
    source: Path = request.getfixturevalue("newer_source")
    return Machine(NEWER_PYTHON, source, newer.argv, "newer_user")


@dataclass(frozen=True, slots=True)
class Seat:
    """Root, or an ordinary user, with an environment; ``doctor`` runs the program there."""

    machine: Machine
    environment: Mapping[str, str]
    user: OrdinaryUser | None = None

    def argv(self, *arguments: str) -> list[str]:
        place = self.machine.place if self.user is None else self.user.argv
        return place([self.machine.python, "-m", "keynet", *arguments])

    def run(
        self, *arguments: str, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return _keynet(self.argv(*arguments), {**self.environment, **variables}, stdin)

    def doctor(self, **variables: str) -> Examined:
        done = self.run("doctor", "--json", **variables)
        assert done.stdout, done.stderr
        return Examined(done.returncode, json.loads(done.stdout))


@pytest.fixture
def root(machine: Machine, tmp_path: Path) -> Seat:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    # A login is for the engines, too, which keep root's below /run otherwise.
    variables = {**_variables(machine), "XDG_RUNTIME_DIR": str(runtime)}
    return Seat(machine, root_environment(tmp_path / "home", variables))


def _variables(machine: Machine) -> dict[str, str]:
    return {"PYTHONPATH": str(machine.source), "PATH": SYSTEM_PATH, "DOCKER_HOST": NO_DAEMON}


def _seat(user: OrdinaryUser, machine: Machine) -> Seat:
    return Seat(machine, {**user.environment(), **_variables(machine)}, user)


@pytest.fixture
def ordinary(machine: Machine, request: pytest.FixtureRequest) -> Seat:
    """An ordinary user with subordinate ids."""
    return _seat(request.getfixturevalue(machine.users), machine)


@pytest.fixture
def hanging(bed: Path) -> Iterator[str]:
    """A socket that accepts connections and never answers."""
    path = bed / f"hang-{os.urandom(4).hex()}.sock"
    accepted = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(50)

        def accept() -> None:
            try:
                while True:
                    accepted.append(listener.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"unix://{path}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in accepted:
            connection.close()


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.docker
@pytest.mark.podman
def test_daemons_that_hang_are_named_and_the_rest_is_examined(root: Seat, hanging: str) -> None:
    found = root.doctor(DOCKER_HOST=hanging, CONTAINER_HOST=hanging)
    for engine in ("docker", "podman"):
        assert not found.checks[engine]["ok"]
        assert hanging in found.checks[engine]["found"]
        assert "did not answer" in found.checks[engine]["found"]
        assert "systemctl" in found.checks[engine]["fix"]
    assert found.checks["buildah"]["ok"]
    assert found.json["builder"] == "buildah"


@pytest.mark.parametrize("machine", RARELY, indirect=True)
def test_programs_that_hang_are_killed(root: Seat, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    # A number of seconds that no other process sleeps.
    marker = str(100_000 + int.from_bytes(os.urandom(3)))
    for name in ENGINES:
        (programs / name).write_text(f"#!/bin/sh\nsleep {marker}\n")
        (programs / name).chmod(0o755)
    found = root.doctor(PATH=f"{programs}:{SYSTEM_PATH}")
    assert found.json["builder"] == "direct"
    assert all("did not answer" in found.checks[name]["found"] for name in ENGINES)
    # One that was killed may take a moment to end.
    until(lambda: processes(f"sleep {marker}") == [])


def _free(command: str, name: str, machine: Machine) -> None:
    """Check that a range of subordinate ids is one that no other user has."""
    first, last = (
        int(each) for each in command.split("--add-subuids ")[1].split(maxsplit=1)[0].split("-")
    )
    assert last - first == 65_535
    for file in ("/etc/subuid", "/etc/subgid"):
        for line in machine.run(["cat", file]).splitlines():
            owner, start, count = line.split(":")
            assert owner == name or last < int(start) or first >= int(start) + int(count), line


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.rootless
@pytest.mark.buildah
def test_the_command_for_missing_subordinate_ids_repairs_them(machine: Machine) -> None:
    with ordinary_user(subids=False, place=machine.place) as user:
        seat = _seat(user, machine)
        # What is free now is still free when it is taken.
        with locked("users"):
            found = seat.doctor()
            assert found.json["builder"] == "direct"
            assert f"user {user.name} has no entry" in found.checks["subids"]["found"]
            fix = found.checks["buildah"]["fix"].splitlines()[0]
            assert fix.startswith("Ask your administrator to run: usermod --add-subuids")
            assert fix.endswith(f" {user.name}")
            _free(fix, user.name, machine)
            # podman has a user namespace without them by now, which it keeps.
            machine.run(fix.partition(": ")[2].split())
        again = seat.doctor()
        assert again.checks["rootless"]["ok"]
        assert again.checks["buildah"]["ok"]
        assert again.status == 6
        repaired = seat.run("doctor", "--fix", "--yes")
        assert "Done: podman system migrate" in repaired.stderr
        assert seat.doctor().checks["podman"]["ok"]


def _programs(machine: Machine, folder: Path, *without: str) -> str:
    """Make a PATH with everything of the system but some programs."""
    folder.mkdir(mode=0o755)
    link = 'ln -s -t "$0" /usr/bin/* /usr/sbin/*; cd "$0"; rm -f "$@"'
    machine.run(["sh", "-c", link, str(folder), *without])
    return str(folder)


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.rootless
def test_a_missing_newuidmap_is_named_with_its_package(ordinary: Seat, bed: Path) -> None:
    user = ordinary.user
    assert user is not None
    folder = bed / f"bin-{os.urandom(4).hex()}"
    path = _programs(ordinary.machine, folder, "newuidmap", "newgidmap")
    home, runtime = (bed / f"{name}-{os.urandom(4).hex()}" for name in ("home", "run"))
    for folder in (home, runtime):
        folder.mkdir(mode=0o700)
        user.own(folder)
    found = ordinary.doctor(PATH=path, HOME=str(home), XDG_RUNTIME_DIR=str(runtime))
    assert found.json["builder"] == "direct"
    assert "newuidmap is not installed" in found.checks["newuidmap"]["found"]
    for name in ("newuidmap", "podman", "buildah"):
        assert found.checks[name]["fix"].endswith("apt-get install uidmap"), found.checks[name]


@pytest.mark.buildah
def test_crun_without_runc_on_old_control_groups_still_builds(root: Seat, tmp_path: Path) -> None:
    found = root.doctor(PATH=_programs(root.machine, tmp_path / "bin", "runc", "youki"))
    assert found.checks["buildah"]["ok"]
    assert "cgroups" in found.checks["system"]["found"]


@pytest.fixture
def full(machine: Machine, bed: Path) -> Iterator[Path]:
    """A disk without any space left."""
    folder = bed / f"full-{os.urandom(4).hex()}"
    folder.mkdir()
    machine.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)])
    machine.run(["sh", "-c", 'cat /dev/zero >"$0" || true', str(folder / "ballast")])
    yield folder
    machine.run(["umount", "--lazy", str(folder)])


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.buildah
def test_a_full_disk_is_named(root: Seat, full: Path, tmp_path: Path) -> None:
    found = root.doctor(TMPDIR=str(full))
    assert not found.checks["temporary"]["ok"]
    assert str(full) in found.checks["temporary"]["found"]
    conf = tmp_path / "storage.conf"
    conf.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{full}/g"\nrunroot = "{full}/r"\n')
    found = root.doctor(CONTAINERS_STORAGE_CONF=str(conf))
    assert found.json["builder"] == "direct"
    for engine in ("podman", "buildah"):
        assert "Free some space" in found.checks[engine]["fix"], found.checks[engine]


@pytest.mark.rootless
@pytest.mark.buildah
def test_a_slow_store_is_passed_over_and_named(ordinary: Seat) -> None:
    found = ordinary.doctor(STORAGE_DRIVER="vfs")
    assert found.checks["buildah"]["ok"]
    assert "slow" in found.checks["buildah"]["found"]
    assert "buildah's store is slow" in found.checks["builder"]["found"]
    assert found.json["builder"] == "direct"


@pytest.fixture
def logged_in(root: Seat, platform: Platform, tmp_path: Path) -> Seat:
    """Root with a login on the platform, whose CA the login names."""
    ca = platform.registry.ca
    assert ca is not None
    variables = {**root.environment, "KEYNET_CONFIG": str(tmp_path / "keynet/config.json")}
    seat = Seat(root.machine, variables)
    done = seat.run(
        *("login", platform.url, "--username", EMAIL, "--password-stdin"),
        *("--ca-cert", str(ca.cert)),
        *(f"--token-host={host}" for host in platform.registry.token_hosts),
        stdin=PASSWORD,
    )
    assert done.returncode == 0, done.stderr
    stored = json.loads((tmp_path / "run/containers/auth.json").read_text())
    assert list(stored["auths"]) == [platform.registry.host]
    return seat


def _change(seat: Seat, **changes: object) -> None:
    file = Path(seat.environment["KEYNET_CONFIG"])
    saved = json.loads(file.read_text())
    file.write_text(json.dumps({**saved, **changes}))


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.buildah
def test_a_login_is_examined_against_real_servers(logged_in: Seat, platform: Platform) -> None:
    good = logged_in.doctor()
    assert good.status == 0, good.checks
    assert good.json["can_push"]
    assert good.checks["referrers"]["found"].startswith("no referrers API")
    account = {
        "url": platform.registry_url,
        "username": platform.registry.username,
        "password": "not the password of this account",
    }
    _change(logged_in, harbor=account)
    refused = logged_in.doctor()
    assert refused.status == 6
    assert refused.checks["backend"]["ok"]
    assert "refuses the credentials" in refused.checks["registry"]["found"]
    assert "not the password" not in json.dumps(refused.json)
    _change(logged_in, api_token="a-token-that-nobody-gave")
    refused = logged_in.doctor()
    assert not refused.checks["backend"]["ok"]
    assert "keynet login" in refused.checks["backend"]["fix"]
    _change(logged_in, api_token_expires_at="2020-01-01T00:00:00Z")
    assert "expired" in logged_in.doctor().checks["login"]["found"]


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.buildah
def test_a_config_file_of_the_wrong_mode_is_repaired(logged_in: Seat) -> None:
    file = Path(logged_in.environment["KEYNET_CONFIG"])
    file.chmod(0o644)
    assert logged_in.doctor().checks["config"]["fix"] == f"Run: chmod 600 {file}"
    refused = logged_in.run("doctor", "--fix")
    assert refused.returncode == 2
    assert "Pass --yes" in refused.stderr
    repaired = logged_in.run("doctor", "--fix", "--yes")
    assert repaired.returncode == 0, repaired.stderr
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("machine", RARELY, indirect=True)
@pytest.mark.buildah
def test_watching_shows_a_change_and_ends_with_ctrl_c(logged_in: Seat) -> None:
    file = Path(logged_in.environment["KEYNET_CONFIG"])
    process = subprocess.Popen(
        logged_in.argv("doctor", "--watch", "--json"),
        env=dict(logged_in.environment),
        cwd="/",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert "Watching" in process.stderr.readline()
    file.chmod(0o644)
    for line in process.stdout:
        check = json.loads(line)
        if check["name"] == "config" and not check["ok"]:
            break
    process.send_signal(2)
    _out, err = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130
    assert "Traceback" not in err


# Debian 13's versions.
NEWER = {
    "docker-newer": ("docker", "26."),
    "podman-newer": ("podman", "5."),
    "buildah-newer-rootless": ("buildah", "1.39"),
}


@pytest.mark.parametrize("kind", marked([*NEWER]))
def test_the_newer_engines_are_found(kind: str, request: pytest.FixtureRequest) -> None:
    engine, version = NEWER[kind]
    host = make_host(kind, request)
    done = _keynet(host.wrap([host.python, "-m", "keynet", "doctor", "--json"]), host.environment)
    assert done.stdout, done.stderr
    found = Examined(done.returncode, json.loads(done.stdout))
    assert found.checks[engine]["ok"], found.checks[engine]
    assert found.checks[f"{engine} host"]["found"].startswith(f"client {version}")
    # Nobody has logged in there.
    assert not found.checks["login"]["ok"]
    assert found.status == 6
