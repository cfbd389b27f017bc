"""The directions between the rooms (docs/architecture.md), read from the imports."""

import ast
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.tables import table

PACKAGE = Path(__file__).parent.parent / "keynet"

TIER_ONE = {
    "errors",
    "events",
    "text",
    "secret",
    "frozen",
    "confidential",
    "moments",
    "saved_login",
    "plan",
    "oci",
    "net",
    "files",
    "process",
}
PARTS = {
    "script", "recipe", "runtime", "registry", "archive", "backend", "credentials", "settings",
    "sandbox",
}  # fmt: skip

# What a room may import besides itself and tier one.
ALLOWED = {
    **{room: set[str]() for room in TIER_ONE | PARTS},
    "explain": {"archive"},
    "direct": {"recipe", "archive", "registry"},
    "steps": (PARTS - {"sandbox"}) | {"direct", "explain"},
    "cli": PARTS | {"steps", "cli", "direct", "explain"},
    "locale": set(),
}
EXCEPTIONS = {
    # The interface of builders, and what runs in a build: both kinds of build do the same.
    ("direct/layers/code_layer.py", "runtime"),
    ("direct/direct_builder.py", "runtime"),
    ("direct/direct_candidate.py", "runtime"),
    ("direct/packages/base_satisfied.py", "runtime"),
    ("direct/packages/choice_errors.py", "runtime"),
    ("direct/installed/environment_layer.py", "runtime"),
    ("direct/packages/prepared_uv.py", "runtime"),
    ("registry/__init__.py", "archive"),
    ("registry/archives.py", "archive"),
    ("registry/copying/copies.py", "archive"),
    ("registry/copying/copy_between.py", "archive"),
    ("registry/copying/copy_ends.py", "archive"),
    ("registry/functions.py", "archive"),
}

# The only importers of each foreign library, as path prefixes.
IMPORTERS = {
    "sh": ("process/shell.py",),
    "oras": ("registry/artifact.py",),
    "httpx": (
        "registry/http/connection_pool.py",
        "registry/http/transport.py",
        "backend/transport.py",
    ),
    "idna": ("net/hosts.py",),
    "packaging": ("recipe/dependencies/", "recipe/packages/"),
    "yaml": ("recipe/dependencies/sources/conda.py", "script/dialects/hydra/yaml_tree.py"),
    "platformdirs": ("files/places.py",),
    "click": ("cli/",),
    "rich": ("cli/",),
    "starlette": ("sandbox/",),
    "uvicorn": ("sandbox/",),
    "cryptography": ("sandbox/",),
    "deflate": ("direct/layers/layer_compression.py",),
    "isal": ("archive/",),
    "backports": ("archive/",),
    "uv": ("runtime/build/uv_program.py",),
}

# Names that two modules share on purpose: one wing mirrors another.
MIRRORED = {
    ("backend/client.py", "registry/client.py"),
    ("backend/transport.py", "registry/http/transport.py"),
}

MOST_MODULES = 15


def modules() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def everywhere(check: Callable[[str], Iterable[str]]) -> dict[str, list[str]]:
    """Return what a check finds, by module: one test, for hundreds of modules."""
    return {relative: found for relative in modules() if (found := sorted(check(relative)))}


@cache
def parsed(relative: str) -> ast.Module:
    return ast.parse((PACKAGE / relative).read_text("utf-8"))


@cache
def imported(relative: str) -> tuple[str, ...]:
    return tuple(_imported(relative))


def _imported(relative: str) -> Iterator[str]:
    for node in ast.walk(parsed(relative)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative}:{node.lineno}: imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(relative: str) -> str:
    return relative.split("/", maxsplit=1)[0].removesuffix(".py")


@pytest.mark.medium
def test_a_module_imports_only_in_the_direction_of_the_architecture() -> None:
    assert everywhere(_against_the_direction) == {}


def _against_the_direction(relative: str) -> set[str]:
    room = room_of(relative)
    wrong = set[str]()
    if room in {"__init__", "__main__"}:
        return wrong
    for name in imported(relative):
        parts = name.split(".")
        if (
            parts[0] != "keynet"
            or len(parts) < 2
            or (not (PACKAGE / parts[1]).exists() and not (PACKAGE / f"{parts[1]}.py").exists())
        ):
            continue
        target = parts[1]
        if target == room or target in TIER_ONE or target in ALLOWED[room]:
            continue
        if (relative, target) not in EXCEPTIONS:
            wrong.add(name)
    return wrong


def test_every_room_has_its_rule() -> None:
    assert {room_of(relative) for relative in modules()} - {"__init__", "__main__"} <= set(ALLOWED)


# What only one module does: the others call it.
ONLY_IN = {
    "fsync": "files/atomic.py",
    "mkstemp": "files/atomic.py",
    "NamedTemporaryFile": "files/atomic.py",
    "flock": "files/locks.py",
    # shutil.which looks into the current folder for an empty entry of PATH.
    "which": "process/programs.py",
}


@pytest.mark.medium
def test_files_are_replaced_and_locked_in_one_place() -> None:
    assert everywhere(_used_beside_its_place) == {}


def _used_beside_its_place(relative: str) -> list[str]:
    used = {node.attr for node in ast.walk(parsed(relative)) if isinstance(node, ast.Attribute)}
    return [name for name, module in ONLY_IN.items() if name in used and relative != module]


@pytest.mark.medium
def test_a_foreign_library_has_one_importer() -> None:
    assert everywhere(_imported_beside_its_importer) == {}


def _imported_beside_its_importer(relative: str) -> list[str]:
    roots = {name.split(".")[0] for name in imported(relative)}
    return [
        library
        for library, importers in IMPORTERS.items()
        if library in roots and not relative.startswith(importers)
    ]


@table(
    "relative",
    [
        m
        for m in modules()
        if room_of(m) in TIER_ONE - {"files", "process"} and m not in IMPORTERS["idna"]
    ],
)
def test_tier_one_imports_the_standard_library_only(relative: str) -> None:
    import sys

    roots = {name.split(".")[0] for name in imported(relative)}
    assert roots <= sys.stdlib_module_names | {"keynet"}


def at_import(relative: str, *, types: bool = False) -> Iterator[str]:
    """Name what a module imports when it is imported, not when its functions run.

    Args:
        types: Also what is imported under ``if TYPE_CHECKING:``.
    """
    pending: list[ast.AST] = [*parsed(relative).body]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if module_file(inner) else str(node.module)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not types:
            pending.extend(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(node))


def module_file(name: str) -> str:
    """Return where a module of keynet lies below the package, "" for any other name."""
    first, *rest = name.split(".")
    if first == "keynet":
        inside = "/".join(rest)
        for relative in (f"{inside}.py", f"{inside}/__init__.py".removeprefix("/")):
            if (PACKAGE / relative).is_file():
                return relative
    return ""


def circle_among(relatives: list[str], *, types: bool = False) -> list[str]:
    """Return modules that import each other in a ring, none when there is no such ring."""
    graph = {
        relative: {module_file(name) for name in at_import(relative, types=types)} - {"", relative}
        for relative in relatives
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.mark.slow
def test_no_module_imports_itself_through_others() -> None:
    assert circle_among(modules()) == []


@pytest.mark.slow
def test_the_reading_of_scripts_has_no_circle_of_types_either() -> None:
    of_script = [relative for relative in modules() if room_of(relative) == "script"]
    assert circle_among(of_script, types=True) == []


def test_no_two_modules_share_a_name() -> None:
    places = defaultdict(list)
    for relative in modules():
        # A command's module is called as the command is.
        if not relative.endswith("__init__.py") and not relative.startswith("cli/commands/"):
            places[Path(relative).stem].append(relative)
    clashes = {
        name: found
        for name, found in places.items()
        if len(found) > 1 and tuple(found) not in MIRRORED
    }
    assert clashes == {}


def test_a_room_of_many_modules_has_wings() -> None:
    sizes = Counter(
        str(Path(relative).parent) for relative in modules() if not relative.endswith("__init__.py")
    )
    assert {room: size for room, size in sizes.items() if size > MOST_MODULES} == {}
