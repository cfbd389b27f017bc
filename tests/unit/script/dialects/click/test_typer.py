"""What typer scripts declare."""

from pathlib import Path

import pytest

from keynet.script.arguments import Argument as A
from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, read, write

HEAD = """
import typer, uuid
from enum import Enum
from pathlib import Path
from typing import *
from typing_extensions import Annotated
class Opt(str, Enum):
    sgd = 'sgd'
    adam = 'adam'
Rate = Annotated[float, typer.Option(help='rate')]
def three():
    return 3
"""


@table(
    ("parameter", "expected"),
    [
        ("data", A("data", required=True)),
        ("data: Path", A("data", required=True)),
        ("n: int = 3", A("n", "int", 3)),
        ("lr: float = typer.Option(0.1, '--lr', '-l', help='rate')",
         A("lr", "float", 0.1, help="rate")),
        ("lr: Rate = 0.1", A("lr", "float", 0.1, help="rate")),
        ("lr: Annotated[float, typer.Option('--rate')]", A("lr", "float", required=True)),
        ("lr: Annotated[Optional[float], typer.Argument()] = None", A("lr", "float")),
        ("n: int = typer.Option(...)", A("n", "int", required=True)),
        ("n: int = typer.Argument(2)", A("n", "int", 2)),
        ("n: int = typer.Option(default_factory=three)", A("n", "int", 3)),
        ("n: Annotated[int, typer.Option(default_factory=lambda: 4)]", A("n", "int", 4)),
        ("names: List[str] = []", A("names", default=[])),
        ("names: Optional[List[int]] = typer.Option(None)", A("names", "int")),
        ("names: list[float] = typer.Argument(...)", A("names", "float", required=True)),
        ("size: Tuple[int, int] = (1, 2)", A("size", "int", [1, 2])),
        ("amp: bool = False", A("amp", "bool", False)),
        ("amp: bool = typer.Option(True, '--amp/--no-amp')", A("amp", "bool", True)),
        ("opt: Opt = Opt.sgd", A("opt", default="sgd", choices=("sgd", "adam"))),
        ("mode: Literal['a', 'b'] = 'a'", A("mode", default="a", choices=("a", "b"))),
        ("x: 'int | None' = None", A("x", "int")),
        ("x: Union[float, None] = 0.5", A("x", "float", 0.5)),
        ("v: int = typer.Option(0, '-v', count=True)", A("v", "int", 0)),
        ("p: Path = Path('runs')", A("p", default="runs")),
        ("u: uuid.UUID = None", A("u")),
        ("x: float = typer.Option(1.0, min=0, max=2)", A("x", "float", 1.0)),
        ("x: str = typer.Option('a', parser=int)", A("x", "int", "a")),
    ],
)  # fmt: skip
@table("start", ["typer.run(main)", "app = typer.Typer()\napp.command()(main)\napp()"])
def test_one_parameter(tmp_path: Path, parameter: str, expected: A, start: str) -> None:
    script = (
        f"{HEAD}\ndef main({parameter}):\n    pass\n"
        f"if __name__ == '__main__':\n    " + start.replace("\n", "\n    ") + "\n"
    )
    assert arguments(tmp_path, script) == [expected]


def test_apps_are_flattened_and_contexts_left_out(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            """
            from typing import Annotated, Optional
            import typer
            from sub import app as sub_app
            app = typer.Typer()
            app.add_typer(sub_app, name='sub')
            @app.callback()
            def common(ctx: typer.Context, verbose: bool = False): pass
            @app.command('train')
            def train(data: str, *, lr: Annotated[float, typer.Option()] = 0.1): pass
            if __name__ == '__main__':
                app()
            """,
            {
                "sub.py": """
                    import typer
                    app = typer.Typer()
                    @app.command()
                    def export(fmt: str = 'onnx'): pass
                    """
            },
        )
    )
    assert found.parser_type == "typer"
    assert found.arguments == (
        A("fmt", default="onnx"),
        A("verbose", "bool", False),
        A("data", required=True),
        A("lr", "float", 0.1),
    )


TYPER = "import os\nimport typer\nX = os.environ.get('X')\napp = typer.Typer()\n"


def test_the_last_command_of_a_name_counts(tmp_path: Path) -> None:
    body = "def one(a: int = 1): pass\ndef two(b: int = 2): pass\napp.command('run')(one)\n"
    assert arguments(tmp_path, f"{TYPER}{body}app.command('run')(two)\napp()\n") == [
        A("b", "int", 2)
    ]
    found = extract(write(tmp_path, f"{TYPER}{body}if X:\n    app.command('run')(two)\napp()\n"))
    assert [one.name for one in found.arguments] == ["a", "b"]
    assert len(found.notes) == 2


@pytest.mark.parametrize("start", ["typer.run(f)", "app.command()(f)\napp()"])
def test_one_of_two_functions_gives_both_their_parameters(tmp_path: Path, start: str) -> None:
    body = "def one(a: int): pass\ndef two(b: int = 2): pass\nf = one if X else two\n"
    found = extract(write(tmp_path, f"{TYPER}{body}{start}\n"))
    assert [(one.name, one.required) for one in found.arguments] == [("a", False), ("b", False)]
    assert {note.message for note in found.notes} >= {
        "It depends on a condition whether the script has a.",
        "It depends on a condition whether the script has b.",
    }


def test_a_type_that_is_not_known_is_noted(tmp_path: Path) -> None:
    body = "@app.command()\ndef main(a: (int if X else float) = 1): pass\napp()\n"
    found = extract(write(tmp_path, TYPER + body))
    assert [(one.name, one.type, one.default) for one in found.arguments] == [("a", "str", 1)]
    (note,) = found.notes
    assert note.message == "The type of a is unknown; it is reported as str."


@table(
    ("parameter", "kind"),
    [("n=3", "int"), ("n=0.5", "float"), ("n=False", "bool"), ("n=typer.Option(3)", "int")],
)
def test_a_default_without_annotation_names_the_type_with_newer_versions_only(
    parameter: str, kind: str, tmp_path: Path
) -> None:
    found = read(tmp_path, f"import typer\ndef main({parameter}):\n    pass\ntyper.run(main)\n")
    assert [one.type for one in found.arguments] == [kind]
    assert ["typer 0.29" in note.message for note in found.notes] == [True]


def test_a_text_without_annotation_is_a_text_with_every_version(tmp_path: Path) -> None:
    script = "import typer\ndef main(n='a', m=typer.Option(3, parser=str)):\n    pass\n"
    found = read(tmp_path, script + "typer.run(main)\n")
    assert [(one.type, one.default) for one in found.arguments] == [("str", "a"), ("str", 3)]
    assert found.notes == ()
