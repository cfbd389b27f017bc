"""What another machine tells of a base, by a cache in a registry, stays where it belongs."""

import json
from pathlib import Path

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.base.python_cache import packages_of, python_of
from tests.tables import table


@table(
    ("folder", "path"),
    [
        ("", "/{away}"),
        ("", "//{away}"),
        ("site", "site//{away}"),
        ("site", "site/../{away}"),
        ("site", "site/../../away"),
        ("site", "{away}"),
        ("site", "site/./../away"),
    ],
)
def test_no_file_is_written_outside(tmp_path: Path, folder: str, path: str) -> None:
    away = tmp_path / "away"
    told = BasePackages((folder,), {path.format(away=str(away).lstrip("/")): "text"})
    inside = tmp_path / "inside/base"
    told.write(inside)
    assert not away.exists()
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert all(each.is_relative_to(inside) for each in files)


def packages(**changed: object) -> str:
    record = {"format": 1, "folders": ["site"], "files": {"site/a/METADATA": "Name: a"}}
    return json.dumps({**record, **changed})


def test_texts_that_no_file_can_have_are_not_taken() -> None:
    assert packages_of(packages()) is not None
    assert packages_of(packages(files={"site/a/METADATA": "\ud800"})) is None
    assert packages_of(packages(files={"site/\0": ""})) is None
    assert packages_of(packages(folders=["\ud800"])) is None
    record = {"format": 1, "version": [3, 11], "packages": "site", "glibc": 36}
    assert python_of(json.dumps({**record, "executable": "/usr/bin/python3"})) is not None
    assert python_of(json.dumps({**record, "executable": "/usr/\0"})) is None


def test_a_record_that_json_or_python_cannot_hold_is_not_taken() -> None:
    deep = "[" * 100_000
    assert python_of(deep) is None
    assert packages_of(deep) is None
    record = {"format": 1, "version": [3, 11], "executable": "/usr/bin/python3", "packages": "site"}
    assert python_of(json.dumps({**record, "glibc": float("inf")})) is None
