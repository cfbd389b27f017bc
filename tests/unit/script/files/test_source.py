"""Files that are no scripts, and how their errors read."""

from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.script.extraction import extract
from keynet.script.files.source import load
from tests.tables import table


def refused(path: Path) -> str:
    with pytest.raises(ScriptInvalid) as caught:
        extract(path)
    assert caught.value.exit_status == 3
    assert caught.value.hint
    return str(caught.value)


def test_a_syntax_error_shows_file_line_and_caret(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("import os\nif True:\n    x = = 3\n")
    assert refused(path) == f"{path}, line 3: invalid syntax\n    x = = 3\n        ^"


def test_the_caret_stands_under_wide_characters(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("이름 = '값' = = 3\n", encoding="utf-8")
    _message, source, caret = refused(path).split("\n")
    assert source == "    이름 = '값' = = 3"
    # Each of the three wide characters takes two columns.
    assert caret == " " * (4 + len("이름 = ") + 2) + "^" * 4


def test_each_kind_of_no_script_has_its_own_error(tmp_path: Path) -> None:
    empty, binary, nul, far = (tmp_path / name for name in "abcd")
    empty.write_text(" \n")
    binary.write_bytes(b"x = 1\nname = '\xff\xfe'\n")
    nul.write_bytes(b"x = 1\ny\x00")
    far.write_text("# coding: klingon\nx = 1\n")
    assert "is empty" in refused(empty)
    assert "is not valid UTF-8: byte 0xff in line 2" in refused(binary)
    assert "line 2, contains a NUL byte" in refused(nul)
    assert "klingon" in refused(far)
    assert "There is no script" in refused(tmp_path / "missing.py")
    assert "is a directory" in refused(tmp_path)
    assert "not a regular file" in refused(Path("/dev/zero"))
    assert "cannot be read" in refused(tmp_path / ("x" * 300))


@table(
    "text",
    [
        "x = " + "(" * 300 + ")" * 300,
        "x = " + "-" * 50_000 + "1",
        "x = " + "1 + " * 20_000 + "1",
        "x = a" + ".a" * 20_000,
        "not " * 20_000 + "x",
        "x\n" * 200_000,
        "#" * 5_000_000,
        "x = f'" + "{x}" * 10_000 + "'",
    ],
)
def test_what_is_too_deep_or_too_large_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.py"
    path.write_text(text)
    assert refused(path)


@table("encoding", ["utf-8-sig", "cp949", "latin-1", "utf-8"])
def test_declared_encodings_and_bom_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "train.py"
    text = "é" if encoding == "latin-1" else "한글"
    cookie = "" if encoding == "utf-8-sig" else f"# -*- coding: {encoding} -*-\n"
    path.write_bytes(f"{cookie}name = '{text}'\n".encode(encoding))
    assert text in load(path).text


def test_warnings_of_the_parser_stay_silent(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text("x = '\\d'\ny = 1if 1else 2\nassert (1, 'x')\n")
    assert extract(path).arguments == ()
