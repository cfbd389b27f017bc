"""Which layers a project's packages gave: by what decides them, and no login."""

from dataclasses import replace
from pathlib import Path

import pytest

from keynet.direct.base.target_python import TargetPython
from keynet.direct.packages import resolved_cache
from keynet.direct.packages.resolved_cache import PackageLayer, Resolved, resolution_key
from keynet.oci.platform import Platform
from keynet.plan import Dependencies, HostNetwork
from keynet.secret import Secret

PYTHON = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)
AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
WANTED = Dependencies(files={"requirements.txt": b"numpy\n"})


def key(
    wanted: Dependencies = WANTED,
    index: str = "https://index.example/simple",
    python: TargetPython = PYTHON,
    platform: Platform = AMD64,
    compiler: str = "3.11.2",
    most: int = 20,
) -> str:
    network = HostNetwork(pip_conf=Secret(f"[global]\nindex-url = {index}\n"))
    return resolution_key(wanted, network, python, platform, compiler, most)


def test_each_thing_that_decides_the_packages_counts() -> None:
    others = {
        key(Dependencies(files={"requirements.txt": b"scipy\n"})),
        key(index="https://other.example/simple"),
        key(python=replace(PYTHON, glibc=31)),
        key(platform=ARM64),
        key(compiler=""),
        key(most=3),
    }
    assert len(others) == 6
    assert key() not in others


def test_a_login_does_not_count() -> None:
    assert key(index="https://user:pw@index.example/simple") == key()


def test_layers_and_documents_are_remembered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert resolved_cache.kept("k") is None
    layers = (PackageLayer("a", "numpy 2"), PackageLayer("b", "scipy 1"))
    resolved = Resolved(layers, "lock-version = '1.0'", "{}")
    resolved_cache.keep("k", resolved)
    assert resolved_cache.kept("k") == resolved
    (next(tmp_path.rglob("resolved-k"))).write_bytes(b"[[1]]")
    assert resolved_cache.kept("k") is None
