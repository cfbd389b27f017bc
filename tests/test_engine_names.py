"""What is one engine's own stands in its module: nobody else asks for an engine by its name."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tables import table

PACKAGE = Path(__file__).parent.parent / "keynet"
ENGINES = "runtime/engines/"
NAMES = {"docker", "podman", "buildah", "docker buildx", "podman --remote"}
# Of strings and mappings: they decide by a value as ``==`` does.
DECIDING = {"startswith", "endswith", "removeprefix", "get", "pop", "setdefault", "index", "count"}


def modules() -> list[str]:
    found = (str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
    return sorted(relative for relative in found if not relative.startswith(ENGINES))


@pytest.mark.medium
def test_nothing_is_decided_by_an_engines_name() -> None:
    texts = {relative: (PACKAGE / relative).read_text("utf-8") for relative in modules()}
    found = {relative: list(decisions(text)) for relative, text in texts.items()}
    assert {relative: lines for relative, lines in found.items() if lines} == {}


@table(
    "code",
    [
        "if name == 'docker': pass",
        "if 'podman' != name: pass",
        "if name in ('podman', 'buildah'): pass",
        "if name not in {'docker buildx'}: pass",
        "if 'docker' in name: pass",
        "match name:\n case 'docker' | 'x': pass",
        "match name:\n case {'podman': x}: pass",
        "match name:\n case ('podman', _): pass",
        "hints = {'podman --remote': 1}",
        "hint = hints['docker']",
        "hint = hints.get('docker')",
        "if name.startswith('docker'): pass",
        "if name.startswith(('docker', 'x')): pass",
        "OWN = 'docker'\nif name == OWN: pass",
        "OWN = frozenset({'podman', 'buildah'})\nif name in OWN: pass",
        "BOTH: Final = {'podman': 1}\nif BOTH[name]: pass",
    ],
)
def test_a_decision_is_seen(code: str) -> None:
    assert list(decisions(code))


@table(
    "code",
    [
        "builder: Literal['auto', 'docker']",
        "def f(layout: Literal['docker', 'oci'] = 'docker') -> None: pass",
        "CHOICES = ['docker', 'podman']\noption(type=Choice(CHOICES))",
        "print('docker')",
        "if name == 'docker-archive': pass",
    ],
)
def test_a_choice_that_is_offered_is_none(code: str) -> None:
    assert list(decisions(code)) == []


def decisions(code: str) -> Iterator[str]:
    """Find what compares with an engine's name, as text or by a constant of the module."""
    tree = ast.parse(code)
    constants = {name for name, value in assigned(tree) if names_engine(value, set())}
    for node in ast.walk(tree):
        for value in compared(node):
            if names_engine(value, constants):
                yield f"line {value.lineno}: {ast.unparse(value)}"


def compared(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(left=left, comparators=others):
            yield left
            yield from others
        case ast.MatchValue(value=value):
            yield value
        case ast.MatchMapping(keys=keys):
            yield from keys
        case ast.Dict(keys=keys):
            yield from (key for key in keys if key is not None)
        case ast.Subscript(value=ast.Name(id="Literal")):
            return
        case ast.Subscript(value=value, slice=index):
            yield value
            yield index
        case ast.Call(func=ast.Attribute(attr=name), args=arguments) if name in DECIDING:
            yield from arguments


def names_engine(value: ast.expr, constants: set[str]) -> bool:
    match value:
        case ast.Constant(value=text):
            return text in NAMES
        case ast.Name(id=name):
            return name in constants
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(names_engine(part, constants) for part in parts)
        case ast.Dict(keys=keys):
            return any(key is not None and names_engine(key, constants) for key in keys)
        case ast.Call(func=ast.Name(id="frozenset" | "set" | "tuple" | "list"), args=parts):
            return any(names_engine(part, constants) for part in parts)
    return False


def assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
