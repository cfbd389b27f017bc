"""Names of modules that mean the same in every project."""

from typing import Final

__all__ = ["IN_EVERY_PYTHON", "LOADED", "is_well_known"]

# These names mean the well-known packages, unless the script's own folder has such a module.
_WELL_KNOWN: Final = frozenset(
    [
        "absl",
        "argparse",
        "click",
        "enum",
        "dataclasses",
        "fire",
        "functools",
        "jsonargparse",
        "os",
        "pathlib",
        "simple_parsing",
        "sys",
        "tap",
        "torch",
        "transformers",
        "typer",
        "typing",
        "tyro",
    ]
)
# Python has these loaded, or cannot start without them.
LOADED: Final = frozenset(["dataclasses", "enum", "functools", "os", "pathlib", "sys", "typing"])
# Without those that a build of Python may leave out.
IN_EVERY_PYTHON: Final = LOADED | frozenset(
    [
        "abc",
        "argparse",
        "ast",
        "asyncio",
        "base64",
        "collections",
        "concurrent",
        "configparser",
        "contextlib",
        "copy",
        "csv",
        "datetime",
        "decimal",
        "errno",
        "fnmatch",
        "glob",
        "hashlib",
        "importlib",
        "inspect",
        "io",
        "itertools",
        "json",
        "logging",
        "math",
        "multiprocessing",
        "operator",
        "pickle",
        "platform",
        "pprint",
        "random",
        "re",
        "runpy",
        "shlex",
        "shutil",
        "signal",
        "socket",
        "statistics",
        "string",
        "subprocess",
        "tempfile",
        "textwrap",
        "threading",
        "time",
        "traceback",
        "types",
        "unittest",
        "urllib",
        "uuid",
        "warnings",
        "weakref",
        "zipfile",
    ]
)


def is_well_known(name: str) -> bool:
    """Report whether an absolute import means a package that is found outside the project."""
    return name.partition(".")[0] in _WELL_KNOWN
