"""How catalogues are renewed, and what a user who reads Korean sees."""

import gettext
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from keynet.text import cells

CHECKOUT = Path(__file__).parent.parent.parent
KOREAN = {"LANG": "ko_KR.UTF-8"}
SCRIPT = (
    "import argparse\n"
    "import os\n"
    "parser = argparse.ArgumentParser()\n"
    "parser.add_argument('--lr', type=float, default=0.1)\n"
    "parser.add_argument('--out', default=os.environ['OUT'])\n"
    "parser.parse_args()\n"
)


# scripts/texts


def renew(*arguments: str | Path, scripts: Path = CHECKOUT / "scripts") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(scripts / "texts"), *map(str, arguments)],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.medium
def test_template_and_compiled_catalogue_are_those_of_the_sources() -> None:
    assert renew("--check") == (0, "")


@pytest.mark.slow
def test_a_new_text_is_added_and_reported_with_the_command_that_renews(tmp_path: Path) -> None:
    scripts, package = tmp_path / "scripts", tmp_path / "keynet"
    scripts.mkdir()
    shutil.copy(CHECKOUT / "scripts" / "texts", scripts)
    source = package / "module.py"
    source.parent.mkdir()
    source.write_text('_("Login")\n')
    catalogue = package / "locale" / "ko" / "LC_MESSAGES" / "keynet.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(
        '# unchecked\nmsgid "Login"\nmsgstr "로그인"\n\nmsgid "Gone"\nmsgstr "없음"\n'
    )

    assert renew(scripts=scripts)[0] == 0
    assert '# unchecked\nmsgid "Login"\nmsgstr "로그인"\n' in catalogue.read_text()
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
    folder: Path,
    *arguments: str,
    variables: dict[str, str],
    status: int = 0,
    program: Sequence[str] = ("-m", "keynet"),
) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(exist_ok=True)
    kept = {"PATH": "/nonexistent", "HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        check=False, capture_output=True, text=True, timeout=120, cwd=folder, encoding="utf-8",
        env={**kept, "COLUMNS": "80", "PYTHONUTF8": "1", **variables},
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.medium
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


@pytest.mark.medium
def test_an_error_and_its_hint_are_shown_in_korean(tmp_path: Path) -> None:
    shown = keynet(tmp_path, "params", "train.py", status=3, variables=KOREAN).stderr
    assert shown == (
        f"오류: train.py 스크립트가 없습니다(찾은 위치: {tmp_path}/train.py).\n"
        "힌트: 경로를 확인하세요. 현재 디렉터리를 기준으로 합니다.\n"
    )


@pytest.mark.medium
def test_an_error_of_the_command_line_is_shown_in_korean(tmp_path: Path) -> None:
    shown = keynet(
        tmp_path, "push", "--builder", "x", "train.py", status=2, variables=KOREAN
    ).stderr
    assert "'--builder'의 값이 올바르지 않습니다" in shown
    assert "Invalid" not in shown


@pytest.mark.medium
def test_hyperparameters_are_shown_in_a_table_that_is_aligned(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    shown = keynet(tmp_path, "params", "train.py", variables=KOREAN)
    titles, _line, row, *_ = (line for line in shown.stdout.splitlines() if line.strip())
    assert cells(titles[: titles.index("기본값")]) == cells(row[: row.index("0.1")])
    assert "알 수 없습니다" in shown.stderr


@pytest.mark.medium
@pytest.mark.parametrize("command", [["params"], ["build", "--dry-run"]], ids=" ".join)
def test_json_is_the_same_in_every_language(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(SCRIPT)
    english, korean = (
        keynet(tmp_path, *command, "--json", "train.py", variables=variables).stdout
        for variables in ({}, KOREAN)
    )
    assert korean == english


HELP_OF_ALL = """
import click
from keynet.cli.main import cli, run


def show(group, *path):
    run([*path, "--help"])
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            show(command, *path, name)
        else:
            run([*path, name, "--help"])


show(cli)
"""


@pytest.mark.medium
def test_help_in_english_fits_a_terminal(tmp_path: Path) -> None:
    lines = keynet(tmp_path, program=["-c", HELP_OF_ALL], variables={}).stdout.splitlines()
    assert lines.count("Options:") > 30
    assert [line for line in lines if cells(line) > 80] == []


@pytest.mark.medium
def test_help_in_korean_fits_a_terminal(tmp_path: Path) -> None:
    lines = keynet(tmp_path, program=["-c", HELP_OF_ALL], variables=KOREAN).stdout.splitlines()
    usages = [line for line in lines if line.startswith("사용법: keynet")]
    assert len(usages) == lines.count("옵션:") > 30
    assert [line for line in lines if cells(line) > 80] == []
