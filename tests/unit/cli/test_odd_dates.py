"""Dates that nobody would write: a push, a run and doctor name them and end in order."""

import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.backend import Reply
from tests.unit.cli.conftest import Platform, keynet

Capture = pytest.CaptureFixture[str]

# What the message says of the login's date.
NO_DATE = "api_token_expires_at is not a date and time"
NO_TEXT = "api_token_expires_at is not a string"
EXPIRED = "expired at"
BROKEN = [
    ("9999999-01-01T00:00:00Z", NO_DATE),
    ("+9999999-01-01T00:00:00Z", NO_DATE),
    ("-0001-01-01T00:00:00Z", NO_DATE),
    ("2026-12-30T10:00:00+24:00", NO_DATE),
    ("2026-12-30T10:00:00 Asia/Seoul", NO_DATE),
    ("NaN", NO_DATE),
    ("never", NO_DATE),
    (" ", NO_DATE),
    (float("nan"), NO_TEXT),
    (1e300, NO_TEXT),
    (-1, NO_TEXT),
    (0, NO_TEXT),
    (False, NO_TEXT),
    ([], NO_TEXT),
]
OVER = [
    ("0001-01-01T00:00:00+23:59", EXPIRED),
    ("0001-01-01", EXPIRED),
    ("1970-01-01T00:00:00-00:00", EXPIRED),
]
FAR_OFF = ["9999-12-31T23:59:59.999999-23:59", "9999-12-31T23:59:59+23:59"]
MANY_DIGITS = pytest.param("9" * 5000, id="many digits")
# POSIX allows 24 hours, the C library more.
ZONES = ["UTC", "Pacific/Kiritimati", "AAA-24", "BBB+24:59:59", "<+99>-167:59:59", ":no such zone"]


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this machine into a time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def _save(expires: object) -> None:
    config = Path(os.environ["KEYNET_CONFIG"])
    config.write_text(
        json.dumps({**json.loads(config.read_text()), "api_token_expires_at": expires})
    )


@pytest.mark.parametrize(("expires", "said"), BROKEN)
def test_a_login_without_a_valid_date_is_refused_and_named(
    platform: Platform, capsys: Capture, expires: object, said: str
) -> None:
    _save(expires)
    for command in (("push", "train.py"), ("run", "python:3.11-slim"), ("run", "train.py")):
        assert keynet(*command) in {1, 6}
        shown = capsys.readouterr().err
        assert said in shown
        assert "keynet config clear" in shown
    assert platform.backend.seen == []


@pytest.mark.slow
@pytest.mark.parametrize(("expires", "said"), [*BROKEN[:1], *BROKEN[-2:], *OVER])
def test_doctor_does_not_call_such_a_login_valid(
    platform: Platform, capsys: Capture, expires: object, said: str
) -> None:
    _save(expires)
    assert keynet("doctor", "--json") == 6
    found = json.loads(capsys.readouterr().out)
    assert found["can_push"] is False
    [login] = [check for check in found["checks"] if check["name"] == "login"]
    assert login["ok"] is False
    assert said in login["found"]
    assert platform.backend.seen == []


@pytest.mark.slow
@pytest.mark.parametrize(("expires", "said"), OVER)
@pytest.mark.usefixtures("zone")
def test_a_login_of_long_ago_has_expired_in_every_zone(
    platform: Platform, capsys: Capture, expires: str, said: str
) -> None:
    _save(expires)
    assert keynet("push", "train.py") == 6
    assert said in capsys.readouterr().err
    assert platform.backend.seen == []


@pytest.mark.parametrize("expires", FAR_OFF)
@pytest.mark.usefixtures("zone")
def test_a_login_that_never_expires_is_valid_in_every_zone(
    platform: Platform, capsys: Capture, expires: str
) -> None:
    _save(expires)
    platform.backend.answer(Reply.of({"content": [], "meta": {"total": 0}}))
    assert keynet("project", "list") == 0
    assert "expired" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("zone")
def test_signing_in_shows_a_far_off_expiry_in_every_zone(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _log_in(platform, monkeypatch, FAR_OFF[0]) == 0
    assert "Login valid until 9999-12-" in capsys.readouterr().err
    assert keynet("config", "show") == 0


@pytest.mark.parametrize(
    "expires",
    [
        "9999999-01-01T00:00:00Z",
        "never",
        "NaN",
        float("nan"),
        float("inf"),
        1e300,
        -1e300,
        True,
        [],
    ],
)
def test_a_platform_that_answers_no_date_is_named_and_nothing_is_saved(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, expires: object
) -> None:
    before = Path(os.environ["KEYNET_CONFIG"]).read_text()
    assert _log_in(platform, monkeypatch, expires) == 5
    assert "accessTokenExpiresAt" in capsys.readouterr().err
    assert Path(os.environ["KEYNET_CONFIG"]).read_text() == before


def _log_in(platform: Platform, monkeypatch: pytest.MonkeyPatch, expires: object) -> int:
    account = {"url": f"http://{platform.registry_host}", "username": "u", "password": "word"}
    answer = {"accessToken": "a-token", "accessTokenExpiresAt": expires, "harbor": account}
    platform.backend.replies.clear()
    platform.backend.answer(Reply.of(answer))
    monkeypatch.setattr(sys, "stdin", io.StringIO("word\n"))
    return keynet("login", platform.backend.url, "-u", "me@example.com", "--password-stdin")


@pytest.mark.parametrize("number", ["-1", "NaN", "1e400", MANY_DIGITS, "١٢", "0x10", "1_0_"])
def test_a_project_that_is_no_number_is_refused_with_its_variable(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    monkeypatch.setenv("KEYNET_PROJECT_ID", number)
    assert keynet("push", "train.py") == 2
    assert "KEYNET_PROJECT_ID cannot be used" in capsys.readouterr().err
    assert platform.backend.seen == []


@pytest.mark.parametrize(
    "seconds", ["-1", "nan", "inf", "1e400", MANY_DIGITS, "soon", "2026-11-29"]
)
@pytest.mark.parametrize("name", ["KEYNET_RUNTIME_TIMEOUT", "KEYNET_RUNTIME_PING_TIMEOUT"])
@pytest.mark.usefixtures("platform")
def test_a_time_that_is_none_is_refused_with_its_variable(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str, seconds: str
) -> None:
    monkeypatch.setenv(name, seconds)
    assert keynet("run", "python:3.11-slim") == 2
    shown = capsys.readouterr().err
    assert name in shown
    assert "is not a number of seconds" in shown


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1e12, -1e12])
@pytest.mark.usefixtures("platform")
def test_what_is_left_may_be_of_any_year(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    # Most file systems on disks keep no such years, those in memory do.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        folder = Path(runtime, f"keynet-push-{16 * 'a'}")
        folder.mkdir(mode=0o700)
        os.utime(folder, (seconds, seconds))
        assert keynet("ps", "--json") == 0
        found = json.loads(capsys.readouterr().out)
        assert str(folder) in {each["name"] for each in found}
        assert keynet("clean", "--yes") == 0
        assert not folder.exists()
