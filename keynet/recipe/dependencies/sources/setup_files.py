"""Read setup.cfg and setup.py, as far as they are static; neither is ever run.

Source: setuptools documentation, "Configuring setuptools using setup.cfg files".
"""

import ast
import configparser
from typing import Final

from keynet.events import Notice
from keynet.recipe.dependencies import static_python
from keynet.recipe.dependencies.folder import Folder, invalid
from keynet.recipe.dependencies.project_metadata import Metadata, merged
from keynet.recipe.dependencies.sources import versions
from keynet.recipe.dependencies.static_python import Unknown
from keynet.text import _, fill

__all__ = ["CFG", "PY", "metadata"]

CFG: Final = "setup.cfg"
PY: Final = "setup.py"
_LARGEST: Final = 200_000


def metadata(folder: Folder) -> Metadata | None:
    """Return what setup.cfg and setup.py say of the project; None if there is neither.

    Raises:
        ContextInvalid: A file cannot be read.
    """
    configured = _cfg(folder) if folder.has(CFG) else None
    if not folder.has(PY):
        return configured
    programmed = _py(folder)
    return merged(configured, programmed) if configured else programmed


def _cfg(folder: Folder) -> Metadata | None:
    parser = configparser.RawConfigParser()
    try:
        text = folder.read(CFG, _LARGEST).decode("utf-8-sig")
        # Runs of blanks cost the parser time in the square of their length.
        parser.read_string("\n".join(map(_short, text.splitlines())))
    except (UnicodeDecodeError, configparser.Error) as error:
        raise invalid(folder.where(CFG), type(error).__name__) from error

    def get(section: str, *keys: str) -> str:
        for key in keys:
            if parser.has_option(section, key):
                return (parser.get(section, key) or "").strip()
        return ""

    if not parser.has_section("metadata") and not parser.has_section("options"):
        return None
    folders = _pairs(get("options", "package_dir", "package-dir"))
    where = get("options.packages.find", "where")
    version = get("metadata", "version")
    requires = _listed(get("options", "install_requires", "install-requires"))
    extras = {
        name: tuple(_listed(value))
        for name, value in _section(parser, "options.extras_require")
        if "%(" not in value
    }
    paths, renamed = layout(folders, [where] if where else [])
    return Metadata(
        files=(CFG,),
        name=get("metadata", "name"),
        version=versions.of_setuptools(folder, version, paths),
        requires=tuple(requires),
        extras=extras,
        requires_python=get("options", "python_requires", "python-requires"),
        entry_points={
            group: tuple(_pairs(value).items())
            for group, value in _section(parser, "options.entry_points")
        },
        import_paths=paths,
        renamed=renamed,
        is_package=True,
        computed=frozenset({"version"} if version and ":" in version else ()),
    )


def layout(
    folders: dict[str, str], where: list[str]
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the import paths of setuptools' ``package_dir`` and ``where``, and what they miss.

    The latter are packages whose folder is not called like them, with the folder.
    """
    paths = [*where]
    renamed = []
    for package, folder in folders.items():
        clean = folder.strip().removeprefix("./").rstrip("/") or "."
        if not package:
            paths.append(clean)
            continue
        wanted = package.replace(".", "/")
        if clean == wanted or clean.endswith("/" + wanted):
            paths.append(clean.removesuffix(wanted).rstrip("/") or ".")
        else:
            renamed.append((package, clean))
    return tuple(dict.fromkeys(paths)), tuple(renamed)


def _short(line: str) -> str:
    lead = line[: len(line) - len(line.lstrip())][:8]
    return lead + " ".join(line.split())


def _section(parser: configparser.RawConfigParser, name: str) -> list[tuple[str, str]]:
    return [(key, value or "") for key, value in parser.items(name)] if name in parser else []


def _listed(value: str) -> list[str]:
    """Return the lines of a list; ``file:`` names requirements files."""
    if value.startswith("file:"):
        return [f"-r {name.strip()}" for name in value.removeprefix("file:").split(",")]
    items = value.split("\n" if "\n" in value else ";")
    return [item for item in (item.partition(" #")[0].strip() for item in items) if item]


def _pairs(value: str) -> dict[str, str]:
    lines = (line.partition("=") for line in value.splitlines() if "=" in line)
    return {name.strip(): found.strip() for name, _equals, found in lines}


def _py(folder: Folder) -> Metadata:
    module = static_python.parse(folder.read(PY, _LARGEST))
    call = None if module is None else _setup_call(module)
    if module is None or call is None:
        return Metadata(
            files=(PY,),
            is_package=True,
            computed=frozenset({"name", "version", "dependencies"}),
            notices=(_computed(folder, _("it has no call of setup() that can be read")),),
        )
    names = static_python.constants(module)
    given: dict[str, object] = {}
    computed: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is None:
            computed |= {"dependencies", "version", "name"}
            continue
        try:
            given[keyword.arg] = static_python.value(keyword.value, names)
        except Unknown:
            computed.add(keyword.arg)
    folders = _strings(given.get("package_dir"))
    where = [found for found in [_where(call)] if found]
    paths, renamed = layout(folders, where)
    requires = _lines(given.get("install_requires"))
    notices: tuple[Notice, ...] = ()
    if computed & {"install_requires", "dependencies"}:
        notices = (_computed(folder, _("it computes install_requires")),)
        computed.add("dependencies")
    return Metadata(
        files=(PY,),
        name=str(given.get("name") or ""),
        version=str(given.get("version") or ""),
        requires=requires,
        extras=_extras(given.get("extras_require")),
        requires_python=str(given.get("python_requires") or ""),
        entry_points=_points(given.get("entry_points")),
        import_paths=paths,
        renamed=renamed,
        is_package=True,
        compiles=bool({"ext_modules", "rust_extensions", "cffi_modules"} & {*given, *computed}),
        computed=frozenset(computed),
        notices=notices,
    )


def _setup_call(module: ast.Module) -> ast.Call | None:
    try:
        calls = [node for node in ast.walk(module) if isinstance(node, ast.Call)]
    except RecursionError:
        return None
    for call in calls:
        function = call.func
        name = function.attr if isinstance(function, ast.Attribute) else ""
        if (isinstance(function, ast.Name) and function.id == "setup") or name == "setup":
            return call
    return None


def _where(call: ast.Call) -> str:
    """Return the folder of ``packages=find_packages("src")`` or ``where="src"``."""
    for keyword in call.keywords:
        found = keyword.value
        if keyword.arg != "packages" or not isinstance(found, ast.Call):
            continue
        arguments = [*found.args[:1], *(k.value for k in found.keywords if k.arg == "where")]
        for argument in arguments:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                return argument.value
    return ""


def _lines(found: object) -> tuple[str, ...]:
    if isinstance(found, str):
        found = found.splitlines()
    if not isinstance(found, list):
        return ()
    return tuple(item.strip() for item in found if isinstance(item, str) and item.strip())


def _extras(found: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(found, dict):
        return {}
    return {name: _lines(value) for name, value in found.items() if isinstance(name, str)}


def _strings(found: object) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _points(found: object) -> dict[str, tuple[tuple[str, str], ...]]:
    if not isinstance(found, dict):
        return {}
    return {
        group: tuple(_pairs("\n".join(_lines(points))).items()) for group, points in found.items()
    }


def _computed(folder: Folder, reason: str) -> Notice:
    return Notice(
        fill(
            _(
                "{path} is not read for dependencies: {reason}, and keynet does not run it. List "
                "them in a requirements.txt, for example with: pip freeze > requirements.txt"
            ),
            path=folder.where(PY),
            reason=reason,
        )
    )
