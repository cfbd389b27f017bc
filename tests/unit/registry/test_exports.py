"""What ``keynet.registry`` exports: all that its functions take, return and raise."""

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import keynet.registry
from keynet import errors
from tests.tables import table

ROOT = Path(__file__).parents[3]
EXPORTED = keynet.registry.__all__
PAGE = (ROOT / "docs/registry.md").read_text("utf-8")


def home_of(name: str) -> ModuleType:
    """Find the module in which an exported name is defined."""
    return import_module(keynet.registry._HOME[name])


def definition_of(name: str) -> ast.stmt | None:
    """Find the statement that defines an exported name in its module."""
    for node in ast.parse(inspect.getsource(home_of(name))).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name == name:
                return node
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return node
    return None


def annotations(node: ast.AST) -> Iterator[ast.expr]:
    """Find the annotations of what users see of a function, a class or an alias."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            arguments = node.args
            for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                if each.annotation is not None:
                    yield each.annotation
            if node.returns is not None:
                yield node.returns
        case ast.ClassDef():
            yield from node.bases
            for inner in node.body:
                name = getattr(inner, "name", "") or ast.unparse(getattr(inner, "target", inner))
                if not name.startswith("_") or name == "__init__":
                    yield from annotations(inner)
        case ast.AnnAssign():
            yield node.annotation


def names_in(annotation: ast.expr) -> Iterator[str]:
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            with_quotes = ast.parse(node.value, mode="eval")
            yield from names_in(with_quotes.body)


def keynet_names(module: ModuleType) -> set[str]:
    """Find the names in a module that keynet itself defines, there or in another module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keynet"):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.add(node.targets[0].id)
    return found


def test_the_exported_names_are_sorted_and_all_there() -> None:
    assert sorted(EXPORTED) == EXPORTED
    assert dir(keynet.registry) == EXPORTED
    assert set(EXPORTED) == set(keynet.registry._HOME)
    for name in EXPORTED:
        assert getattr(keynet.registry, name) is getattr(home_of(name), name)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = keynet.registry.no_such_name


@pytest.mark.medium
def test_importing_the_library_loads_nothing_of_weight() -> None:
    heavy = {"httpx", "pydantic", "asyncio", "ssl"}
    program = f"import sys, keynet.registry; print(sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "[]\n"


@table("name", EXPORTED)
def test_every_type_that_an_export_names_is_exported(name: str) -> None:
    node = definition_of(name)
    if node is None:
        # An alias of another library's type.
        assert name in vars(home_of(name))
        return
    own = keynet_names(home_of(name))
    named = {each for annotation in annotations(node) for each in names_in(annotation)}
    assert {each for each in named & own if not each.startswith("_")} <= set(EXPORTED)


@table("name", EXPORTED)
def test_every_error_that_an_export_raises_is_exported(name: str) -> None:
    documented = inspect.getdoc(getattr(keynet.registry, name)) or ""
    value = getattr(keynet.registry, name)
    if inspect.isclass(value):
        documented += "".join(inspect.getdoc(each) or "" for each in vars(value).values())
    for section in re.findall(r"Raises:\n((?:[ \t]+.*\n?)+)", documented):
        for raised in re.findall(r"^\s+((?:[A-Z]\w+)(?:, [A-Z]\w+)*):", section, re.M):
            assert set(raised.split(", ")) <= set(EXPORTED)


@pytest.mark.medium
@pytest.mark.parametrize("room", ["registry", "archive", "oci"])
def test_every_error_that_the_library_uses_is_exported(room: str) -> None:
    for path in (ROOT / "keynet" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "keynet.errors":
                assert {alias.name for alias in node.names} <= set(EXPORTED), path


def test_every_export_has_its_line_in_the_manual() -> None:
    first_cells = re.findall(r"^\| (`[^|]*`) \|", PAGE, re.M)
    listed = [name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(listed) == EXPORTED


def test_every_error_of_the_library_is_a_keynet_error() -> None:
    exported = {name for name in EXPORTED if hasattr(errors, name)}
    assert all(issubclass(getattr(errors, name), errors.KeynetError) for name in exported)


@table("name", EXPORTED)
def test_all_that_reach_a_registry_take_the_same_keywords(name: str) -> None:
    value = getattr(keynet.registry, name)
    if not (inspect.isfunction(value) and "registry_url" in inspect.signature(value).parameters):
        return
    parameters = inspect.signature(value).parameters
    client = inspect.signature(keynet.registry.RegistryClient).parameters
    for keyword in ("auth", "ca_cert", "insecure", "timeout", "emit"):
        assert parameters[keyword].default == client[keyword].default
