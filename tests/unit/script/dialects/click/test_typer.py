"""What typer scripts declare."""

from pathlib import Path

import pytest

from keynet.script.arguments import Argument as A
from keynet.script.extraction import extract
from tests.unit.script.reading import arguments, write

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


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("data", A("data", required=True)),
        ("data: Path", A("data", required=True)),
        ("n: int = 3", A("n", "int", 3)),
        ("n=3", A("n", "int", 3)),
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
@pytest.mark.parametrize(
    "start", ["typer.run(main)", "app = typer.Typer()\napp.command()(main)\napp()"]
)
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
