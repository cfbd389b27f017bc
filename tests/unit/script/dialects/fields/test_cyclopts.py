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


def test_names_of_parameters_that_are_classes_prefix_what_is_in_them(tmp_path: Path) -> None:
    script = """
    from dataclasses import dataclass
    from typing import Annotated
    import cyclopts
    from cyclopts import Parameter
    @dataclass
    class Inner:
        seed: int = 0
        hidden: Annotated[int, Parameter(parse=False)] = 1
    @Parameter(name="*")
    @dataclass
    class Flat:
        flat: int = 0
    def main(*, c: Annotated[Inner, Parameter(name="*")] = Inner(), d: Inner = Inner(),
             e: Annotated[Inner, Parameter(name="--ee")] = Inner(), s: Flat = Flat()): ...
    cyclopts.run(main)
    """
    names = [one.name for one in read(tmp_path, script).arguments]
    assert names == ["seed", "d.seed", "ee.seed", "flat"]
