"""The saved login as a value: read from any JSON, written back, and shown without its secrets."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from keynet.saved_login import HarborAccount, SavedLogin, SavedProject
from keynet.secret import Secret
from tests.tables import table

TOKEN = "eyJhbGciOiJIUzI1NiJ9.secret.abc"
SAVED = SavedLogin(
    server_url="https://api.example.com/app",
    username="user@example.com",
    api_token=Secret(TOKEN),
    api_token_expires_at=datetime(2025, 11, 4, 12, tzinfo=UTC),
    harbor=HarborAccount("https://harbor.example.com", "robot$1", Secret("eyJrobotpassword-xyz")),
    last_login="2025-11-04T08:30:00",
    project=SavedProject(12, "객체 탐지 모델", "https://api.example.com/app"),
    ca_cert=Path("/etc/company-ca.pem"),
    token_hosts=("git.example.com", "git.example.com:8443"),
    insecure=True,
    extra={"theme": {"dark": True}},
)


def test_a_login_comes_back_from_its_json() -> None:
    assert SavedLogin.from_json(json.loads(json.dumps(SAVED.to_json()))) == SAVED
    assert SavedLogin.from_json({}) == SavedLogin()
    assert SavedLogin().to_json() == {}


def test_null_and_empty_count_as_absent() -> None:
    empty: dict[str, object] = {
        "server_url": None,
        "harbor": None,
        "project": {},
        "ca_cert": "",
        "api_token": "",
    }
    assert SavedLogin.from_json(empty) == SavedLogin()


def test_token_hosts_are_no_secret() -> None:
    assert SAVED.shown()["token_hosts"] == ["git.example.com", "git.example.com:8443"]


@pytest.mark.parametrize("value", ["git.example.com", [1], {"a": "b"}])
def test_token_hosts_of_another_type_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="token_hosts is not a list"):
        SavedLogin.from_json({"token_hosts": value})


@table(
    ("text", "moment"),
    [
        ("2025-11-04T12:00:00Z", datetime(2025, 11, 4, 12, tzinfo=UTC)),
        ("2025-11-04T12:00:00", datetime(2025, 11, 4, 12, tzinfo=UTC)),
        (
            "2025-11-04T12:00:00+09:00",
            datetime(2025, 11, 4, 12, tzinfo=timezone(timedelta(hours=9))),
        ),
        ("2025-11-04t12:00:00z", datetime(2025, 11, 4, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_in_utc(text: str, moment: datetime) -> None:
    assert SavedLogin.from_json({"api_token_expires_at": text}).api_token_expires_at == moment


@table(
    "text",
    [
        "9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59", "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
    ],
)  # fmt: skip
@table("hours", [-14, 14])
def test_a_far_off_expiry_is_shown_in_every_zone_and_written_back(text: str, hours: int) -> None:
    login = SavedLogin.from_json({"api_token_expires_at": text})
    assert login.api_token_expires_at is not None
    local = login.api_token_expires_at.astimezone(timezone(timedelta(hours=hours)))
    assert abs(local.year - int(text[:4])) <= 1
    assert SavedLogin.from_json(login.to_json()) == login


@table(
    ("document", "named"),
    [
        ([], "not a JSON object"),
        (None, "not a JSON object"),
        ({"server_url": 3}, "server_url is not a string"),
        ({"harbor": "x"}, "harbor is not an object"),
        ({"harbor": {"password": [TOKEN]}}, "harbor.password is not a string"),
        ({"project": {"id": "12"}}, "project.id is not a number"),
        ({"project": {"id": True}}, "project.id is not a number"),
        ({"api_token_expires_at": TOKEN}, "api_token_expires_at is not a date"),
        ({"insecure": "yes"}, "insecure is neither true nor false"),
    ],
)
def test_a_wrong_type_is_named_without_the_value(document: object, named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        SavedLogin.from_json(document)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_showing_masks_every_secret() -> None:
    extra = {"other": {"refresh_token": "0123456789abcdefgh", "PASSWORD": ["short"], "size": 3}}
    extra["proxy"] = {"address": "http://user:password@proxy:3128"}
    shown = replace(SAVED, extra=extra).shown()
    assert shown["api_token"] == "eyJhbG…abc"
    assert shown["harbor"]["password"] == "eyJrob…xyz"
    assert shown["harbor"]["username"] == "robot$1"
    assert shown["api_token_expires_at"] == "2025-11-04T12:00:00Z"
    assert shown["other"] == {"refresh_token": "012345…fgh", "PASSWORD": ["***"], "size": 3}
    assert shown["proxy"] == {"address": "http:/…128"}


def test_nothing_of_a_short_secret_is_shown() -> None:
    shown = replace(SAVED, api_token=Secret("123456789012345")).shown()
    assert shown["api_token"] == "***"


def test_a_representation_shows_no_secret() -> None:
    assert TOKEN not in repr(SAVED)
    assert "robotpassword" not in repr(SAVED)
