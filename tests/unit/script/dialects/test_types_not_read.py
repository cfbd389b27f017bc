"""A type from outside the project may be an enum: its choices are unknown."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

SCRIPTS = {
    "typer": """
        import typer
        from typing import Optional
        from lib import Mode
        def main(a: {hint} = None): pass
        typer.run(main)
        """,
    "fields": """
        from dataclasses import dataclass
        from typing import Optional
        from lib import Mode
        from transformers import HfArgumentParser
        @dataclass
        class A:
            a: {hint} = None
        HfArgumentParser(A).parse_args_into_dataclasses()
        """,
}


@table("script", SCRIPTS)
@table("hint", ["Mode", "Optional[Mode]", "list[Mode]", "'Mode'"])
def test_its_choices_are_noted_as_unknown(tmp_path: Path, script: str, hint: str) -> None:
    found = read(tmp_path, SCRIPTS[script].format(hint=hint))
    assert [(one.name, one.type, one.choices) for one in found.arguments] == [("a", "str", None)]
    assert [note.message for note in found.notes] == [
        "The type of a, lib.Mode, is not read: its choices are unknown."
    ]


@table("hint", ["str", "'pathlib.Path'", "Optional[int]", "'datetime.datetime'", "list[float]"])
def test_types_that_are_known_have_no_note(tmp_path: Path, hint: str) -> None:
    script = "import pathlib, datetime\n" + SCRIPTS["typer"].replace("\n        ", "\n")
    found = read(tmp_path, script.format(hint=hint))
    assert found.notes == ()
    assert [one.name for one in found.arguments] == ["a"]


def test_a_parser_of_its_values_is_taken_instead(tmp_path: Path) -> None:
    script = """
    import typer
    from lib import Mode
    def main(a: Mode = typer.Option(None, parser=lambda text: int(text))): pass
    typer.run(main)
    """
    found = read(tmp_path, script)
    assert [(one.name, one.type) for one in found.arguments] == [("a", "int")]
    assert found.notes == ()
