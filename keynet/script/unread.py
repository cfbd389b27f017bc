"""Notes on libraries that read command lines or configurations and are not followed."""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from keynet.script.arguments import Note
from keynet.text import _, fill, printable

__all__ = [
    "declares",
    "imports_relatively",
    "notes_of_unread",
    "notes_on_others",
    "notes_without_result",
]

_IMPORT: Final = (
    r"(?m)^[ \t]*(?:import[ \t]+([\w., \t]+)|"
    r"from[ \t]+([A-Za-z_][\w.]*)(?:[ \t]+import[ \t]+([\w, \t(]+))?)"
)
# Libraries whose values come in addition to those of any command line.
_BESIDE: Final = {
    "gin": "gin-config",
    "ml_collections.config_flags": "ml_collections.config_flags",
    "hydra_zen": "hydra-zen",
}
_INSTEAD: Final = {
    "aaargh": "aaargh",
    "aiocli": "aiocli",
    "argh": "argh",
    "argparse_dataclass": "argparse-dataclass",
    "argtyped": "argtyped",
    "arguably": "arguably",
    "baker": "baker",
    "begin": "begins",
    "cappa": "cappa",
    "chz": "chz",
    "clap": "clap",
    "cleo": "cleo",
    "clidantic": "clidantic",
    "cliff": "cliff",
    "clize": "clize",
    "commandr": "commandr",
    "confuse": "confuse",
    "coqpit": "coqpit",
    "cyclopts": "cyclopts",
    "datargs": "datargs",
    "defopt": "defopt",
    "docopt": "docopt",
    "dynaconf": "dynaconf",
    "elements": "elements",
    "explore": "explore",
    "feud": "feud",
    "fire": "fire",
    "getopt": "getopt",
    "gflags": "gflags",
    "guild": "guild",
    "hydra": "Hydra",
    "invoke": "invoke",
    "jsonargparse": "jsonargparse",
    "knobs": "knobs",
    "luigi": "luigi",
    "metaflow": "Metaflow",
    "mlflow.projects": "MLflow Projects",
    "nestargs": "nestargs",
    "omegaconf": "OmegaConf",
    "opster": "opster",
    "optparse": "optparse",
    "plac": "plac",
    "plumbum.cli": "plumbum.cli",
    "pydanclick": "pydanclick",
    "pydantic_argparse": "pydantic-argparse",
    "pydantic_cli": "pydantic-cli",
    "pydantic_settings": "pydantic-settings",
    "pydra": "pydra",
    "radicli": "radicli",
    "sacred": "sacred",
    "spock": "spock",
    "typed_argparse": "typed-argparse",
    "typed_settings": "typed-settings",
    "tyro": "tyro",
    "xmanager": "XManager",
    "yacs": "yacs",
    "yahp": "yahp",
}
_RELATIVE: Final = r"(?m)^[ \t]*from[ \t]+\."
_STARTS: Final = r"(?:^|_)(?:app|cli|entry_?point|exp|experiment|launch|main|run|train)(?:$|_)"
_PARSES: Final = r"(?:^|_)parser?(?:$|_)|args$|argv$"
_PARSES_GIVEN: Final = r"(?:^|_)parse_(?:known_)?args(?:$|_)"
_HAVE_NO_OPTIONS: Final = sys.stdlib_module_names | {
    "jax", "matplotlib", "mlflow", "numpy", "pytest", "ray", "tensorflow", "torch", "wandb",
}  # fmt: skip
_ADDS: Final = r"(?m)^[^\n#]*\.add_argument\("
_LONGEST_CHAIN: Final = 12
_MOST_NOTES: Final = 10
_ARGV: Final = r"\b(?:sys\.)?argv\b"


def notes_of_unread(text: str) -> list[Note]:
    """Return a note for each library whose values are not part of a command line that is read."""
    message = _(
        "The script uses {library}. Its values are not read, so the platform will not show them."
    )
    return [Note(line, fill(message, library=name)) for name, line in _imported(text, _BESIDE)]


def notes_without_result(text: str, others: Sequence[str]) -> list[Note]:
    """Return notes on why a script has no hyperparameters.

    Args:
        text: The script.
        others: The texts of the files of its project that were read.
    """
    found = list(_imported(text, _INSTEAD))
    message = _(
        "The script imports {library}, but no command line of it could be read. The platform will "
        "not show its options."
    )
    notes = [Note(line, fill(message, library=name)) for name, line in found]
    seen = {name for name, _line in found}
    beyond = _(
        "A file of the project imports {library}, but no command line of it could be read. The "
        "platform will not show its options."
    )
    for other in others:
        for name, _at in _imported(other, {**_INSTEAD, **_BESIDE}):
            if name not in seen:
                seen.add(name)
                notes.append(Note(1, fill(beyond, library=name)))
    argv = re.search(_ARGV, text)
    if argv is not None and not notes:
        line = text.count("\n", 0, argv.start()) + 1
        notes.append(Note(line, _("The script reads sys.argv itself. What it takes is not known.")))
    return notes


def notes_on_others(tree: ast.Module, is_outside: Callable[[str], bool]) -> list[Note]:
    """Return notes on code outside the project that may have a command line.

    Args:
        is_outside: Reports whether a module is not one of the project.
    """
    notes: list[Note] = []
    outside = {
        (alias.asname or alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if _may_have_options(node, alias, is_outside)
    }
    for call, name, chained in _calls(tree) if outside else ():
        last = name.rpartition(".")[2]
        found = re.search(_PARSES_GIVEN, last)
        if not (call.args or call.keywords):
            starts = None if chained else re.search(_STARTS, last)
            found = found or starts or re.search(_PARSES, last)
        if found and name.partition(".")[0] in outside:
            said = _("{function}() is not part of the project: what it takes is not known.")
            if all(note.line != call.lineno for note in notes):
                notes.append(Note(call.lineno, fill(said, function=printable(name, 100))))
    return notes[:_MOST_NOTES]


def declares(text: str) -> int | None:
    """Return the line of the first call that adds an argument to a parser, None without one."""
    found = re.search(_ADDS, text)
    return None if found is None else text.count("\n", 0, found.start()) + 1


def _may_have_options(
    node: ast.Import | ast.ImportFrom, alias: ast.alias, is_outside: Callable[[str], bool]
) -> bool:
    module = (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
    relative = isinstance(node, ast.ImportFrom) and node.level > 0
    known = relative or module.partition(".")[0] in _HAVE_NO_OPTIONS
    return not known and is_outside(module)


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, str, bool]]:
    """Iterate over the calls ``f()`` and ``C(…).f()``, the latter as ``C.f`` and True."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        parts: list[str] = []
        chained = False
        called: ast.expr = node.func
        for _step in range(_LONGEST_CHAIN):
            if isinstance(called, ast.Attribute):
                parts.append(called.attr)
                called = called.value
            elif isinstance(called, ast.Call):
                called, chained = called.func, True
        if isinstance(called, ast.Name):
            yield node, ".".join([called.id, *reversed(parts)]), chained


def imports_relatively(text: str) -> bool:
    """Report whether a script imports from its own package, in a function too."""
    return re.search(_RELATIVE, text) is not None


def _imported(text: str, libraries: dict[str, str]) -> Iterator[tuple[str, int]]:
    """Iterate over the libraries that a text imports, each once, with its line."""
    tops = {name.partition(".")[0] for name in libraries}
    if not any(f"{before}{top}" in text for top in tops for before in (" ", "\t", ",")):
        return
    seen: set[str] = set()
    for match in re.finditer(_IMPORT, text):
        modules, module, names = match.groups()
        if modules:
            full = [one.split()[0] for one in modules.split(",") if one.strip()]
        else:
            parts = re.split(r"[,( ]+", names or "")
            full = [module, *(f"{module}.{name.strip()}" for name in parts if name)]
        for name in full:
            for end in range(1, name.count(".") + 2):
                library = libraries.get(".".join(name.split(".")[:end]))
                if library is not None and library not in seen:
                    seen.add(library)
                    yield library, text.count("\n", 0, match.start()) + 1
