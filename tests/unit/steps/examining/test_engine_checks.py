"""Which builder a push takes, why, and what is said of each engine."""

from pathlib import Path

import pytest

from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.probing.engine_report import EngineReport
from keynet.steps.examining import engine_checks
from keynet.steps.examining.check import Check
from keynet.steps.examining.engine_checks import EnginesFound
from tests.fakes.builder import ArchiveBuilder, Offered
from tests.tables import table

NAMES = ("first", "second", "third")


def _select(
    tmp_path: Path, *engines: WorkingEngine | Unusable, name: str = "auto"
) -> tuple[Check, str | None]:
    found = EnginesFound()
    candidates = [Offered(lambda: ArchiveBuilder(tmp_path), each.name) for each in engines]
    for each in engines:
        found.engines[each.name] = each
        if isinstance(each, WorkingEngine):
            builder = ArchiveBuilder(tmp_path)
            builder.engine = each
            found.builders[each.name] = builder
    return engine_checks.selection(name, "KEYNET_BUILDER", candidates, found)


def _works(name: str, **facts: object) -> WorkingEngine:
    return WorkingEngine(name, "1.0", f"{name} 1.0", **facts)  # type: ignore[arg-type]


DOWN = Unusable("first", "down", "start it")
SLOW = _works("first", storage_driver="vfs")
COPIES = _works("first", can_run=False, no_run_reason="refused")


@table(
    ("first", "chosen", "why"),
    [
        (_works("first"), "first", "the first of first, second, and it works"),
        (DOWN, "second", "first does not work"),
        (SLOW, "second", "first's store is slow (vfs)"),
        (COPIES, "second", "first cannot run programs in a build"),
    ],
)
def test_auto_takes_the_first_good_one_and_says_why(
    tmp_path: Path, first: WorkingEngine | Unusable, chosen: str, why: str
) -> None:
    check, taken = _select(tmp_path, first, _works("second"))
    assert taken == chosen
    assert check.ok
    assert check.found == f"auto takes {chosen}: {why}"


def test_auto_takes_a_slow_store_only_if_there_is_no_other(tmp_path: Path) -> None:
    check, taken = _select(tmp_path, SLOW, Unusable("second", "down", ""))
    assert taken == "first"
    assert "no engine with a fast store" in check.found


@pytest.mark.parametrize("engine", [DOWN, COPIES])
def test_without_a_builder_a_push_fails(tmp_path: Path, engine: WorkingEngine | Unusable) -> None:
    check, taken = _select(tmp_path, engine)
    assert (check.ok, check.status, taken) == (False, 4, None)
    assert check.fix


def test_a_named_engine_is_taken_or_fails_alone(tmp_path: Path) -> None:
    check, taken = _select(tmp_path, DOWN, _works("second"), name="second")
    assert (taken, check.ok) == ("second", True)
    assert "KEYNET_BUILDER" in check.found
    check, taken = _select(tmp_path, DOWN, _works("second"), name="first")
    assert (taken, check.status) == (None, 4)
    assert "KEYNET_BUILDER" in check.fix


def _examined(
    tmp_path: Path, engine: WorkingEngine, report: EngineReport | Unusable
) -> tuple[dict[str, Check], EnginesFound]:
    builder = ArchiveBuilder(tmp_path)
    builder.engine = engine
    found = EnginesFound()
    candidate = Offered(lambda: builder, engine.name)
    (examination,) = engine_checks.examinations(
        [candidate], {engine.name: lambda: report}, found, fresh=True
    )
    shown: list[Check] = []
    examination.examine(shown.append)
    assert shown[-1].name == examination.name
    return {check.name: check for check in shown}, found


def test_an_engine_is_shown_with_its_host_and_its_store(tmp_path: Path) -> None:
    report = EngineReport(
        "20.10", "20.11", rootless=True, endpoint="unix:///x.sock", cgroups="2", prune="prune it"
    )
    engine = _works("first", storage_driver="overlay2", store=str(tmp_path / "missing"))
    shown, found = _examined(tmp_path, engine, report)
    assert shown["first host"].found == (
        "client 20.10, server 20.11, rootless, local, unix:///x.sock, cgroups v2"
    )
    assert f"overlay2 {tmp_path}/missing, " in shown["first store"].found
    assert shown["first"].found == "first 1.0, overlay2"
    assert found.reports["first"] == report


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    shown, _found = _examined(tmp_path, _works("first"), EngineReport("1.0"))
    assert shown["first host"].found == "client 1.0, local"


def test_the_disk_of_a_remote_engine_is_not_measured(tmp_path: Path) -> None:
    engine = _works("first", store="/var/lib")
    shown, _found = _examined(tmp_path, engine, EngineReport("1.0", remote=True))
    assert "first store" not in shown
    assert shown["first host"].found.endswith("remote")


def test_an_engine_that_hangs_is_not_tried(tmp_path: Path) -> None:
    shown, found = _examined(tmp_path, _works("first"), Unusable("first", "it hangs", "restart"))
    assert (shown["first"].found, shown["first"].fix) == ("it hangs", "restart")
    assert not found.builders


def test_an_engine_that_only_copies_has_a_fix(tmp_path: Path) -> None:
    engine = _works(
        "first", can_run=False, no_run_reason="crun: cgroups in hybrid mode not supported"
    )
    shown, _found = _examined(tmp_path, engine, EngineReport("1.0"))
    assert not shown["first"].ok
    assert "without RUN" in shown["first"].found
    assert "runc works with cgroups v1" in shown["first"].fix
