"""The Korean catalogue: complete, true to its source, and what a user of it sees."""

import ast
import gettext
import os
import shutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from keynet.cli.main import cli
from keynet.text import cells
from tests.test_texts import MARKERS, PACKAGE, calls, modules, name_of

CHECKOUT = PACKAGE.parent
COMPILED = PACKAGE / "locale" / "ko" / "LC_MESSAGES" / "keynet.mo"
RENEW = "run tox -e texts, and translate in keynet/locale/ko/LC_MESSAGES/keynet.po"
KOREAN = {"LANG": "ko_KR.UTF-8"}
SCRIPT = (
    "import argparse\n"
    "import os\n"
    "parser = argparse.ArgumentParser()\n"
    "parser.add_argument('--lr', type=float, default=0.1)\n"
    "parser.add_argument('--out', default=os.environ['OUT'])\n"
    "parser.parse_args()\n"
)

Text = tuple[str, ...]


class Absent(gettext.NullTranslations):
    """What a catalogue asks for texts that it lacks."""

    def gettext(self, message: str) -> str:
        return ""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return ""


def texts() -> set[Text]:
    """Return every marked text of the package; two strings where it has a plural."""
    found = set()
    for relative in modules():
        for call in calls(relative):
            marked = call.args[: MARKERS.get(name_of(call.func), 0)]
            parts = [part.value for part in marked if isinstance(part, ast.Constant)]
            if parts:
                found.add(tuple(str(part) for part in parts))
    return found


@pytest.fixture(scope="module")
def korean() -> dict[Text, str]:
    with COMPILED.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    catalogue.add_fallback(Absent())
    return {
        text: catalogue.ngettext(text[0], text[1], 2) if text[1:] else catalogue.gettext(text[0])
        for text in texts()
    }


def test_every_text_is_there_in_korean(korean: dict[Text, str]) -> None:
    missing = sorted(text[0] for text, translated in korean.items() if not translated)
    assert missing == [], RENEW


def test_a_translation_has_the_fields_of_its_source(korean: dict[Text, str]) -> None:
    assert len(korean) > 1800
    wrong = {text[-1]: it for text, it in korean.items() if _fields(text[-1]) != _fields(it)}
    assert wrong == {}


def _fields(text: str) -> set[tuple[str, str | None, str | None]]:
    parsed = string.Formatter().parse(text)
    return {(name, form, conversion) for _t, name, form, conversion in parsed if name is not None}


def test_a_translation_has_the_layout_of_its_source(korean: dict[Text, str]) -> None:
    wrong = {text[-1]: it for text, it in korean.items() if _layout(text[-1]) != _layout(it)}
    assert wrong == {}


def _layout(text: str) -> tuple[str, str, list[str]]:
    """Return the blanks at both ends, and the control characters."""
    start = text[: len(text) - len(text.lstrip())]
    end = text[len(text.rstrip()) :]
    return start, end, [each for each in text if not each.isprintable()]


def test_no_marked_text_is_inside_an_f_string() -> None:
    """Babel finds none of those before Python 3.12."""
    inside = [
        f"{relative}: {call.lineno}"
        for relative in modules()
        for node in ast.walk(ast.parse((PACKAGE / relative).read_text("utf-8")))
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and name_of(call.func) in MARKERS
    ]
    assert inside == []


# scripts/texts


def renew(*arguments: str | Path, scripts: Path = CHECKOUT / "scripts") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(scripts / "texts"), *map(str, arguments)],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_template_and_compiled_catalogue_are_those_of_the_sources() -> None:
    assert renew("--check") == (0, "")


def test_a_new_text_is_added_and_reported_with_the_command_that_renews(tmp_path: Path) -> None:
    scripts, package = tmp_path / "scripts", tmp_path / "keynet"
    scripts.mkdir()
    shutil.copy(CHECKOUT / "scripts" / "texts", scripts)
    source = package / "module.py"
    source.parent.mkdir()
    source.write_text('_("Login")\n')
    catalogue = package / "locale" / "ko" / "LC_MESSAGES" / "keynet.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgid "Login"\nmsgstr "로그인"\n\nmsgid "Gone"\nmsgstr "없음"\n')

    assert renew(scripts=scripts)[0] == 0
    assert "Gone" not in catalogue.read_text()
    source.write_text('_("Login")\nngettext("{n} file", "{n} files", n)\n')
    status, said = renew("--check", scripts=scripts)
    assert status == 1
    assert f"{catalogue} is out of date: run tox -e texts" in said
    assert 'msgid "{n} file"' not in catalogue.read_text()
    status, said = renew(scripts=scripts)
    assert status == 1
    assert f"{catalogue} has no translation of:\n  '{{n}} file'\n" in said
    with catalogue.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert compiled.gettext("Login") == "로그인"
    assert compiled.ngettext("{n} file", "{n} files", 2) == "{n} files"


# The program


def keynet(
    folder: Path, *arguments: str, variables: dict[str, str], status: int = 0
) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {"PATH": "/nonexistent", "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-m", "keynet", *arguments],
        check=False, capture_output=True, text=True, timeout=120, cwd=folder, encoding="utf-8",
        env={**kept, "COLUMNS": "80", "PYTHONUTF8": "1", **variables},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize(
    ("variables", "translated"),
    [
        ({}, False),
        (KOREAN, True),
        ({"LC_MESSAGES": "ko_KR.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "ko_KR.EUC-KR", "LC_MESSAGES": "en_US.UTF-8"}, True),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "ko_KR.UTF-8"}, False),
        ({"LANGUAGE": "ko", "LANG": "en_US.UTF-8"}, True),
        ({"LANGUAGE": "xx:ko", "LANG": "en_US.UTF-8"}, True),
        ({"LANGUAGE": "en_GB:ko", "LANG": "ko_KR.UTF-8"}, False),
        ({"LANGUAGE": "ko", "LC_ALL": "C"}, False),
        ({"LANGUAGE": "ko", "LANG": "C.UTF-8"}, True),
        ({"LANG": "xx_XX.UTF-8"}, False),
    ],
)
def test_the_usual_variables_choose_the_language(
    variables: dict[str, str], translated: bool, tmp_path: Path
) -> None:
    shown = keynet(tmp_path, "push", status=2, variables=variables).stderr
    assert ("사용법: " in shown) == translated
    assert ("Usage: " in shown) != translated


def test_an_error_and_its_hint_are_shown_in_korean(tmp_path: Path) -> None:
    shown = keynet(tmp_path, "params", "train.py", status=3, variables=KOREAN).stderr
    assert shown == (
        f"오류: train.py 스크립트가 없습니다(찾은 위치: {tmp_path}/train.py).\n"
        "힌트: 경로를 확인하세요. 현재 디렉터리를 기준으로 합니다.\n"
    )


def test_an_error_of_the_command_line_is_shown_in_korean(tmp_path: Path) -> None:
    shown = keynet(
        tmp_path, "push", "--builder", "x", "train.py", status=2, variables=KOREAN
    ).stderr
    assert "'--builder'의 값이 올바르지 않습니다" in shown
    assert "Invalid" not in shown


def test_hyperparameters_are_shown_in_a_table_that_is_aligned(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    shown = keynet(tmp_path, "params", "train.py", variables=KOREAN)
    titles, _line, row, *_ = (line for line in shown.stdout.splitlines() if line.strip())
    assert cells(titles[: titles.index("기본값")]) == cells(row[: row.index("0.1")])
    assert "알 수 없습니다" in shown.stderr


@pytest.mark.parametrize("command", [["params"], ["build", "--dry-run"]], ids=" ".join)
def test_json_is_the_same_in_every_language(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    english, korean = (
        keynet(tmp_path, *command, "--json", "train.py", variables=variables).stdout
        for variables in ({}, KOREAN)
    )
    assert korean == english


def _every_command(group: click.Group, *path: str) -> Iterator[list[str]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield [*path, name]
        if isinstance(command, click.Group):
            yield from _every_command(command, *path, name)


@pytest.mark.slow
@pytest.mark.parametrize("command", [[], *_every_command(cli)], ids=" ".join)
def test_help_in_korean_fits_a_terminal(command: list[str], tmp_path: Path) -> None:
    lines = keynet(tmp_path, *command, "--help", variables=KOREAN).stdout.splitlines()
    assert lines[0].startswith("사용법: ")
    assert "옵션:" in lines
    # A term or an example in one piece may be longer.
    wide = [line for line in lines if cells(line) > 80 and not line.isascii()]
    assert wide == []
