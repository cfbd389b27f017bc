"""Commands with decorators, subcommands and classes from outside, or that are put together."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import arguments, read

HEAD = "import click, functools, otherlib, torch\n"
COMMAND = "@click.option('--lr', default=0.1)\ndef train(**given): pass\ntrain()\n"


@table(
    "more",
    [
        "def more(f):\n    given = [click.option('--a'), click.option('--b')]\n"
        "    return functools.reduce(lambda made, one: one(made), reversed(given), f)\n",
        "def both(made, one): return one(made)\n"
        "def more(f):\n"
        "    return functools.reduce(both, (click.option('--b'), click.option('--a')), f)\n",
    ],
)
def test_options_that_reduce_puts_together(tmp_path: Path, more: str) -> None:
    found = arguments(tmp_path, f"{HEAD}{more}@click.command()\n@more\n{COMMAND}")
    assert [argument.name for argument in found] == ["a", "b", "lr"]


@table(
    ("lines", "expected"),
    [
        ("@click.command()\n@otherlib.options\n", [(3, "otherlib.options() may add")]),
        ("@click.command()\n@otherlib.options(2)\n", [(3, "otherlib.options() may add")]),
        ("def more(f):\n    for one in otherlib.options: f = one(f)\n    return f\n"
         "@click.command()\n@more\n", [(5, "A decorator of a command is not known")]),
        ("@click.command()\n@torch.no_grad()\n@functools.lru_cache\n", []),
    ],
)  # fmt: skip
def test_a_decorator_that_may_add_options_is_noted(
    tmp_path: Path, lines: str, expected: list[tuple[int, str]]
) -> None:
    found = read(tmp_path, f"{HEAD}{lines}{COMMAND}")
    assert [argument.name for argument in found.arguments] == ["lr"]
    assert [note.line for note in found.notes] == [line for line, _text in expected]
    for note, (_line, text) in zip(found.notes, expected, strict=True):
        assert text in note.message


@table(
    "script",
    [
        "import click, otherlib\n@click.group()\ndef cli(): pass\n@cli.command()\n"
        "@click.option('--lr')\ndef train(lr): pass\ncli.add_command(otherlib.more)\ncli()\n",
        "import click, otherlib\n@click.command()\n@click.option('--lr')\ndef train(lr): pass\n"
        "\n\ncli = click.Group('x', commands={'a': train, 'b': otherlib.more})\ncli()\n",
        "import typer, otherlib\napp = typer.Typer()\n@app.command()\ndef train(lr: float): pass\n"
        "\n\napp.add_typer(otherlib.more, name='more')\napp()\n",
    ],
)
def test_an_unknown_subcommand_is_noted(tmp_path: Path, script: str) -> None:
    found = read(tmp_path, script)
    assert [argument.name for argument in found.arguments] == ["lr"]
    notes = [(note.line, note.message) for note in found.notes]
    assert notes == [(7, "A subcommand is unknown: its options are omitted.")]


CLASS = "class Own(click.Option):\n    def __init__(self, *given, **named):\n        {}\n"


@table(
    ("body", "notes"),
    [
        ("named.setdefault('default', 5); super().__init__(*given, **named)",
         ["The default of n is unknown: it is computed when the script runs."]),
        ("super().__init__(*given, **named); self.required = True",
         ["It is unknown whether the script requires n."]),
        ("self.other = named.pop('other'); super().__init__(*given, **named)", []),
    ],
)  # fmt: skip
def test_what_the_class_of_an_option_sets_is_unknown(
    tmp_path: Path, body: str, notes: list[str]
) -> None:
    option = "@click.command()\n@click.option('--n', cls=Own, other=1, type=int, default=2)\n"
    found = read(tmp_path, f"{HEAD}{CLASS.format(body)}{option}def run(n): pass\nrun()\n")
    (argument,) = found.arguments
    assert (argument.name, argument.type, argument.required) == ("n", "int", False)
    assert argument.default == (None if "default" in body else 2)
    assert [note.message for note in found.notes] == notes
