"""Parsers that leave the rest of the command line to the next."""

from pathlib import Path

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import read, rows, write

FIRST = (
    "import argparse, sys\np = argparse.ArgumentParser(add_help=False)\n"
    "p.add_argument('--config', default='')\nknown, rest = p.parse_known_args()\n"
)
SECOND = "q = argparse.ArgumentParser()\nq.add_argument('--lr', type=float, default=0.1)\n"
CONFIG = ("config", "str", "", False, None)
LR = ("lr", "float", 0.1, False, None)


@table(
    "handed",
    [
        "q.parse_args(rest)",
        "q.parse_args(args=rest[1:])",
        "q.parse_args(['--quiet'] + rest)",
        "q.parse_args([*rest, '-v'])",
        "q.parse_args([word for word in rest if word != '--'])",
        "q.parse_known_args(list(rest))",
        "sys.argv = [sys.argv[0]] + rest\nq.parse_args()",
        "sys.argv[1:] = rest\nq.parse_args()",
    ],
)
def test_the_arguments_of_both_parsers_can_be_passed(tmp_path: Path, handed: str) -> None:
    found = read(tmp_path, FIRST + SECOND + handed)
    assert (rows(found), found.notes) == ([CONFIG, LR], ())


def test_a_parser_that_reads_the_whole_line_refuses_the_arguments_of_others(
    tmp_path: Path,
) -> None:
    assert rows(read(tmp_path, FIRST + SECOND + "q.parse_args()")) == [LR]


def test_a_name_of_both_parsers_is_that_of_the_first(tmp_path: Path) -> None:
    body = SECOND + "q.add_argument('--config', default='x')\nq.parse_args(rest)"
    found = read(tmp_path, FIRST + body)
    assert (rows(found), found.notes) == ([CONFIG, LR], ())


def test_another_script_takes_the_rest(tmp_path: Path) -> None:
    engine = f"import argparse\n{SECOND}def main(argv=None):\n    return q.parse_args(argv)\n"
    script = f"{FIRST}import engine\nengine.main(rest)\n"
    assert rows(extract(write(tmp_path, script, {"engine.py": engine}))) == [CONFIG, LR]


def test_of_parsers_chosen_by_an_argument_nothing_is_required(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        FIRST
        + """
def one():
    q = argparse.ArgumentParser()
    q.add_argument('--n', type=int, default=1, required=True)
    q.add_argument('--same', type=int, default=5)
    return q
def two():
    q = argparse.ArgumentParser()
    q.add_argument('--n', type=float, default=2.0)
    q.add_argument('--same', type=int, default=5)
    return q
{'one': one, 'two': two}[known.config]().parse_args(rest)
""",
    )
    assert rows(found) == [
        CONFIG, ("n", "str", None, False, None), ("same", "int", 5, False, None)
    ]  # fmt: skip
    assert {note.message for note in found.notes} >= {
        "It is unknown whether the script requires n.",
        "The default of n is unknown: it depends on a condition.",
        "The type of n is unknown; it is reported as str.",
    }
