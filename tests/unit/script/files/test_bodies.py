"""Modules parsed without the bodies of their functions: in the end the same tree."""

import ast
import re
from pathlib import Path

import pytest

from keynet.script.arguments import Argument as A
from keynet.script.files import bodies
from tests.tables import table
from tests.unit.script.reading import arguments

LONG = "value = 'more than what is worth putting off, more than what is worth it'"


def everything(tree: ast.Module) -> str:
    # Where a node ends is known of those only that are parsed together.
    return re.sub(r"end_(lineno|col_offset)=\d+", "", ast.dump(tree, include_attributes=True))


SOURCES = {
    "plain": f"import os\ndef f(a, b=1):\n    {LONG}\n    return a\nx = f(1)\n",
    "no-line-end": f"def f():\n    {LONG}\n    return 1",
    "async": f"async def f():\n    {LONG}\n    await g()\n    async for x in y: yield x\nx = 1\n",
    "methods": f"class A:\n    '''Text.'''\n    x = 1\n    def f(self):\n        {LONG}\n"
    f"    @property\n    def g(self):\n        '''Doc.'''\n        {LONG}\n    y = 2\nz = 3\n",
    "nested": f"def f():\n    def g():\n        {LONG}\n    {LONG}\n    return g\nx = 1\n",
    "conditional": f"if x:\n    def f():\n        {LONG}\nelse:\n    def f():\n        {LONG}\n"
    f"try:\n    pass\nexcept E:\n    def h():\n        {LONG}\n"
    f"finally:\n    def i():\n        {LONG}\n"
    f"match x:\n    case 1:\n        def j():\n            {LONG}\n",
    "one-line": "def f(): return 1\ndef g(): x = 1; return x\n",
    "comments": f"def f():  # why: so\n    # first\n    {LONG}\n# not indented\n"
    "    return 2\n# after\nx = 1\n",
    "header": f"def f(\n    a: int,  # note:\n    b=':',\n    c=(1, 2),\n"
    f"    *, d: dict[str, int] = {{'a': 1}},\n"
    f") -> None:\n    {LONG}\nx = 1\n",
    "bracket-in-text": f"def f(a='(', b=']:'):\n    {LONG}\ndef g():\n    {LONG}\nx = 1\n",
    "lambda": f"def f(a=lambda: 1,\n      b=lambda x:\n          x):\n    {LONG}\nx = 1\n",
    "text-to-the-left": f"def f():\n    {LONG}\n    x = '''\nat left\n'''\n    return x\ny = 1\n",
    "texts-to-the-left": f"def f():\n    {LONG}\n    x = '''\nhere\n''' + '''\nthere\n'''\ny = 1\n",
    "bracket-to-the-left": f"def f():\n    {LONG}\n    return [\n1,\n2,\n]\ny = 1\n",
    "text-with-a-function": f"x = '''\ndef f():\n    {LONG}\n'''\ndef g():\n    {LONG}\n",
    "only-a-text-with-a-function": f"x = '''\ndef f():\n    {LONG}\n'''\n",
    "line-goes-on": f"def f():\n    {LONG}\n    x = 1 + \\\n2\ny = 1\n",
    "tabs": f"class A:\n\tdef f(self):\n\t\t{LONG}\n\tx = 1\n",
    "form-feed": f"def f():\n    {LONG}\n\f\ndef g():\n    {LONG}\n",
    "windows": f"def f():\r\n    {LONG}\r\ndef g():\r\n    {LONG}\r\n",
    "decorated": f"@d(\n    1\n)\n@e\ndef f():\n    {LONG}\nx = 1\n",
    "blank-lines": f"def f():\n\n\n    {LONG}\n\n\n\n    return 1\n\n\nx = 1\n",
    "far-down": "\n" * 6000 + f"def f():\n    {LONG}\n    return 1\nx = 1\n",
    "korean": f"def f():\n    '''설명'''\n    {LONG}\n    return '값'\nx = '끝'\n",
}


@table("source", SOURCES.values())
def test_the_tree_is_that_of_the_whole_text(source: str) -> None:
    assert everything(bodies.parse(source, "m.py")) == everything(ast.parse(source))


def test_a_body_is_parsed_when_it_is_asked_for() -> None:
    source = f"def f():\n    {LONG}\n    return )\ndef g():\n    {LONG}\n    return 2\n"
    broken, sound = bodies.parse(source, "m.py").body
    assert isinstance(broken, ast.FunctionDef)
    assert isinstance(sound, ast.FunctionDef)
    assert [type(node) for node in broken.body] == [ast.Raise]
    assert [type(node) for node in sound.body] == [ast.Assign, ast.Return]


def test_the_docstring_of_a_body_that_was_put_off_is_found() -> None:
    function = bodies.parse(f"def f():\n    '''Train.'''\n    {LONG}\n", "m.py").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function) == "Train."


def test_what_is_wrong_outside_a_body_is_an_error() -> None:
    with pytest.raises(SyntaxError):
        bodies.parse(f"def f():\n    {LONG}\nx = )\n", "m.py")


def test_a_function_that_is_no_python_hides_nothing_else_of_its_module(tmp_path: Path) -> None:
    module = f"""
        LR = 0.1
        def broken():
            {LONG}
            print 'this was Python 2'
        def add(parser):
            {LONG}
            parser.add_argument('--lr', type=float, default=LR)
        """
    script = """
        import argparse, options
        p = argparse.ArgumentParser()
        options.add(p)
        p.parse_args()
        """
    assert arguments(tmp_path, script, {"options.py": module}) == [A("lr", "float", 0.1)]


@table(
    "body",
    [
        "'''Text.\n\n    More of it.\n    '''",
        '"""Text with \'\'\' in it."""',
        "'Text.'",
        "'''Text \\t of signs.'''",
        "r'''Raw.'''",
        "# A comment.\n    '''Text.'''",
        "('Text.'\n     ' More.')",
        "'''Text.'''.strip()",
        "'''Text.'''; x = 1",
        "f'''{x}'''",
        "b'''Bytes.'''",
        "return '''Text.'''",
        "x = '''Text.'''",
        "'''''' + x",
        "\n    '''Text.'''",
    ],
)
@table("clean", [True, False])
def test_a_docstring_is_that_of_the_whole_text(body: str, *, clean: bool) -> None:
    source = f"def f(x):\n    {body}\n    {LONG}\n"
    (function,), (whole,) = bodies.parse(source, "m.py").body, ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    assert isinstance(whole, ast.FunctionDef)
    expected = ast.get_docstring(whole, clean=clean)
    assert bodies.docstring(function, clean=clean) == expected
    assert list(function.body)
    assert bodies.docstring(function, clean=clean) == expected
