"""Find the version of a project that is written in one of its files."""

import re
from typing import Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies import static_python
from keynet.recipe.dependencies.folder import Folder

__all__ = ["assigned", "of_setuptools", "written"]

_LARGEST: Final = 500_000
_VERSION: Final = re.compile(r"v?[0-9][0-9A-Za-z.+!_-]{0,80}")


def of_setuptools(folder: Folder, version: str, import_paths: tuple[str, ...]) -> str:
    """Return a version, or the one that ``attr:`` or ``file:`` names; "" if it is not static."""
    kind, colon, value = (part.strip() for part in version.partition(":"))
    if not colon:
        return version
    if kind == "file":
        return written(folder, value.partition(",")[0].strip())
    module, _dot, name = value.rpartition(".")
    path = module.replace(".", "/")
    for base in dict.fromkeys([*import_paths, ".", "src"]):
        for file in (f"{base}/{path}/__init__.py", f"{base}/{path}.py"):
            if module and folder.is_file(file):
                return assigned(folder, file, name)
    return ""


def written(folder: Folder, file: str) -> str:
    """Return the version that is the whole content of a file; "" if there is none."""
    try:
        text = folder.read(file, 1000).decode("utf-8", "replace").strip()
    except ContextInvalid:
        return ""
    return text if _VERSION.fullmatch(text) else ""


def assigned(folder: Folder, file: str, name: str = "") -> str:
    """Return the version that a Python file assigns to ``name``; "" if it is not a literal.

    Args:
        name: "" for the usual ones.
    """
    try:
        module = static_python.parse(folder.read(file, _LARGEST))
    except ContextInvalid:
        return ""
    if module is None:
        return ""
    found = static_python.constants(module)
    for each in (name,) if name else ("__version__", "VERSION", "version"):
        value = found.get(each)
        if isinstance(value, str) and _VERSION.fullmatch(value):
            return value
        if isinstance(value, list) and value and all(isinstance(part, int) for part in value):
            return ".".join(map(str, value))
    return ""
