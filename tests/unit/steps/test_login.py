"""Signing in: what is saved, what is refused, and engines that fail."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from keynet import credentials
from keynet.errors import BackendError, EngineError, KeynetError, NotAuthorised, UsageError
from keynet.events import Event, Notice
from keynet.plan import RegistryAccess
from keynet.runtime.engine import AnyBuilder, WorkingEngine
from keynet.saved_login import SavedLogin, SavedProject
from keynet.secret import Secret
from keynet.steps import login
from keynet.steps.login import Login
from tests.fakes.backend import FakeBackend, Reply, running_backend

NOW = datetime(2025, 11, 4, 8, 30, tzinfo=UTC)
ANSWER = {
    "accessToken": "eyJ-token",
    "accessTokenExpiresAt": "2025-11-04T12:00:00Z",
    "user": {"email": "user@example.com", "displayName": "홍길동"},
    "harbor": {"url": "https://harbor.example.com", "username": "robot$1", "password": "eyJ-p"},
}


@pytest.fixture
def backend() -> Iterator[FakeBackend]:
    with running_backend() as running:
        running.answer(Reply.of(ANSWER))
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keynet" / "config.json"


def request(backend: FakeBackend) -> Login:
    return Login(f"{backend.url}/app/", "user@example.com", Secret("pw"))


def test_a_sign_in_saves_what_the_platform_gave(backend: FakeBackend, file: Path) -> None:
    user = login.sign_in(request(backend), file, NOW)
    assert user.name == "홍길동"
    assert user.registry.host == "harbor.example.com"
    assert json.loads(file.read_text()) == {
        "server_url": f"{backend.url}/app",
        "username": "user@example.com",
        "api_token": "eyJ-token",
        "api_token_expires_at": "2025-11-04T12:00:00Z",
        "harbor": {"url": "https://harbor.example.com", "username": "robot$1", "password": "eyJ-p"},
        "last_login": "2025-11-04T08:30:00",
    }


def test_the_chosen_project_survives_a_new_login(backend: FakeBackend, file: Path) -> None:
    project = SavedProject(3, "t", "https://a.example")
    credentials.save(SavedLogin(project=project), file)
    login.sign_in(request(backend), file)
    saved = credentials.load(file)
    assert saved is not None
    assert saved.project == project


def test_a_former_ca_does_not_outlive_a_login_without_one(backend: FakeBackend, file: Path) -> None:
    credentials.save(SavedLogin(ca_cert=Path("/old.pem"), insecure=True), file)
    login.sign_in(request(backend), file)
    saved = credentials.load(file)
    assert saved is not None
    assert (saved.ca_cert, saved.insecure) == (None, False)


def test_declared_token_hosts_are_saved(backend: FakeBackend, file: Path) -> None:
    user = login.sign_in(replace(request(backend), token_hosts=("git.test",)), file)
    saved = credentials.load(file)
    assert saved is not None
    assert saved.token_hosts == ("git.test",)
    assert user.registry.token_hosts[0] == "git.test"


def test_a_broken_file_is_noticed_before_the_password_is_sent(
    backend: FakeBackend, file: Path
) -> None:
    file.parent.mkdir()
    file.touch(0o600)
    with pytest.raises(KeynetError, match="broken"):
        login.sign_in(request(backend), file)
    assert not backend.seen


def test_a_refused_sign_in_saves_nothing(backend: FakeBackend, file: Path) -> None:
    backend.answer(Reply(401))
    with pytest.raises(NotAuthorised):
        login.sign_in(request(backend), file)
    assert not file.exists()


@pytest.mark.parametrize(
    ("harbor", "kind"),
    [
        ({"url": "http://harbor.example.com"}, UsageError),
        ({"url": "https://evil@harbor.example.com"}, UsageError),
        ({"password": "a\nb"}, BackendError),
        ({"username": ""}, BackendError),
    ],
)
def test_a_registry_account_that_cannot_be_used_is_refused_and_not_saved(
    backend: FakeBackend, file: Path, harbor: dict[str, str], kind: type[KeynetError]
) -> None:
    base = cast(dict[str, str], ANSWER["harbor"])
    backend.answer(Reply.of(ANSWER | {"harbor": base | harbor}))
    with pytest.raises(kind):
        login.sign_in(request(backend), file)
    assert not file.exists()


class FakeEngine:
    """An engine that keeps who logged in and out, or fails."""

    def __init__(self, name: str, *, fails: bool = False) -> None:
        self.engine = WorkingEngine(name, "1", name)
        self.calls: list[str] = []
        self._fails = fails

    def login(self, access: RegistryAccess) -> None:
        self._call(f"login {access.host} {access.username}")

    def logout(self, host: str) -> None:
        self._call(f"logout {host}")

    def _call(self, what: str) -> None:
        if self._fails:
            raise EngineError("\x1b[31mno daemon", "start it")
        self.calls.append(what)


def test_every_engine_is_logged_in_and_a_failure_is_a_warning() -> None:
    events: list[Event] = []
    engines = [FakeEngine("docker", fails=True), FakeEngine("podman"), FakeEngine("buildah")]
    builders = cast(list[AnyBuilder], engines)
    access = RegistryAccess("harbor.example.com", "robot$1", Secret("eyJ-password"))
    assert login.log_in_engines(access, builders, events.append) == ["podman", "buildah"]
    assert engines[1].calls == ["login harbor.example.com robot$1"]
    assert isinstance(events[0], Notice)
    assert "docker" in events[0].text
    assert "no daemon" in events[0].text
    assert "start it" in events[0].text
    assert "\x1b" not in events[0].text
    assert "eyJ-password" not in events[0].text
    assert login.log_out_engines("harbor.example.com", builders, events.append) == [
        "podman",
        "buildah",
    ]
    assert engines[2].calls[1] == "logout harbor.example.com"
    assert len(events) == 2


def test_a_builder_that_stores_no_logins_is_passed_over() -> None:
    class Without:
        engine = WorkingEngine("other", "1", "other")

    events: list[Event] = []
    builders = cast(list[AnyBuilder], [Without(), FakeEngine("podman")])
    access = RegistryAccess("harbor.example.com", "robot$1", Secret("eyJ-password"))
    assert login.log_in_engines(access, builders, events.append) == ["podman"]
    assert login.log_out_engines("harbor.example.com", builders, events.append) == ["podman"]
    assert events == []


def test_a_host_without_engines_is_warned_about() -> None:
    events: list[Event] = []
    assert login.log_in_engines(RegistryAccess("harbor.example.com"), [], events.append) == []
    assert isinstance(events[0], Notice)
    assert "keynet doctor" in events[0].text


def test_forgetting_tells_which_registry_it_was(backend: FakeBackend, file: Path) -> None:
    login.sign_in(request(backend), file)
    assert login.forget(file) == (True, "harbor.example.com")
    assert login.forget(file) == (False, None)


def test_a_broken_file_can_be_forgotten(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("broken")
    assert login.forget(file) == (True, None)


def test_a_token_host_that_is_none_is_noticed_before_the_password_is_sent(
    backend: FakeBackend, file: Path
) -> None:
    with pytest.raises(UsageError, match=r"git\.test/jwt"):
        login.sign_in(replace(request(backend), token_hosts=("git.test/jwt",)), file)
    assert backend.seen == []
