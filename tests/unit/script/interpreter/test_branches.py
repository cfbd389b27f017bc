"""An argument is certain where every branch adds it; a container where none may pass it over."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import read, rows, write

HEAD = (
    "import argparse, contextlib, importlib, os, sys\nimport lib\n"
    "p = argparse.ArgumentParser()\nX = os.environ.get('X')\n"
    "def common(): p.add_argument('--a', required=True)\n"
)
PARSE = "\np.parse_args()\n"
SOMETIMES = "It depends on a condition whether the script has a."
REQUIRED = "It is unknown whether the script requires a."


@table(
    "body",
    [
        "if X == '1': common()\nelif X == '2': common()\nelse: common()",
        "if X: p.add_argument('--a', required=True)\nelse: p.add_argument('--a', required=True)",
        "if X:\n    if lib.y: common()\n    else: common()\nelse: common()",
        "if X:\n    common()\nelse:\n    sys.exit(2)",
        "def f(): common()\ndef g(): common()\n{'f': f, 'g': g}[X]()",
        "match X:\n    case '1': common()\n    case _: common()",
    ],
)
def test_what_every_branch_adds_is_certain(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, HEAD + body + PARSE)
    assert rows(found) == [("a", "str", None, True, None)]
    assert found.notes == ()


@table(
    "body",
    [
        "if X == '1': common()\nelif X == '2': common()",
        "if X:\n    if lib.y: common()\nelse: common()",
        "def f(): common()\ndef g(): pass\n{'f': f, 'g': g}[X]()",
        "match X:\n    case '1': common()\n    case '2': common()",
        "for n in lib.names():\n    if n: common()\n    else: common()",
        "try:\n    import apex\n    common()\nexcept ImportError:\n    pass",
        "with contextlib.suppress(ImportError):\n    import apex\n    common()",
        "if X:\n    common()\n    p.parse_args()\nelse:\n    p.parse_args()",
        "if X:\n    p.parse_args()\nelse:\n    common()\n    p.parse_args()",
    ],
)
def test_what_a_branch_leaves_out_is_not_required(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, HEAD + body + PARSE)
    assert rows(found) == [("a", "str", None, False, None)]
    assert {note.message for note in found.notes} == {SOMETIMES, REQUIRED}


def test_of_two_declarations_in_branches_neither_default_is_taken(tmp_path: Path) -> None:
    body = "if X: p.add_argument('--a', default=1)\nelse: p.add_argument('--a', default=2)"
    found = read(tmp_path, HEAD + body + PARSE)
    assert rows(found) == [("a", "str", None, False, None)]
    (note,) = found.notes
    assert note.message == "The default of a is unknown: it depends on a condition."


def test_the_same_parser_made_in_each_branch_is_one(tmp_path: Path) -> None:
    body = (
        "def run():\n    q = argparse.ArgumentParser()\n    q.add_argument('--a', required=True)\n"
        "    return q.parse_args()\nif X: run()\nelif lib.y: run()\nelse: run()\n"
    )
    found = read(tmp_path, HEAD + body)
    assert rows(found) == [("a", "str", None, True, None)]
    assert found.notes == ()


def test_a_parser_that_parses_on_each_path_requires_what_it_says(tmp_path: Path) -> None:
    body = (
        "q = argparse.ArgumentParser()\nq.add_argument('--m')\ncommon()\n"
        "if X:\n    _, rest = q.parse_known_args()\n    p.parse_args(lib.words(rest))\n"
    )
    found = read(tmp_path, HEAD + body + PARSE)
    assert ("a", "str", None, True, None) in rows(found)


ADDING = [
    "try:\n    import apex\n    names.append('x')\nexcept ImportError:\n    pass",
    "try:\n    import apex\n    names += ['x']\nexcept Exception:\n    print('none')",
    "try:\n    import apex\n    names = ['a', 'x']\nexcept (KeyError, ImportError):\n    pass",
    "try:\n    from apex import amp\nexcept ImportError:\n    pass\nelse:\n    names.append('x')",
    "try:\n    importlib.import_module('apex')\n    names.append('x')\n"
    "except ImportError:\n    pass",
    "try:\n    lib.check()\n    names.append('x')\nexcept RuntimeError:\n    pass",
    "with contextlib.suppress(ImportError):\n    import apex\n    names.append('x')",
    "def f():\n    if X:\n        return\n    names.append('x')\nf()",
    "def f():\n    try:\n        import apex\n    except ImportError:\n        return\n"
    "    names.append('x')\nf()",
    "for n in 'xy':\n    if lib.skipped(n):\n        continue\n    names.append(n)",
    "def f():\n    own = ['a']\n    if X:\n        return own\n    own.append('x')\n"
    "    return own\nnames = f()",
    "def f():\n    own = {'a'}\n    if X:\n        return own\n    own.add('x')\n"
    "    return own\nnames = f()",
]


@table("body", ADDING)
def test_what_may_not_be_added_is_no_choice(tmp_path: Path, body: str) -> None:
    found = read(
        tmp_path, f"{HEAD}names = ['a']\n{body}\np.add_argument('--a', choices=names){PARSE}"
    )
    assert rows(found) == [("a", "str", None, False, None)]
    (note,) = found.notes
    assert note.message == "The choices of a are unknown."


@table(
    "body",
    [
        "try:\n    import apex\n    names.append('x')\nexcept ImportError:\n    sys.exit('apex')",
        "try:\n    import apex\n    names.append('x')\nexcept ImportError as e:\n    raise e",
        "try:\n    import apex\n    names.append('x')\nexcept KeyError:\n    pass",
        "try:\n    import json\n    names.append('x')\nexcept ImportError:\n    pass",
        "try:\n    print('x')\n    names.append('x')\nexcept OSError:\n    pass",
        "def f():\n    own = ['a']\n    own.append('x')\n    return own\nnames = f()",
        "def f():\n    if X:\n        raise SystemExit\n    names.append('x')\nf()",
    ],
)
def test_what_is_added_on_every_path_is_a_choice(tmp_path: Path, body: str) -> None:
    found = read(
        tmp_path, f"{HEAD}names = ['a']\n{body}\np.add_argument('--a', choices=names){PARSE}"
    )
    assert rows(found) == [("a", "str", None, False, ("a", "x"))]
    assert found.notes == ()


@table(
    "body",
    [
        "d = 1\ndef f():\n    global d\n    if X:\n        return\n    d = 2\nf()",
        "class C: d = 1\ndef f():\n    if X:\n        return\n    C.d = 2\nf()\nd = C.d",
        "class C:\n    def __init__(self): self.d = 1\nc = C()\ndef f():\n    if X:\n"
        "        return\n    c.d = 2\nf()\nd = c.d",
        "def f():\n    d = 1\n    def g():\n        nonlocal d\n        if X:\n            return\n"
        "        d = 2\n    g()\n    return d\nd = f()",
    ],
)
def test_what_may_not_be_assigned_is_no_default(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, f"{HEAD}{body}\np.add_argument('--a', type=int, default=d){PARSE}")
    assert rows(found) == [("a", "int", None, False, None)]
    (note,) = found.notes
    assert note.message == "The default of a is unknown: it depends on a condition."


def test_what_is_made_after_an_early_return_is_known(tmp_path: Path) -> None:
    body = (
        "def f():\n    if X:\n        return argparse.ArgumentParser()\n    q = lib.C()\n"
        "    own = {}\n    own['d'] = 2\n    class C: pass\n    c = C()\n    c.d = own['d']\n"
        "    q = argparse.ArgumentParser()\n    q.add_argument('--a', default=c.d)\n"
        "    q.parse_args()\nf()\n"
    )
    found = read(tmp_path, HEAD + body)
    assert rows(found) == [("a", "str", 2, False, None)]
    assert found.notes == ()


CONDITIONS = [
    "if X:\n{}",
    "try:\n    import plug\n{}\nexcept ImportError:\n    pass",
    "def f():\n    if X:\n        return\n{}\nf()",
    "for n in lib.names():\n{}",
]
SUBCOMMANDS = {
    "argparse": (
        "s = p.add_subparsers()\ns.add_parser('y').add_argument('--own')\n",
        "    s.add_parser('x').add_argument('--a', required=True)",
        "\np.parse_args()\n",
    ),
    "click": (
        "import click\n@click.group()\ndef cli(): pass\n"
        "@cli.command()\n@click.option('--own')\ndef one(own): pass\n"
        "@click.command()\n@click.option('--a', required=True)\ndef two(a): pass\n",
        "    cli.add_command(two)",
        "\ncli()\n",
    ),
    "typer": (
        "import typer\ncli = typer.Typer()\n@cli.command()\ndef one(own: str = None): pass\n",
        "    @cli.command()\n    def two(a: str): pass",
        "\ncli()\n",
    ),
    "typer's apps": (
        "import typer\ncli = typer.Typer()\n@cli.command()\ndef one(own: str = None): pass\n"
        "sub = typer.Typer()\n@sub.command()\ndef two(a: str): pass\n",
        "    cli.add_typer(sub)",
        "\ncli()\n",
    ),
}


@table("condition", CONDITIONS)
@table("library", SUBCOMMANDS)
def test_a_subcommand_on_a_condition_is_noted(tmp_path: Path, library: str, condition: str) -> None:
    before, adding, after = SUBCOMMANDS[library]
    found = read(tmp_path, HEAD + before + condition.format(adding) + after)
    names = {one.name: one.required for one in found.arguments}
    assert names == {"own": False, "a": False}
    assert {note.message for note in found.notes} == {SOMETIMES, REQUIRED}


@table("library", SUBCOMMANDS)
def test_a_subcommand_that_is_always_there_is_not_noted(tmp_path: Path, library: str) -> None:
    before, adding, after = SUBCOMMANDS[library]
    function = f"def f():\n    if X:\n        raise SystemExit\n{adding}\nf()"
    found = read(tmp_path, HEAD + before + function + after)
    names = {one.name: one.required for one in found.arguments}
    assert names == {"own": False, "a": True}
    assert found.notes == ()


def test_a_default_set_after_an_early_return_is_unknown(tmp_path: Path) -> None:
    body = "p.add_argument('--a', default=1)\ndef f():\n    if X:\n        return\n"
    found = read(tmp_path, f"{HEAD}{body}    p.set_defaults(a=2)\nf(){PARSE}")
    assert rows(found) == [("a", "str", None, False, None)]
    (note,) = found.notes
    assert note.message == "The default of a is unknown: it depends on a condition."


def test_a_module_read_after_an_early_return_is_read_as_a_whole(tmp_path: Path) -> None:
    other = "class C: d = 1\nC.d = 2\nnames = ['a']\nnames.append('b')\n"
    script = HEAD + (
        "def f():\n    if X:\n        return None\n    import other\n"
        "    q = argparse.ArgumentParser()\n"
        "    q.add_argument('--a', default=other.C.d, choices=other.names)\n"
        "    q.parse_args()\nf()\n"
    )
    found = extract(write(tmp_path, script, {"other.py": other}))
    assert [(one.default, one.choices) for one in found.arguments] == [(2, ("a", "b"))]


def test_a_call_that_returns_early_does_not_leave_the_loop_around_it(tmp_path: Path) -> None:
    body = (
        "def checked(n):\n    if X:\n        return None\n    return n\n"
        "for n in 'ab':\n    checked(n)\n    p.add_argument('--' + n, required=True)\n"
        "s = p.add_subparsers()\nfor n in 'xy':\n    checked(n)\n"
        "    s.add_parser(n).add_argument('--' + n)\n"
    )
    found = read(tmp_path, HEAD + body + PARSE)
    assert [(one.name, one.required) for one in found.arguments] == [
        ("a", True), ("b", True), ("x", False), ("y", False)
    ]  # fmt: skip
    assert found.notes == ()


@pytest.mark.parametrize(
    "body",
    [
        "d = 1\nwhile lib.more():\n    lib.step()\nelse:\n    d = 2",
        "d = 1\nfor n in lib.names():\n    if n:\n        break\nelse:\n    d = 2",
        "d = 1\nfor n in lib.names():\n    break\nelse:\n    d = 2",
    ],
)
def test_the_else_of_an_unknown_loop_may_be_passed_over(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, f"{HEAD}{body}\np.add_argument('--a', default=d){PARSE}")
    known = "break" not in body
    assert rows(found) == [("a", "str", 2 if known else None, False, None)]
    unknown = "The default of a is unknown: it depends on a condition."
    assert (unknown in {note.message for note in found.notes}) is not known


def test_an_attribute_of_one_of_two_objects_keeps_the_value_of_its_class(tmp_path: Path) -> None:
    body = (
        "class C: d = 1\nclass D: d = 1\nc, e = C(), D()\no = c if X else e\no.d = 2\n"
        "p.add_argument('--a', type=int, default=e.d)"
    )
    found = read(tmp_path, f"{HEAD}{body}{PARSE}")
    assert rows(found) == [("a", "int", None, False, None)]
    (note,) = found.notes
    assert note.message == "The default of a is unknown: it depends on a condition."


def test_what_is_added_after_a_branch_has_parsed_is_on_a_condition(tmp_path: Path) -> None:
    body = (
        "p.add_argument('--b', default=1)\nif X:\n    p.parse_args()\np.set_defaults(b=2)\ncommon()"
    )
    found = read(tmp_path, HEAD + body + PARSE)
    assert rows(found) == [("b", "str", None, False, None), ("a", "str", None, False, None)]
    assert {note.message for note in found.notes} == {
        SOMETIMES,
        REQUIRED,
        "The default of b is unknown: it depends on a condition.",
    }


@table(
    "loop",
    [
        "for n in 'ab':\n    if X == n:\n        break",
        "for n in 'ab':\n    if X == n:\n        break\n    else:\n        continue",
        "for n in lib.names():\n    if X == n:\n        break",
        "while True:\n    lib.step()\n    if X:\n        break",
        "while lib.more():\n    if X:\n        break",
        "for n in 'ab':\n    if X == n:\n        break\nelse:\n    lib.none()",
    ],
)
def test_what_comes_after_a_loop_is_reached_through_its_break(tmp_path: Path, loop: str) -> None:
    found = read(tmp_path, f"{HEAD}{loop}\np.add_argument('--a', required=True){PARSE}")
    assert (rows(found), found.notes) == ([("a", "str", None, True, None)], ())


@table(
    "loop",
    [
        "for n in 'ab':\n    d += 1\n    if X:\n        break",
        "for n in 'ab':\n    d += 1\n    if X:\n        break\n    else:\n        continue",
        "while True:\n    d += 1\n    if X:\n        break",
        "for n in lib.names():\n    d = 2\n    if X:\n        break\n    d = 1",
        "for n in 'ab':\n    d = 2\n    if X:\n        break\nelse:\n    d = 3",
    ],
)
def test_a_break_keeps_the_names_of_its_turn(tmp_path: Path, loop: str) -> None:
    found = read(tmp_path, f"{HEAD}d = 1\n{loop}\np.add_argument('--a', default=d){PARSE}")
    assert [one.default for one in found.arguments] == [None]
    (note,) = found.notes
    assert "The default of a is unknown" in note.message


def test_a_loop_that_may_break_goes_on_although_it_ends_in_a_return(tmp_path: Path) -> None:
    body = "def f():\n    for n in 'a':\n        if X:\n            break\n        return\n"
    found = read(tmp_path, f"{HEAD}{body}    p.add_argument('--a', required=True)\nf(){PARSE}")
    assert rows(found) == [("a", "str", None, False, None)]
    assert "It depends on a condition whether the script has a." in {
        note.message for note in found.notes
    }
