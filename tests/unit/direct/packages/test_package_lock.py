"""The lock of an image's packages: one wheel each, no login and no path of this machine."""

import json
import tomllib
from typing import Any

import pytest

from keynet.direct.packages.bill_of_materials import cyclonedx
from keynet.direct.packages.package_lock import (
    Recorded,
    narrowed,
    parsed,
    rendered,
    wheel_hashes,
)
from keynet.errors import ValidationError
from tests.tables import table

HASH = "ab" * 32
RECORDED = Recorded("3.11", "linux/amd64", "3.11.2", "1")
MANYLINUX = "six-1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl"


def wheel(url: str, **fields: Any) -> dict[str, Any]:
    return {"url": url, "size": 3, "hashes": {"sha256": HASH}, **fields}


def package(*wheels: dict[str, Any], name: str = "six") -> dict[str, Any]:
    return {"name": name, "version": "1", "index": "https://me:pw@a.example/", "wheels": [*wheels]}


def test_only_the_installed_wheel_is_named() -> None:
    pure = wheel("https://a.example/six-1-py2.py3-none-any.whl")
    native = wheel(f"https://a.example/{MANYLINUX}", hashes={"sha256": "cd" * 32})
    tags = {"py2-none-any", "py3-none-any"}
    (locked,) = narrowed([package(native, pure)], {"six": frozenset(tags)})
    assert locked == {"name": "six", "version": "1", "wheels": [pure]}
    assert wheel_hashes([locked]) == {"six": HASH}


def test_what_was_built_is_named_by_its_source_and_cannot_be_fetched() -> None:
    source = wheel("https://me:pw@a.example/six-1.tar.gz")
    built = {"name": "six", "version": "1", "sdist": source}
    archive = {"name": "own", "version": "1", "archive": wheel("https://a.example/own-1.tar.gz")}
    locked = narrowed([built, archive], {})
    assert locked[1]["sdist"]["url"] == "https://a.example/six-1.tar.gz"
    assert wheel_hashes(locked) == {}
    for each in locked:
        with pytest.raises(ValidationError, match="cannot be built again"):
            parsed(rendered([each], RECORDED).encode())


@pytest.mark.parametrize("tags", [frozenset(), frozenset({"py3-none-win32"})])
def test_all_stay_where_it_is_not_known(tags: frozenset[str]) -> None:
    both = [
        wheel("https://a.example/six-1-py3-none-any.whl"),
        wheel(f"https://a.example/{MANYLINUX}"),
    ]
    (locked,) = narrowed([package(*both)], {"six": tags})
    assert locked["wheels"] == both
    assert wheel_hashes([locked]) == {}


@table(
    "secret",
    [
        wheel("https://me:pw-secret@a.example/six-1-py3-none-any.whl?token=pw-secret#pw-secret"),
        {"path": "/home/pw-secret/wheels/six-1-py3-none-any.whl", "hashes": {"sha256": HASH}},
        wheel("file:///home/pw-secret/six-1-py3-none-any.whl"),
        {"path": "C:\\pw-secret\\six-1-py3-none-any.whl"},
    ],
)
def test_neither_logins_nor_folders_are_kept(secret: dict[str, Any]) -> None:
    for each in (package(secret), {"name": "six", "archive": secret}):
        text = rendered(narrowed([each], {}), RECORDED)
        assert "pw" not in text
        assert "six-1-py3-none-any.whl" in text


def test_it_is_read_as_it_was_written() -> None:
    packages = narrowed([package(wheel("https://a.example/six-1-py3-none-any.whl"))], {})
    text = rendered(packages, RECORDED)
    assert parsed(text.encode()) == (packages, RECORDED)
    assert tomllib.loads(text)["lock-version"] == "1.0"
    assert rendered(packages, RECORDED) == text


TOLD = "\n[tool.keynet]\npython = '3.11'\nplatform = ''\ncompiler = ''\nlayout = ''"
WHEEL = "url = 'https://a.example/six-1-py3-none-any.whl'"


HASHED = f"hashes = {{sha256 = '{HASH}'}}"


def locked(package: str) -> bytes:
    return f"packages = [{{{package}}}]{TOLD}".encode()


@table(
    "content",
    [
        b"\xff",
        b"[",
        b"packages = 3",
        b"packages = []",
        b"packages = [{name = 3}]\n[tool.keynet]\npython = 3",
        b"packages = []\n[tool.keynet]\npython = '3.11'",
        b"packages = []\n[tool.keynet]\npython = 3\nplatform = ''\ncompiler = ''\nlayout = ''",
        b"a = " + b"[" * 4000,
        locked("name = 'six'"),
        locked("name = 'six', directory = {path = '.'}"),
        locked("name = 'six', vcs = {type = 'git', url = 'https://a.example/six'}"),
        locked("name = 'six', sdist = {url = 'https://a.example/six-1.tar.gz'}"),
        locked(f"name = 'six', wheels = [{{{WHEEL}}}]"),
        locked(f"name = 'six', wheels = [{{{WHEEL}, hashes = {{sha256 = 'ab'}}}}]"),
        locked(f"name = '--six', wheels = [{{{WHEEL}, {HASHED}}}]"),
        locked(f"name = 'six', wheels = [{{path = '/a.whl', hashes = {{sha256 = '{HASH}'}}}}]"),
        locked(
            f"name = 'six', wheels = [{{url = 'file:///a.whl', hashes = {{sha256 = '{HASH}'}}}}]"
        ),
        locked(
            f"name = 's', archive = {{url = 'https://a.b/s.zip', hashes = {{sha256 = '{HASH}'}}}}"
        ),
    ],
)
def test_what_is_no_lock_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError, match="lock"):
        parsed(content)


@pytest.mark.medium
def test_the_bill_of_materials_says_what_is_there_and_nothing_else() -> None:
    packages = narrowed([package(wheel("https://a.example/six-1-py3-none-any.whl"))], {})
    document = json.loads(cyclonedx(packages))
    assert cyclonedx(packages) == cyclonedx(packages)
    assert document["bomFormat"] == "CycloneDX"
    (component,) = document["components"]
    assert component["purl"] == "pkg:pypi/six@1"
    assert component["hashes"] == [{"alg": "SHA-256", "content": HASH}]
    assert "serialNumber" not in document
    assert "timestamp" not in json.dumps(document)
