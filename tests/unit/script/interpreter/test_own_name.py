"""The script's own name is known where its place is not; string defaults are parsed."""

from pathlib import Path

from keynet.script.arguments import Argument as A
from tests.tables import table
from tests.unit.script.reading import arguments, read

HEAD = "import argparse, os\nfrom pathlib import Path\np = argparse.ArgumentParser()\n"


@table(
    ("name", "expected"),
    [
        ("os.path.basename(__file__)[:-3]", "train"),
        ("os.path.basename(__file__)[:-len('.py')]", "train"),
        ("os.path.basename(__file__).rstrip('.py')", "train"),
        ("os.path.basename(os.path.realpath(__file__)).split('.')[0]", "train"),
        ("os.path.splitext(os.path.basename(__file__))[0]", "train"),
        ("os.path.split(os.path.abspath(__file__))[1]", "train.py"),
        ("__file__.split('/')[-1].replace('.py', '')", "train"),
        ("__file__.rsplit('/', 1)[1][:-3]", None),
        ("Path(__file__).stem", "train"),
        ("Path(__file__).resolve().with_suffix('.yaml').name", "train.yaml"),
        ("f'runs/{Path(__file__).stem}'", "runs/train"),
        ("__file__", None),
        ("os.path.dirname(__file__)", None),
        ("str(Path(__file__).parent / 'data')", None),
        ("__file__[1:]", None),
        ("str(len(__file__))", None),
        ("'a' if __file__.startswith('/') else 'b'", None),
        ("'a' if 'x' in __file__ else 'b'", None),
    ],
)
def test_names_of_the_script_itself(tmp_path: Path, name: str, expected: str | None) -> None:
    found = read(tmp_path, f"{HEAD}p.add_argument('--a', default={name})\np.parse_args()\n")
    assert [a.default for a in found.arguments] == [expected]
    assert bool(found.notes) is (expected is None)


@table(
    ("declared", "expected"),
    [
        ("type=int, default='3'", A("a", "int", 3)),
        ("type=float, default='1e-3'", A("a", "float", 0.001)),
        ("type=bool, default='False'", A("a", "bool", True)),
        ("type=yes, default='no'", A("a", "bool", False)),
        ("type=lambda s: [int(x) for x in s.split(',')], default='1,2'", A("a", "int", [1, 2])),
        ("type=lambda s: s.split(','), default='a,b'", A("a", "str", ["a", "b"])),
        ("type=Path, default='x/y'", A("a", "str", "x/y")),
        ("type=int, default=None", A("a", "int")),
    ],
)
def test_string_defaults_go_through_the_type(tmp_path: Path, declared: str, expected: A) -> None:
    yes = "def yes(v):\n    return v.lower() in ('yes', 'true')\n"
    script = f"{HEAD}{yes}p.add_argument('--a', {declared})\np.parse_args()\n"
    assert arguments(tmp_path, script) == [expected]
