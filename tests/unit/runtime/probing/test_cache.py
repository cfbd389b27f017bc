"""What probing found, kept between runs."""

import json
from pathlib import Path

import pytest

from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.probing.cache import Cache, ProbedEngine
from tests.unit.conftest import Machine

WORKS = ProbedEngine(
    WorkingEngine("buildah", "1.28.2", "buildah 1.28.2 (rootless)", rootless=True),
    {"binary": "/usr/bin/buildah", "ulimits": ["nofile=1:1"], "remote": False},
)


def _entry(machine: Machine) -> Path:
    [path] = (machine.home / ".cache/keynet/engines").iterdir()
    return path


def test_cache_gives_back_what_was_put(machine: Machine) -> None:
    cache = Cache()
    assert cache.get("buildah", "key") is None
    cache.put("buildah", "key", WORKS)
    assert Cache().get("buildah", "key") == WORKS
    assert Cache().get("buildah", "other") is None
    refused = Unusable("podman", "r", "f", "unix:///s")
    cache.put("podman", "key", refused)
    assert Cache().get("podman", "key") == refused
    assert Cache().get("buildah", "key") == WORKS


@pytest.mark.medium
def test_the_settings_used_last_are_remembered(machine: Machine) -> None:
    for number in range(20):
        Cache().put("docker", f"{number}", WORKS)
    assert len(list((machine.home / ".cache/keynet/engines").iterdir())) == 8
    assert Cache().get("docker", "19") == WORKS


def test_a_refusal_ages(machine: Machine) -> None:
    Cache().put("podman", "key", Unusable("podman", "r", "f"))
    path = _entry(machine)
    entry = json.loads(path.read_text())
    entry["at"] -= 10_000
    path.write_text(json.dumps(entry))
    assert Cache().get("podman", "key") is None


@pytest.mark.parametrize(
    "content",
    ["", "[]", "1", '{"engine": {}}', '{"engine": {"name": "buildah"}}', "\x00",
     '{"engine": {"name": "b", "version": "1", "how": "b"}}',
     '{"engine": {"name": "b", "version": "1", "how": "b"}, "invocation": 1}',
     '{"at": "x", "unusable": {"name": "b", "reason": "r", "fix": "f"}}'],
)  # fmt: skip
def test_a_broken_cache_is_no_cache(machine: Machine, content: str) -> None:
    Cache().put("buildah", "key", WORKS)
    _entry(machine).write_text(content)
    assert Cache().get("buildah", "key") is None
    Cache().put("buildah", "key", WORKS)
    assert Cache().get("buildah", "key") == WORKS


def test_a_cache_that_cannot_be_written_is_no_failure(machine: Machine) -> None:
    (machine.home / "engines").write_text("a file")
    cache = Cache(machine.home / "engines")
    cache.put("buildah", "key", WORKS)
    assert cache.get("buildah", "key") is None
