"""cyclopts: functions given to an app."""

from pathlib import Path

from tests.unit.script.reading import read, rows

SCRIPT = '''
from dataclasses import dataclass
from typing import Annotated, Literal
from cyclopts import App, Parameter
app = App()
@dataclass
class Opt:
    lr: float = 0.1
@app.default
def main(data: str, *, epochs: int = 3, amp: bool = False, opt: Opt = Opt(),
         mode: Annotated[Literal["a", "b"], Parameter(help="m")] = "a",
         hidden: Annotated[int, Parameter(parse=False)] = 1):
    """Train.

    Args:
        data: The folder.
    """
@app.command(name="eval")
def evaluate(ckpt: str = "x"): ...
if __name__ == "__main__":
    app()
'''


def test_functions_of_an_app(tmp_path: Path) -> None:
    found = read(tmp_path, SCRIPT)
    assert found.parser_type == "cyclopts"
    assert found.notes == ()
    assert rows(found) == [
        ("data", "str", None, True, None),
        ("epochs", "int", 3, False, None),
        ("amp", "bool", False, False, None),
        ("opt.lr", "float", 0.1, False, None),
        ("mode", "str", "a", False, ("a", "b")),
        ("ckpt", "str", "x", False, None),
    ]
    assert [one.help for one in found.arguments if one.help] == ["The folder.", "m"]


def test_a_function_that_is_run(tmp_path: Path) -> None:
    script = "import cyclopts\ndef main(lr: float = 0.1): ...\ncyclopts.run(main)\n"
    assert rows(read(tmp_path, script)) == [("lr", "float", 0.1, False, None)]
