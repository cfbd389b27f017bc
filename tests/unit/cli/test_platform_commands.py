"""login, logout, config, project and sandbox as commands, without an engine or a terminal."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from keynet.backend.client import BackendClient
from keynet.backend.models import Project
from keynet.cli.commands.login import validity
from keynet.cli.main import cli
from keynet.cli.prompts import chooser
from keynet.errors import KeynetError, NotAuthorised, UsageError
from keynet.sandbox.server import Options, Sandbox
from keynet.secret import Secret
from tests.fakes.backend import FakeBackend, Reply, running_backend

SIGNED_IN = Reply.of(
    {
        "accessToken": "eyJ-the-token-0123456789",
        "accessTokenExpiresAt": "2999-11-04T12:00:00Z",
        "user": {"email": "user@example.com", "displayName": "홍길동"},
        "harbor": {
            "url": "https://harbor.example.com",
            "username": "robot$1",
            "password": "eyJ-robot-0123456789",
        },
    }
)
TWO = Reply.of({"content": [{"id": 1, "title": "하나"}, {"id": 2, "title": "둘"}]})


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    with running_backend() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user of the test's own, on a machine without engines."""
    for name in os.environ:
        if name.startswith("KEYNET_"):
            monkeypatch.delenv(name)
    file = tmp_path / "config" / "keynet" / "config.json"
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("KEYNET_CONFIG", str(file))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.chdir(tmp_path)
    return file


def keynet(*arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(cli, list(arguments), input=text, catch_exceptions=True)


def error_of(result: Result) -> KeynetError:
    assert isinstance(result.exception, KeynetError), result.exception
    return result.exception


def log_in(backend: FakeBackend) -> None:
    backend.answer(SIGNED_IN)
    arguments = ["login", backend.url, "-u", "user@example.com", "--password-stdin"]
    done = keynet(*arguments, text="secret-password\n")
    assert done.exit_code == 0, (done.output, done.exception)


@pytest.mark.medium
def test_a_login_saves_and_shows_no_secret(backend: FakeBackend, config: Path) -> None:
    backend.answer(SIGNED_IN)
    arguments = ["login", backend.url, "-u", "user@example.com", "--password-stdin"]
    done = keynet(*arguments, text="secret-password\r\n")
    assert done.exit_code == 0
    assert backend.seen[0].json["password"] == "secret-password"
    assert "홍길동" in done.stderr
    assert str(config) in done.stderr
    assert "No engine works here" in done.stderr
    assert "secret-password" not in done.output
    shown = json.loads(keynet("config", "show").stdout)
    assert shown["api_token"] == "eyJ-th…789"


def test_the_saved_server_and_user_serve_again(backend: FakeBackend, config: Path) -> None:
    log_in(backend)
    done = keynet("login", "--password-stdin", text="again")
    assert done.exit_code == 0
    assert backend.seen[-1].json == {"email": "user@example.com", "password": "again"}


@pytest.mark.medium
def test_variables_name_server_and_user(
    backend: FakeBackend, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.answer(SIGNED_IN)
    monkeypatch.setenv("KEYNET_SERVER_URL", backend.url)
    monkeypatch.setenv("KEYNET_USERNAME", "ci@example.com")
    assert keynet("login", "--password-stdin", text="p").exit_code == 0
    assert backend.seen[0].json["email"] == "ci@example.com"


@pytest.mark.parametrize(
    ("arguments", "text", "names"),
    [
        ([], "", "KEYNET_SERVER_URL"),
        (["https://a.example"], "", "KEYNET_USERNAME"),
        (["https://a.example", "-u", "u"], "password", "--password-stdin"),
        (["https://a.example", "-u", "u", "--password-stdin"], "", "--password-stdin"),
        (["https://a.example", "-u", "u", "--password-stdin"], "\n", "--password-stdin"),
        (["https://a.example", "-u", "u", "--password-stdin"], "x" * 20_000, "--password-stdin"),
        (["http://a.example", "-u", "u", "--password-stdin"], "x", "--insecure"),
    ],
)
def test_what_is_missing_is_named(
    config: Path, arguments: list[str], text: str, names: str
) -> None:
    error = error_of(keynet("login", *arguments, text=text))
    assert isinstance(error, UsageError)
    assert names in error.message + error.hint
    assert not config.exists()


def test_logging_out_forgets(backend: FakeBackend, config: Path) -> None:
    log_in(backend)
    done = keynet("logout")
    assert done.exit_code == 0
    assert f"Removed {config}" in done.stderr
    assert "Not logged in" in keynet("config", "clear").stderr
    assert isinstance(error_of(keynet("config", "show")), NotAuthorised)


def test_the_files_path_is_printed_whether_it_exists_or_not(config: Path) -> None:
    assert keynet("config", "path").stdout == f"{config}\n"


@pytest.mark.medium
def test_projects_are_listed_selected_and_forgotten(backend: FakeBackend, config: Path) -> None:
    log_in(backend)
    backend.answer(TWO)
    assert keynet("project", "list").stdout == "  [1] 하나\n  [2] 둘\n"
    assert "[2] 둘" in keynet("project", "select", "2").stderr
    assert keynet("project", "list").stdout == "  [1] 하나\n* [2] 둘\n"
    listed = json.loads(keynet("project", "list", "--json").stdout)
    assert [each["selected"] for each in listed] == [False, True]
    assert "No project" not in keynet("project", "clear").stderr
    assert "No project was selected" in keynet("project", "clear").stderr
    assert isinstance(error_of(keynet("project", "select", "3")), UsageError)
    assert isinstance(error_of(keynet("project", "select")), UsageError)


@pytest.mark.medium
def test_an_empty_list_is_said(backend: FakeBackend, config: Path) -> None:
    log_in(backend)
    backend.answer(Reply.of({"content": []}))
    done = keynet("project", "list")
    assert done.stdout == ""
    assert "no project" in done.stderr


def test_a_context_that_would_redirect_is_refused(backend: FakeBackend, config: Path) -> None:
    log_in(backend)
    Path("pyproject.toml").write_text('[tool.keynet]\nserver-url = "https://evil.example.com"\n')
    seen = len(backend.seen)
    assert isinstance(error_of(keynet("project", "list")), UsageError)
    assert len(backend.seen) == seen


def test_a_person_on_a_terminal_is_asked_page_by_page(
    backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*ids: int) -> Reply:
        content = [{"id": id_, "title": "t"} for id_ in ids]
        return Reply.of({"content": content, "meta": {"total": 3}})

    backend.answer(page(1, 2), page(3))
    chosen: list[Project] = []

    @click.command()
    def choose() -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        with BackendClient(backend.url, Secret("t")) as client:
            chosen.append(chooser()(client))

    done = CliRunner().invoke(choose, input="x\nn\np\n3\n")
    assert done.exit_code == 0, done.exception
    assert chosen[0].id == 3
    assert "n for the next page" in done.stderr
    assert "p for the previous page" in done.stderr
    assert "'x' is not a project number" in done.stderr
    assert not done.stdout


def test_a_project_that_is_alone_is_said_on_standard_error(backend: FakeBackend) -> None:
    backend.answer(Reply.of({"content": [{"id": 7, "title": "t"}], "meta": {"total": 1}}))

    @click.command()
    def choose() -> None:
        with BackendClient(backend.url, Secret("t")) as client:
            click.echo(chooser()(client).id)

    done = CliRunner().invoke(choose)
    assert done.stdout == "7\n"
    assert "[7] t" in done.stderr


@pytest.mark.parametrize("ca_cert", [None, Path("/data/a b/ca.crt")])
def test_the_sandbox_prints_what_logs_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ca_cert: Path | None
) -> None:
    from keynet.cli.commands import sandbox as command

    running = Sandbox(
        server_url="http://127.0.0.1:1/app-training",
        registry_url="http://127.0.0.1:2",
        username="user@example.com",
        password=Secret("pw"),
        password_file=tmp_path / "a b" / "password",
        admin_password=Secret("admin-pw"),
        data=tmp_path,
        ca_cert=ca_cert,
    )

    @click.command()
    @click.option("--json", "as_json", is_flag=True)
    def show(*, as_json: bool) -> None:
        (command.print_json if as_json else command.print_text)(running)

    text = CliRunner().invoke(show).stdout
    login = next(line for line in text.splitlines() if "--password-stdin" in line).strip()
    words = subprocess.run(
        ["/bin/sh", "-c", login.replace("keynet", "printf '%s\\n'", 1).partition(" < ")[0]],
        text=True,
        capture_output=True,
        check=True,
    ).stdout.splitlines()
    assert words[:4] == ["login", running.server_url, "--username", "user@example.com"]
    assert ("--ca-cert" in words) == (ca_cert is not None)
    assert "pw" in text
    value = json.loads(CliRunner().invoke(show, ["--json"]).stdout)
    assert value["password"] == "pw"
    assert value["registry"] == "127.0.0.1:2"
    assert value["admin"] == {"username": "admin", "password": "admin-pw"}
    assert value["ca_cert"] == (None if ca_cert is None else str(ca_cert))


def test_the_sandbox_refuses_an_address_of_others(tmp_path: Path, config: Path) -> None:
    error = error_of(keynet("sandbox", "--address", "192.0.2.1", "--data", str(tmp_path / "d")))
    assert "--allow-remote" in error.hint
    assert Options(tmp_path).address == "127.0.0.1"


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0.5, "10:30 today (30 min)"),
        (12, "22:00 today (12 h)"),
        (14.65, "00:39 tomorrow (15 h)"),
        (47.9, "2026-11-29 09:54 (48 h)"),
        (72, "2026-11-30 10:00 (3 days)"),
    ],
)
def test_a_login_is_said_to_last_until_a_time_of_day(
    monkeypatch: pytest.MonkeyPatch, hours: float, words: str
) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    now = datetime(2026, 11, 27, 1, 0, tzinfo=UTC)
    try:
        assert validity(now + timedelta(hours=hours), now) == f"Login valid until {words}."
    finally:
        monkeypatch.undo()
        time.tzset()
