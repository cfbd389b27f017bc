"""Logging in as people and CI do: the real command, a real platform, real engines."""

import base64
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.sandbox import SandboxProcess, running_sandbox
from tests.testbed.daemon import DOCKER, Dockerd

pytestmark = pytest.mark.registry

KEYNET = [sys.executable, "-m", "keynet"]
WITHIN_S = 300


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    with running_sandbox(tmp_path_factory.mktemp("platform") / "data") as running:
        yield running


@dataclass(frozen=True, slots=True)
class Home:
    """A user's folders of a test's own; ``environment`` leaves no engine in PATH."""

    folder: Path
    environment: dict[str, str]

    @property
    def config(self) -> Path:
        return self.folder / ".config" / "keynet" / "config.json"

    @property
    def saved(self) -> dict[str, Any]:
        value = json.loads(self.config.read_text())
        assert isinstance(value, dict)
        return value

    def run(
        self, *arguments: str, text: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*KEYNET, *arguments],
            input=text,
            text=True,
            capture_output=True,
            check=False,
            timeout=WITHIN_S,
            cwd=self.folder,
            env=self.environment | environment,
        )

    def login(
        self, sandbox: SandboxProcess, *, password: str | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        arguments = sandbox.login()[len(KEYNET) :]
        text = sandbox.password if password is None else password
        return self.run(*arguments, text=text, **environment)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir()
    empty = tmp_path / "no-engines"
    empty.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KEYNET_", "XDG_", "LC_"))}
    return Home(
        folder,
        kept
        | {
            "HOME": str(folder),
            "PATH": str(empty),
            "LANG": "C.UTF-8",
            "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
            "DOCKER_CONFIG": str(folder / ".docker"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
    )


def test_a_login_without_an_engine_is_saved_and_warned_about(
    home: Home, sandbox: SandboxProcess
) -> None:
    done = home.login(sandbox)
    assert done.returncode == 0, done.stderr
    assert "Warning: No engine works here" in done.stderr
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.config.parent.stat().st_mode) == 0o700
    assert home.saved["server_url"] == sandbox.server_url
    assert home.saved["harbor"]["username"].startswith("robot$")
    assert not done.stdout
    for secret in (sandbox.password, home.saved["api_token"], home.saved["harbor"]["password"]):
        assert secret not in done.stderr
    shown = home.run("config", "show")
    assert json.loads(shown.stdout)["api_token"] != home.saved["api_token"]
    assert home.saved["harbor"]["password"] not in shown.stdout


@pytest.mark.docker
@pytest.mark.podman
@pytest.mark.buildah
def test_engines_are_logged_in_and_no_process_shows_a_password(
    home: Home, sandbox: SandboxProcess, tmp_path: Path, dockerd: Dockerd
) -> None:
    # Each engine first writes down every command line of this machine, its own among them.
    shims, seen = tmp_path / "shims", tmp_path / "command-lines"
    shims.mkdir()
    engines = {name: shutil.which(name) for name in ("podman", "buildah")} | {"docker": DOCKER}
    for engine, real in engines.items():
        assert real is not None
        shim = shims / engine
        shim.write_text(
            f'#!/bin/sh\ncat /proc/[0-9]*/cmdline >> {seen} 2>/dev/null\nexec {real} "$@"\n'
        )
        shim.chmod(0o755)
    path = {"PATH": f"{shims}:{os.environ['PATH']}", "DOCKER_HOST": dockerd.host}
    done = home.login(sandbox, **path)
    assert done.returncode == 0, done.stderr
    assert "docker, podman, buildah" in done.stderr
    secrets = [sandbox.password, home.saved["api_token"], home.saved["harbor"]["password"]]
    command_lines = seen.read_bytes()
    lines = [line for line in command_lines.split(b"/bin/sh\0") if b"\0login\0" in line]
    for engine in engines:
        assert any(line.startswith(f"{shims}/{engine}\0".encode()) for line in lines), lines
    for secret in secrets:
        assert secret.encode() not in command_lines
        assert secret not in done.stderr + done.stdout
    stored = [home.folder / "auth.json", home.folder / ".docker" / "config.json"]
    for file in stored:
        entry = json.loads(file.read_text())["auths"][sandbox.registry]["auth"]
        name, _colon, password = base64.b64decode(entry).decode().partition(":")
        harbor = home.saved["harbor"]
        assert (name, password) == (harbor["username"], harbor["password"])
    out = home.run("logout", **path)
    assert out.returncode == 0, out.stderr
    assert not home.config.exists()
    for file in stored:
        assert sandbox.registry not in file.read_text()


def test_concurrent_logins_leave_one_whole_file(home: Home, sandbox: SandboxProcess) -> None:
    logins = []
    for _number in range(5):
        with sandbox.password_file.open() as password:
            logins.append(
                subprocess.Popen(
                    sandbox.login(),
                    stdin=password,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=home.environment,
                )
            )
    assert [login.wait(WITHIN_S) for login in logins] == [0] * 5
    names = sorted(entry.name for entry in home.config.parent.iterdir())
    assert names == [".config.json.lock", "config.json"]
    assert home.run("project", "list").returncode == 0


def test_a_private_ca_is_saved_with_the_login(home: Home, tmp_path: Path) -> None:
    with running_sandbox(tmp_path / "tls", "--tls") as sandbox:
        refused = home.run(
            *("login", sandbox.server_url, "--username", sandbox.username, "--password-stdin"),
            text=sandbox.password,
        )
        assert refused.returncode == 5
        assert "--ca-cert" in refused.stderr
        assert not home.config.exists()
        assert home.login(sandbox).returncode == 0
        assert home.saved["ca_cert"] == str(sandbox.ca_cert)
        listed = home.run("project", "list")
        assert "[1] 객체 탐지 모델 (OBJECT_DETECTION) - 홍길동" in listed.stdout
        again = home.run("login", "--password-stdin", text=sandbox.password)
        assert again.returncode == 0, again.stderr
        assert home.saved["ca_cert"] == str(sandbox.ca_cert)


def test_a_wrong_password_changes_nothing(home: Home, sandbox: SandboxProcess) -> None:
    assert home.login(sandbox).returncode == 0
    before = home.config.read_bytes()
    refused = home.login(sandbox, password="wrong-password-0123")
    assert refused.returncode == 6
    assert "Invalid email or password" in refused.stderr
    assert "wrong-password" not in refused.stderr
    assert home.config.read_bytes() == before


def test_nothing_asks_when_nobody_can_answer(home: Home) -> None:
    for arguments, names in (
        (["login"], ["KEYNET_SERVER_URL"]),
        (["login", "https://a.example"], ["--username", "KEYNET_USERNAME"]),
        (["login", "https://a.example", "--username", "u"], ["--password-stdin"]),
        (["login", "https://a.example", "--username", "u", "--password-stdin"], ["FILE"]),
    ):
        done = home.run(*arguments)
        assert done.returncode == 2, done.stderr
        assert all(name in done.stderr for name in names)
    assert not home.config.exists()


@pytest.mark.parametrize(
    ("url", "word"),
    [("http://a.example", "--insecure"), ("ftp://a.example", "https"), ("https://u:p@a", "user")],
)
def test_an_address_that_gives_the_password_away_is_refused(
    home: Home, url: str, word: str
) -> None:
    done = home.run("login", url, "--username", "u", "--password-stdin", text="p")
    assert done.returncode == 2
    assert word in done.stderr


def test_the_environment_is_enough_and_writes_nothing(home: Home, sandbox: SandboxProcess) -> None:
    assert home.login(sandbox).returncode == 0
    saved = home.saved
    assert home.run("logout").returncode == 0
    done = home.run(
        "project",
        "list",
        "--json",
        KEYNET_SERVER_URL=saved["server_url"],
        KEYNET_API_TOKEN=saved["api_token"],
        KEYNET_PROJECT_ID="2",
    )
    assert done.returncode == 0, done.stderr
    assert [p["id"] for p in json.loads(done.stdout) if p["selected"]] == [2]
    assert not home.config.exists()


def test_a_revoked_token_and_an_expired_one_ask_for_a_new_login(
    home: Home, sandbox: SandboxProcess
) -> None:
    assert home.login(sandbox).returncode == 0
    revoked = home.run("project", "list", KEYNET_API_TOKEN="no-such-token")
    assert revoked.returncode == 6
    assert f"keynet login {sandbox.server_url}" in revoked.stderr
    content = home.saved | {"api_token_expires_at": "2020-01-01T00:00:00Z"}
    home.config.write_text(json.dumps(content))
    expired = home.run("project", "list")
    assert expired.returncode == 6
    assert "expired" in expired.stderr


def test_a_readable_or_broken_file_is_left_alone(home: Home, sandbox: SandboxProcess) -> None:
    assert home.login(sandbox).returncode == 0
    home.config.chmod(0o644)
    refused = home.run("config", "show")
    assert refused.returncode == 1
    assert f"chmod 600 {home.config}" in refused.stderr
    home.config.chmod(0o600)
    home.config.write_text("{oops")
    assert home.login(sandbox).returncode == 1
    assert home.config.read_text() == "{oops"
    assert home.run("config", "clear").returncode == 0
    assert home.login(sandbox).returncode == 0


def test_a_project_is_selected_by_number_and_forgotten(home: Home, sandbox: SandboxProcess) -> None:
    assert home.login(sandbox).returncode == 0
    assert home.run("project", "select", "77").returncode == 2
    assert home.run("project", "select", "2").returncode == 0
    assert home.saved["project"]["server_url"] == sandbox.server_url
    assert "* [2]" in home.run("project", "list").stdout
    assert home.login(sandbox).returncode == 0
    assert home.saved["project"]["id"] == 2
    nobody = home.run("project", "select")
    assert nobody.returncode == 2
    assert "KEYNET_PROJECT_ID" in nobody.stderr
    assert home.run("project", "clear").returncode == 0
    assert "project" not in home.saved


def test_a_person_is_asked_and_the_password_is_not_shown(
    home: Home, sandbox: SandboxProcess
) -> None:
    with Terminal(home, "login") as terminal:
        terminal.expect("Platform URL")
        terminal.type(sandbox.server_url)
        terminal.expect("E-mail")
        terminal.type(sandbox.username)
        terminal.expect(f"Password of {sandbox.username}")
        terminal.type(sandbox.password)
        assert terminal.end() == 0, terminal.shown
    assert sandbox.password not in terminal.shown
    assert home.saved["username"] == sandbox.username
    with Terminal(home, "login") as terminal:
        terminal.expect(f"[{sandbox.server_url}]")
        terminal.type("")
        terminal.expect(f"[{sandbox.username}]")
        terminal.type("")
        terminal.expect("Password of")
        terminal.interrupt()
        assert terminal.end() == 130, terminal.shown
    assert home.saved["username"] == sandbox.username


def test_a_person_chooses_a_project_until_the_answer_fits(
    home: Home, sandbox: SandboxProcess
) -> None:
    assert home.login(sandbox).returncode == 0
    with Terminal(home, "project", "select") as terminal:
        terminal.expect("[3] 손글씨 숫자 분류 (OBJECT_CLASSIFICATION) - 이철수")
        terminal.expect("Which project?")
        terminal.type("9")
        terminal.expect("You have no project 9")
        terminal.expect("Which project?")
        terminal.type("3")
        assert terminal.end() == 0, terminal.shown
    assert home.saved["project"]["id"] == 3


class Terminal:
    """A keynet command on a terminal of its own."""

    def __init__(self, home: Home, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        # setsid makes the terminal the command's own: a password is asked on /dev/tty.
        setsid = shutil.which("setsid")
        assert setsid is not None
        self._process = subprocess.Popen(
            [setsid, "--ctty", *KEYNET, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=home.folder,
            env=home.environment | {"TERM": "dumb"},
        )
        os.close(slave)
        self.shown = ""
        self._at = 0

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)

    def expect(self, text: str) -> None:
        """Read until this text appears after the last one."""
        while text not in self.shown[self._at :]:
            assert self._read(), f"{text!r} did not come: {self.shown!r}"
        self._at = self.shown.index(text, self._at) + len(text)

    def type(self, line: str) -> None:
        os.write(self._master, f"{line}\n".encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        while self._read():
            pass
        return self._process.wait(WITHIN_S)

    def _read(self) -> bool:
        try:
            content = os.read(self._master, 65536)
        except OSError:
            return False
        self.shown += content.decode("utf-8", "replace")
        return bool(content)
