"""Which engines are asked what keynet has left, and what is said of those that do not answer."""

import json
from pathlib import Path

import pytest

from keynet.events import Event, Notice
from keynet.runtime.engine import WorkingEngine
from keynet.runtime.probing.cache import Cache, ProbedEngine
from keynet.steps.cleaning import remnants
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine


def _levels(*, all_notes: bool = False) -> dict[str, str]:
    events: list[Event] = []
    remnants.find(events.append, all_notes=all_notes)
    notices = [each for each in events if isinstance(each, Notice)]
    return {each.text.partition(" ")[0]: each.level for each in notices}


@pytest.mark.medium
def test_an_engine_that_never_worked_is_not_mentioned_next_to_one_that_does(
    machine: Machine, tmp_path: Path
) -> None:
    machine.install("docker", Answer("*", stderr="Cannot connect to the Docker daemon", status=1))
    assert _levels() == {"docker": "note"}
    info = {"host": {"arch": "amd64"}, "store": {"GraphRoot": str(tmp_path)}}
    machine.install("buildah", Answer("*info*", json.dumps(info)), Answer("*images*"))
    assert _levels() == {"docker": "detail"}
    assert _levels(all_notes=True) == {"docker": "note"}
    engine = WorkingEngine(name="docker", version="26.1", how="docker 26.1")
    Cache().put("docker", "another daemon", ProbedEngine(engine, {}))
    assert _levels() == {"docker": "note"}
