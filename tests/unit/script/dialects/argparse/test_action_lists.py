"""The actions that a parser keeps, as scripts look through them and remove some."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

SCRIPT = """
import argparse, os
parser = argparse.ArgumentParser()
old = parser.add_argument("--old", type=int)
keep = parser.add_argument("--keep", type=int, default=1)
{body}
parser.parse_args()
"""
REMOVED = [
    "parser._actions.remove(old)",
    "parser._actions.pop(1)",
    "parser._actions[:] = [one for one in parser._actions if one.dest != 'old']",
    "parser._remove_action(old)",
    "parser._handle_conflict_resolve(None, [('--old', old)])",
    "parser._option_string_actions.pop('--old')",
    "del parser._option_string_actions['--old']",
]
PERHAPS = [
    "if os.environ.get('X'): parser._actions.remove(old)",
    "if os.environ.get('X'): parser._handle_conflict_resolve(None, [('--old', old)])",
    "if os.environ.get('X'): parser._option_string_actions.pop('--old')",
    "parser._actions.remove(parser._actions[int(os.environ['X'])])",
]
COUNTED = {
    "parser._actions": 3,
    "parser._option_string_actions": 4,
    "argparse.ArgumentParser(add_help=False)._actions": 0,
    "argparse.ArgumentParser(prefix_chars='+')._option_string_actions": 2,
}


@table("body", REMOVED)
def test_what_is_removed_is_not_reported(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, SCRIPT.format(body=body))
    assert [one.name for one in found.arguments] == ["keep"]


@table("body", PERHAPS)
def test_what_may_be_removed_is_noted(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, SCRIPT.format(body=body))
    assert [one.name for one in found.arguments] == ["old", "keep"]
    assert any(" old" in note.message for note in found.notes)


@table("what", COUNTED)
def test_the_option_for_help_is_one_of_them(tmp_path: Path, what: str) -> None:
    body = f"parser.add_argument('--count', type=int, default=len({what}))"
    found = read(tmp_path, SCRIPT.format(body=body))
    assert found.arguments[-1].default == COUNTED[what]


def test_what_is_set_for_every_action_counts(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        SCRIPT.format(body="for one in parser._actions:\n    one.help = 'as for ' + one.dest"),
    )
    assert [one.help for one in found.arguments] == ["as for old", "as for keep"]
