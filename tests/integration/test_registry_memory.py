"""What a push or a pull needs in memory does not grow with the layers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry
MIB = 1024 * 1024
ROOT = Path(__file__).parents[2]


def peaks(host: str, name: str, count: int, size: int) -> dict[str, int]:
    """Push and pull in a process of its own; resident peaks in MiB after each."""
    argv = [sys.executable, "-m", "tests.integration.registry_memory", host, name]
    done = subprocess.run(
        [*argv, str(count), str(size)], cwd=ROOT, check=True, capture_output=True, text=True
    )
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_memory_does_not_grow_with_the_layers(http_registry: RegistryServer) -> None:
    small = peaks(http_registry.host, "memory/small", 4, 25 * MIB)
    large = peaks(http_registry.host, "memory/large", 2, 300 * MIB)
    assert max(small.values()) < 90
    assert max(large.values()) < 90
    assert large["push"] - small["push"] < 15
    assert large["pull"] - small["pull"] < 15
