"""What podman and buildah say of themselves, and what hangs."""

import json
from pathlib import Path

import pytest

from keynet.runtime.engine import Unusable
from keynet.runtime.engines.podman_like import podman_report
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Dialect
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.probing.engine_report import EngineReport
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

RECORDED = Path(__file__).parents[4] / "fakes" / "engine_output"
VERSION = Answer("--version", "podman version 4.3.1\n")


def _info(name: str) -> str:
    return (RECORDED / f"info-debian-12-{name}.json").read_text()


@pytest.mark.medium
@pytest.mark.parametrize("dialect", [PODMAN, BUILDAH])
def test_the_engine_is_asked(machine: Machine, dialect: Dialect) -> None:
    info = json.loads(_info(dialect.name))
    machine.install(dialect.name, VERSION, Answer("info*", json.dumps(info)))
    found = podman_report.report(dialect)
    assert isinstance(found, EngineReport)
    assert (found.client, found.server, found.remote) == ("4.3.1", "", False)
    assert found.cgroups in {"1", "2"}
    assert found.store
    assert dialect.name in found.prune


@pytest.mark.medium
def test_a_service_has_a_version_of_its_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = json.loads(_info("podman"))
    info["host"]["serviceIsRemote"] = True
    info["version"] = {"Version": "5.4.2"}
    monkeypatch.setenv("CONTAINER_HOST", "unix:///there.sock")
    machine.install("podman", VERSION, Answer("info*", json.dumps(info)), Answer("*", "[]"))
    found = podman_report.report(PODMAN)
    assert isinstance(found, EngineReport)
    assert (found.server, found.remote, found.endpoint) == ("5.4.2", True, "unix:///there.sock")


@pytest.mark.medium
def test_an_info_that_fails_leaves_the_reason_to_the_trial(machine: Machine) -> None:
    machine.install("podman", VERSION, Answer("info*", stderr="database is locked", status=125))
    assert podman_report.report(PODMAN) == EngineReport("4.3.1")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "says"),
    [("", "store's lock"), ("unix:///there.sock", "unix:///there.sock accepts connections")],
)
def test_an_engine_that_hangs_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, host: str, says: str
) -> None:
    if host:
        monkeypatch.setenv("CONTAINER_HOST", host)
    hang = Answer("info*", also="exec /bin/sleep 600")
    machine.install("podman", VERSION, hang, Answer("*", "[]"))
    found = podman_report.report(PODMAN, timeout_s=4)
    assert isinstance(found, Unusable)
    assert says in found.reason + found.fix
