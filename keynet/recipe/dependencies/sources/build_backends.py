"""Where build backends say that a project's modules and its version are."""

import re
from collections.abc import Mapping
from typing import Any, Final

from keynet.frozen import frozen
from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.folder import Folder, table
from keynet.recipe.dependencies.sources import setup_files, versions

__all__ = ["Backend", "read"]

_COMPILING: Final = (
    "maturin", "mesonpy", "scikit_build_core", "skbuild", "setuptools_rust", "sipbuild",
)  # fmt: skip
_COMPILERS: Final = ("cython", "pybind11", "nanobind", "setuptools-rust", "cffi", "scikit-build")


@frozen
class Backend:
    """What a build backend's tables say; ``version`` is "" if no file has it."""

    version: str = ""
    import_paths: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    is_package: bool = False
    compiles: bool = False


def read(folder: Folder, document: Mapping[str, Any]) -> Backend:
    """Read the tables of setuptools, hatch, PDM, flit, maturin and uv."""
    tool = table(document, "tool")
    system = table(document, "build-system")
    backend = str(system.get("build-backend") or "")
    requires = [str(line).lower() for line in system.get("requires") or () if line]
    paths, renamed = _setuptools(tool)
    paths += _others(folder, tool, backend)
    return Backend(
        version=_version(folder, document, tuple(paths)),
        import_paths=tuple(dict.fromkeys(path for path in paths if isinstance(path, str))),
        renamed=renamed,
        is_package=table(tool, "uv").get("package", _is_package(folder, document)) is True,
        compiles=backend.startswith(_COMPILING)
        or any(line.startswith(_COMPILERS) for line in requires)
        or "ext-modules" in table(tool, "setuptools"),
    )


def _is_package(folder: Folder, document: Mapping[str, Any]) -> bool:
    """Report whether a project is one that pip would install, and not only a list of packages."""
    project = table(document, "project")
    if "build-system" in document:
        return True
    # Without it, setuptools builds. A dependency of the same name would be hidden.
    own = canonical(str(project.get("name") or ""))
    listed = project.get("dependencies")
    names = [re.split(r"[^\w.-]", str(line).strip(), maxsplit=1)[0] for line in listed or ()]
    has_content = bool(listed) or folder.is_folder("src") or "scripts" in project
    return bool(project.get("version")) and has_content and own not in map(canonical, names)


def _setuptools(tool: Mapping[str, Any]) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    own = table(tool, "setuptools")
    folders = {
        name: value for name, value in table(own, "package-dir").items() if isinstance(value, str)
    }
    where = table(own, "packages", "find").get("where", [])
    where = [where] if isinstance(where, str) else where
    paths, renamed = setup_files.layout(
        folders,
        [path for path in where if isinstance(path, str)] if isinstance(where, list) else [],
    )
    return list(paths), renamed


def _others(folder: Folder, tool: Mapping[str, Any], backend: str) -> list[str]:
    paths: list[Any] = []
    wheel = table(tool, "hatch", "build", "targets", "wheel")
    for key in ("packages", "only-include"):
        for package in wheel.get(key) or ():
            paths.append(str(package).strip("/").rpartition("/")[0] or ".")
    paths.append(table(tool, "pdm", "build").get("package-dir"))
    paths.append(table(tool, "maturin").get("python-source"))
    uv = table(tool, "uv", "build-backend").get("module-root")
    if uv is not None:
        paths.append(uv or ".")
    return [path for path in paths if isinstance(path, str) and path]


def _version(folder: Folder, document: Mapping[str, Any], paths: tuple[str, ...]) -> str:
    tool = table(document, "tool")
    dynamic = table(tool, "setuptools", "dynamic", "version")
    if isinstance(dynamic.get("attr"), str):
        return versions.of_setuptools(folder, f"attr: {dynamic['attr']}", paths)
    file = dynamic.get("file")
    file = file[0] if isinstance(file, list) and file else file
    if isinstance(file, str):
        return versions.written(folder, file)
    for node in (table(tool, "hatch", "version"), table(tool, "pdm", "version")):
        if isinstance(node.get("path"), str):
            return versions.assigned(folder, node["path"]) or versions.written(folder, node["path"])
    # Plugins that take it from version control write it to a file when they build.
    for node, key in (
        (table(tool, "setuptools_scm"), "version_file"),
        (table(tool, "setuptools_scm"), "write_to"),
        (table(tool, "hatch", "build", "hooks", "vcs"), "version-file"),
    ):
        if isinstance(node.get(key), str) and folder.is_file(node[key]):
            return versions.assigned(folder, node[key])
    # flit takes it from the module.
    name = str(table(document, "project").get("name") or "").replace("-", "_")
    name = str(table(tool, "flit", "module").get("name") or name)
    if canonical(name):
        for base in (".", "src"):
            for module in (f"{base}/{name}/__init__.py", f"{base}/{name}.py"):
                if folder.is_file(module):
                    return versions.assigned(folder, module, "__version__")
    return ""
