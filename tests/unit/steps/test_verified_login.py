"""What is remembered of a registry that took the login, and what ends that."""

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.plan import RegistryAccess
from keynet.secret import Secret
from keynet.steps.verified_login import VerifiedLogin

SECRET = "a-password-of-some-length"


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "config.json"
    file.write_text(SECRET)
    return file


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def access(listening: socket.socket) -> RegistryAccess:
    return RegistryAccess(f"127.0.0.1:{listening.getsockname()[1]}", "robot$1", Secret(SECRET))


def marks(login: Path) -> list[Path]:
    return list((login.parent / "cache" / "keynet" / "accepted").iterdir())


def test_it_holds_once_noted_until_it_is_forgotten(access: RegistryAccess, login: Path) -> None:
    accepted = VerifiedLogin(access, login)
    assert not accepted.still_valid()
    accepted.remember()
    assert VerifiedLogin(access, login).still_valid()
    accepted.forget()
    assert not VerifiedLogin(access, login).still_valid()


def test_it_says_nothing_of_another_account_registry_or_login(
    access: RegistryAccess, login: Path
) -> None:
    VerifiedLogin(access, login).remember()
    for other in (
        replace(access, username="robot$2"),
        replace(access, host=access.host.replace("127.0.0.1", "localhost")),
        replace(access, insecure=True),
        replace(access, ca_cert=Path("ca.pem")),
    ):
        assert not VerifiedLogin(other, login).still_valid()
    login.write_text(f"another {SECRET}")
    assert not VerifiedLogin(access, login).still_valid()


def test_it_ends_with_time_and_leaves_no_old_marks(access: RegistryAccess, login: Path) -> None:
    VerifiedLogin(access, login).remember()
    [old] = marks(login)
    for age_s in (60 * VerifiedLogin.VALID_MINUTES + 1, -60):
        moment = time.time() - age_s
        os.utime(old, (moment, moment))
        assert not VerifiedLogin(access, login).still_valid()
    VerifiedLogin(replace(access, username="robot$2"), login).remember()
    assert old not in marks(login)


def test_it_ends_with_the_registry(
    access: RegistryAccess, login: Path, listening: socket.socket
) -> None:
    VerifiedLogin(access, login).remember()
    listening.close()
    assert not VerifiedLogin(access, login).still_valid()


def test_what_lies_behind_a_proxy_is_asked_each_time(
    login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = RegistryAccess("harbor.invalid", "robot$1", Secret(SECRET))
    VerifiedLogin(access, login).remember()
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    connected: list[object] = []
    monkeypatch.setattr(socket, "create_connection", connected.append)
    assert not VerifiedLogin(access, login).still_valid()
    assert not connected


def test_no_password_from_elsewhere_is_remembered(access: RegistryAccess, login: Path) -> None:
    for nowhere in (None, login.with_name("missing.json")):
        accepted = VerifiedLogin(access, nowhere)
        accepted.remember()
        assert not accepted.still_valid()
        accepted.forget()
    assert not (login.parent / "cache").exists()


def test_a_mark_holds_no_secret_and_a_cache_that_cannot_be_written_costs_time_only(
    access: RegistryAccess, login: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    VerifiedLogin(access, login).remember()
    [mark] = marks(login)
    assert mark.read_bytes() == b""
    assert mark.parent.stat().st_mode & 0o777 == 0o700
    cache = login.parent / "other"
    (cache / "keynet").mkdir(parents=True)
    (cache / "keynet/accepted").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    accepted = VerifiedLogin(access, login)
    accepted.remember()
    assert not accepted.still_valid()
