"""``doctor`` as its users run it: output, exit statuses, repairs and watching."""

import json
import os
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from keynet.steps import doctor
from keynet.steps.doctor import Check, Examiner, Group
from tests.fakes import engine
from tests.fakes.backend import Reply
from tests.unit.cli.conftest import Platform, Terminal, keynet

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _projects(platform: Platform) -> None:
    platform.backend.answer(Reply.of({"content": [], "meta": {"total": 0}}))


def _json(capsys: Capture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def _checks(capsys: Capture) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in _json(capsys)["checks"]}


def _config() -> Path:
    return Path(os.environ["KEYNET_CONFIG"])


def _save(**changes: object) -> None:
    saved = json.loads(_config().read_text())
    _config().write_text(json.dumps({**saved, **changes}))


@pytest.mark.medium
def test_everything_that_a_push_needs_is_examined(platform: Platform, capsys: Capture) -> None:
    assert keynet("doctor", "--json") == 0
    found = _json(capsys)
    assert set(found) >= {"engines", "platform", "own_store", "own_store_size", "checks"}
    assert (found["builder"], found["can_push"]) == ("buildah", True)
    assert [each["name"] for each in found["platform"]] == ["login", "backend", "registry"]
    checks = {check["name"]: check for check in found["checks"]}
    assert set(checks) >= {"system", "GPU", "temporary", "buildah host", "buildah store", "config"}
    assert checks["referrers"]["found"].startswith("no referrers API")
    assert checks["registry"]["found"] == f"{platform.registry_host}, credentials accepted"
    groups = [check["group"] for check in found["checks"]]
    assert groups == sorted(groups, key=["machine", "engines", "platform"].index)
    assert all(bool(check["fix"]) != check["ok"] for check in found["checks"])


@pytest.mark.medium
def test_an_engine_is_asked_only_once_for_what_report_and_trial_need(
    platform: Platform, capsys: Capture
) -> None:
    assert keynet("doctor") == 0
    asked = engine.calls(platform.engines)
    assert asked.count(["buildah", "info"]) == 1
    assert asked.count(["buildah", "--version"]) == 1
    capsys.readouterr()


@pytest.mark.medium
def test_a_registry_with_the_referrers_api(platform: Platform, capsys: Capture) -> None:
    platform.registry.referrers = True
    assert keynet("doctor", "--json") == 0
    assert _checks(capsys)["referrers"]["found"] == "the registry has the referrers API"


@pytest.mark.medium
def test_lines_end_with_whether_a_push_would_work(capsys: Capture) -> None:
    assert keynet("doctor") == 0
    shown = capsys.readouterr()
    assert "✔ builder        auto takes buildah: docker does not work" in shown.out
    assert "A push would work." in shown.err


@pytest.mark.medium
def test_an_expired_login_is_6_and_the_registry_is_still_examined(capsys: Capture) -> None:
    _save(api_token_expires_at="2020-01-01T00:00:00Z")
    assert keynet("doctor", "--json") == 6
    checks = _checks(capsys)
    assert "expired at" in checks["login"]["found"]
    assert "keynet login http" in checks["login"]["fix"]
    assert checks["registry"]["ok"]
    assert "backend" not in checks


@pytest.mark.medium
def test_no_login_at_all_is_6(capsys: Capture) -> None:
    _config().unlink()
    assert keynet("doctor", "--json") == 6
    checks = _checks(capsys)
    assert "does not exist yet" in checks["config"]["found"]
    assert set(checks) & {"backend", "registry", "referrers"} == set()


@pytest.mark.medium
def test_a_backend_that_does_not_answer_is_5(capsys: Capture) -> None:
    _save(server_url="http://127.0.0.1:9", project=None)
    assert keynet("doctor") == 5
    shown = capsys.readouterr()
    assert "✘ backend" in shown.out
    assert "exit status 5 (backend)" in shown.err


@pytest.mark.medium
def test_a_registry_that_refuses_the_account_is_6(platform: Platform, capsys: Capture) -> None:
    platform.registry.auth = "basic"
    assert keynet("doctor", "--json") == 6
    assert "refuses the credentials" in _checks(capsys)["registry"]["found"]


@pytest.mark.slow
def test_a_config_file_that_others_can_read_is_repaired(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _config().chmod(0o644)
    assert keynet("doctor") == 6
    assert f"keynet doctor --fix can do this: chmod 600 {_config()}" in capsys.readouterr().err
    assert keynet("doctor", "--fix") == 2
    assert "Pass --yes" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    assert keynet("doctor", "--fix") == 6
    assert _config().stat().st_mode & 0o777 == 0o644
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert keynet("doctor", "--fix") == 0
    shown = capsys.readouterr().err
    assert "Do this? chmod 600" in shown
    assert "Done: chmod 600" in shown
    assert _config().stat().st_mode & 0o777 == 0o600
    _config().chmod(0o640)
    assert keynet("doctor", "--fix", "--yes") == 0


@pytest.mark.medium
def test_nothing_to_repair_is_said(capsys: Capture) -> None:
    assert keynet("doctor", "--fix", "--yes") == 0
    assert "nothing that keynet can fix" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--yes"], ["--fix", "--json"], ["--fix", "--watch"]])
def test_flags_that_do_not_fit_are_refused(flags: list[str]) -> None:
    assert keynet("doctor", *flags) == 2


@pytest.mark.medium
def test_an_engine_that_a_variable_names_has_to_work(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYNET_BUILDER", "docker")
    assert keynet("doctor", "--json") == 4
    assert "KEYNET_BUILDER" in _checks(capsys)["builder"]["fix"]


@pytest.mark.slow
def test_watching_yields_changes_alone(platform: Platform) -> None:
    del platform
    first = Examiner()
    assert list(first.run())
    modes = iter([0o644, 0o644, 0o600])

    def sleep(_seconds: float) -> None:
        _config().chmod(next(modes))

    changes: Iterator[tuple[Check, Check | None]] = doctor.watch(first.diagnosis, sleep=sleep)
    seen = sorted(((check.name, check.ok) for check, _before in islice(changes, 4)))
    assert seen == [("config", False), ("config", True), ("login", False), ("login", True)]


@pytest.mark.medium
def test_the_checks_of_a_diagnosis_have_a_fixed_order() -> None:
    examiner = Examiner()
    found = [item for item in examiner.run() if isinstance(item, Check)]
    ordered = examiner.diagnosis.checks
    assert sorted(found, key=lambda check: check.name) == sorted(ordered, key=lambda c: c.name)
    assert [check.group for check in ordered] == sorted(
        (check.group for check in ordered), key=list(Group).index
    )


@pytest.mark.medium
def test_without_an_engine_a_push_works_without_one(platform: Platform, capsys: Capture) -> None:
    (platform.engines / "buildah").unlink()
    layers = platform.project.parent / "home/cache/keynet/direct/layers"
    layers.mkdir(parents=True)
    (layers / "blob").write_bytes(b"x" * 5000)
    assert keynet("doctor", "--json") == 0
    found = _json(capsys)
    checks = {check["name"]: check for check in found["checks"]}
    assert found["builder"] == "direct"
    assert checks["builder"]["found"].startswith("auto takes direct: docker does not work; podman")
    assert "cache 5.0 kB" in checks["direct"]["found"]
    assert f"3.{sys.version_info[1]}" in checks["direct"]["found"]
    assert found["engines"][-1]["name"] == "direct"
