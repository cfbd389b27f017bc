"""What follows something that may raise, in a ``try`` that goes on, is uncertain."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import Row, arguments, read, rows

HEAD = """import argparse, contextlib, os
p = argparse.ArgumentParser()
TABLE = {'k': 1}
def fail(name): raise ValueError(name)
class Own(KeyError): pass
a = 1
"""


def row(default: object = None) -> Row:
    return ("a", "str", default, False, None)


@table(
    "body",
    [
        "try:\n    os.environ['RANK']\n    a = 2\nexcept KeyError:\n    pass",
        "try:\n    rank = int(os.environ['RANK'])\n    a = 2\nexcept (KeyError, ValueError):\n"
        "    a = 3",
        "try:\n    if os.environ.get('X'):\n        raise RuntimeError\n    a = 2\n"
        "except RuntimeError:\n    pass",
        "try:\n    TABLE[os.environ.get('X')]\n    a = 2\nexcept LookupError:\n    pass",
        "try:\n    if os.environ.get('X'):\n        raise Own\n    a = 2\n"
        "except KeyError:\n    pass",
        "try:\n    if os.environ.get('X'):\n        raise Own()\n    a = 2\nexcept Own:\n    pass",
        "with contextlib.suppress(KeyError):\n    os.environ['RANK']\n    a = 2",
        "try:\n    n = int(os.environ.get('N', ''))\n    a = 2\nexcept ValueError:\n    pass",
        "try:\n    fail('x')\n    a = 2\nexcept ValueError:\n    pass",
        "for n in 'xy':\n    try:\n        os.environ[n]\n    except KeyError:\n        continue\n"
        "    a = 2",
        "try:\n    os.environ['RANK']\nexcept KeyError:\n    a = 2",
        "try:\n    os.environ['RANK']\nexcept KeyError:\n    pass\nelse:\n    a = 2",
        "try:\n    try:\n        os.environ['RANK']\n    except ValueError:\n        pass\n"
        "    a = 2\nexcept KeyError:\n    pass",
    ],
)
def test_a_value_that_is_set_after_what_may_raise_is_unknown(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, f"{HEAD}{body}\np.add_argument('--a', default=a)\np.parse_args()\n")
    assert rows(found) == [row()]
    assert found.notes


@table(
    "body",
    [
        "try:\n    os.environ['RANK']\n    a = 2\nexcept KeyError:\n    raise SystemExit",
        "try:\n    os.environ['RANK']\n    a = 2\nexcept ImportError:\n    pass",
        "try:\n    TABLE['k']\n    a = 2\nexcept KeyError:\n    pass",
        "try:\n    if os.environ.get('X'):\n        raise SystemExit\n    a = 2\n"
        "except Exception:\n    pass",
        "try:\n    if os.environ.get('X'):\n        raise Own\n    a = 2\nexcept ImportError:\n"
        "    pass",
        "try:\n    raise Own\nexcept ImportError:\n    a = 3\nexcept KeyError:\n    a = 2",
        "try:\n    raise Own()\nexcept (OSError, Own):\n    a = 2\nexcept Exception:\n    a = 3",
        "with contextlib.suppress(KeyError):\n    raise Own\na = 2",
    ],
)
def test_what_no_handler_goes_on_from_is_certain(tmp_path: Path, body: str) -> None:
    script = f"{HEAD}{body}\np.add_argument('--a', type=int, default=a)\np.parse_args()\n"
    (argument,) = arguments(tmp_path, script)
    assert argument.default == 2


@table(
    "body",
    [
        "try:\n    os.environ['RANK']\n    p.add_argument('--a')\nexcept KeyError:\n    pass",
        "try:\n    os.environ['RANK']\nexcept KeyError:\n    p.add_argument('--a')",
        "def f():\n    os.environ['RANK']\n    return 1\n"
        "try:\n    f()\n    p.add_argument('--a')\nexcept KeyError:\n    pass",
        "for n in 'a':\n    with contextlib.suppress(KeyError):\n        os.environ[n]\n"
        "        p.add_argument('--' + n)",
    ],
)
def test_an_argument_that_is_added_after_what_may_raise_has_a_note(
    tmp_path: Path, body: str
) -> None:
    found = read(tmp_path, f"{HEAD}{body}\np.parse_args()\n")
    assert rows(found) == [row()]
    assert [note.message for note in found.notes] == [
        "It depends on a condition whether the script has a."
    ]


def test_what_follows_a_try_is_certain_again(tmp_path: Path) -> None:
    script = f"{HEAD}try:\n    os.environ['RANK']\nexcept KeyError:\n    pass\n"
    (argument,) = arguments(tmp_path, script + "p.add_argument('--a', required=True)\n")
    assert argument.required
