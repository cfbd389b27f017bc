"""RECORD of an installed wheel: what the wheel states where that fits, else what is there."""

import base64
import hashlib
from pathlib import Path

import pytest

from keynet.direct.installed.installed_record import Installed, record
from tests.tables import table

SITE = "opt/keynet/lib/python3.11/site-packages"
OWN = "tiny-1.0.dist-info/RECORD"
STATED = "A" * 43


def hashed(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def rows(folder: Path, stated: bytes) -> list[str]:
    """Return RECORD of ``a.py`` (``content``), of a wheel with a RECORD of its own."""
    (folder / "RECORD").write_bytes(stated)
    (folder / "a.py").write_bytes(b"content")
    file = Installed(f"{SITE}/a.py", folder / "a.py", "a.py", 7)
    return record(folder / "RECORD", [file], SITE, OWN).decode().splitlines()


def test_what_the_wheel_states_of_a_file_is_taken_over(tmp_path: Path) -> None:
    assert rows(tmp_path, f"a.py,sha256={STATED},7\n".encode()) == [
        f"a.py,sha256={STATED},7",
        f"{OWN},,",
    ]


@table(
    "stated",
    [
        b"",
        b"a.py,,\n",
        f"a.py,sha256={STATED},8\n".encode(),
        f"b.py,sha256={STATED},7\n".encode(),
        f"a.py,sha256={STATED}x,7\n".encode(),
        f'a.py,"sha256={STATED}\n",7\n'.encode(),
        f"a.py,sha512={STATED},7\n".encode(),
        f"a.py,sha256={STATED},{'9' * 5000}\n".encode(),
        f"a.py,sha256={STATED},٧\n".encode(),
        b"a.py,\xff,7\n",
        b'a.py,"' + b"x" * 200_000 + b'",7\n',
        b"\0",
    ],
)
def test_a_statement_that_does_not_fit_is_not(tmp_path: Path, stated: bytes) -> None:
    assert rows(tmp_path, stated) == [f"a.py,sha256={hashed(b'content')},7", f"{OWN},,"]


def test_what_was_made_is_hashed_whatever_the_wheel_states(tmp_path: Path) -> None:
    (tmp_path / "RECORD").write_text(f"tool,sha256={STATED},4\n")
    file = Installed("opt/keynet/bin/tool", b"made", "tool", 4)
    first = record(tmp_path / "RECORD", [file], SITE, OWN).decode().splitlines()[0]
    assert first == f"../../../bin/tool,sha256={hashed(b'made')},4"


def test_a_wheel_without_record_has_one(tmp_path: Path) -> None:
    file = Installed(f"{SITE}/a,b.py", b"", "a,b.py", 0)
    found = record(tmp_path / "RECORD", [file], SITE, OWN).decode().splitlines()
    assert found == [f'"a,b.py",sha256={hashed(b"")},0', f"{OWN},,"]


@pytest.mark.medium
def test_a_record_of_many_empty_lines_takes_no_memory(tmp_path: Path) -> None:
    stated = b"\n" * (15 << 20) + f"a.py,sha256={STATED},7\n".encode()
    assert f"a.py,sha256={hashed(b'content')},7" in rows(tmp_path, stated)
