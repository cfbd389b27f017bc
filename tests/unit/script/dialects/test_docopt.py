"""docopt: its usage text is the grammar."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import Row, read, rows

SCRIPT = '''"""Train.

{usage}
"""
from docopt import docopt
if __name__ == "__main__":
    docopt(__doc__)
'''
CASES: list[tuple[str, list[Row]]] = [
    (
        "Usage:\n  p <data> [--lr=<f>] [--amp] [<extra>...]\n  p -h | --help\n\nOptions:\n"
        "  --lr=<f>  Rate [default: 0.1].\n  --amp  Mixed.",
        [
            ("data", "str", None, True, None),
            ("lr", "str", "0.1", False, None),
            ("amp", "bool", False, False, None),
            ("extra", "str", [], False, None),
        ],
    ),
    (
        "Usage: p [options] FILE\n\nOptions:\n  -e N, --epochs N  Epochs [default: 3]\n"
        "  -v --verbose      Talk\n  --version         Version",
        [
            ("epochs", "str", "3", False, None),
            ("verbose", "bool", False, False, None),
            ("FILE", "str", None, True, None),
        ],
    ),
    (
        "usage:\n  p train <data>\n  p test [<data>]",
        [
            ("train", "bool", False, False, None),
            ("data", "str", None, False, None),
            ("test", "bool", False, False, None),
        ],
    ),
    (
        "Usage: p (--a=<x> | --b=<y>) --out-dir=<d>",
        [
            ("a", "str", None, False, None),
            ("b", "str", None, False, None),
            ("out_dir", "str", None, True, None),
        ],
    ),
    ("Usage: p [-v]...", [("v", "int", 0, False, None)]),
]


@table(("usage", "expected"), CASES)
def test_a_usage_text(tmp_path: Path, usage: str, expected: list[Row]) -> None:
    found = read(tmp_path, SCRIPT.replace("{usage}", usage))
    assert found.parser_type == "docopt"
    assert found.notes == ()
    assert rows(found) == expected


def test_an_unknown_text_has_a_note(tmp_path: Path) -> None:
    found = read(tmp_path, "from docopt import docopt\ndocopt(open('usage').read())\n")
    assert found.arguments == ()
    assert any("docopt()" in note.message for note in found.notes)


def test_deep_brackets_end(tmp_path: Path) -> None:
    assert read(tmp_path, SCRIPT.replace("{usage}", "Usage: p " + "[" * 3_000)).arguments == ()


def test_an_option_on_the_line_of_its_title_has_its_default(tmp_path: Path) -> None:
    script = """
    '''Train.

    Usage: train.py [options]

    Options: --lr=<f>   rate
                        [default: 0.5]
      --seed=<n>        seed [default: 1]
    '''
    from docopt import docopt
    docopt(__doc__)
    """
    assert [(row[0], row[2]) for row in rows(read(tmp_path, script))] == [
        ("lr", "0.5"), ("seed", "1"),
    ]  # fmt: skip
