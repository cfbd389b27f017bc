"""Read the environment of conda: its pip part, and what of the rest an index has too.

Source: conda documentation, "Managing environments", "Package match specifications".
"""

import re
from collections.abc import Iterable
from typing import Any, Final

import yaml

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.recipe.dependencies.declared import Declared, flat
from keynet.recipe.dependencies.folder import Folder, invalid
from keynet.recipe.dependencies.pep508 import specifiers
from keynet.text import _, fill, printable

__all__ = ["python", "read"]

# The parser takes a second for each 100 kB.
_LARGEST: Final = 100_000
_MOST_NESTED: Final = 2_000
_RENAMED: Final = {
    "pytorch": "torch", "pytorch-cpu": "torch", "pytorch-gpu": "torch",
    "matplotlib-base": "matplotlib",
    "opencv": "opencv-python-headless", "py-opencv": "opencv-python-headless",
    "pytables": "tables", "dask-core": "dask", "tensorflow-gpu": "tensorflow",
    "tensorflow-base": "tensorflow", "msgpack-python": "msgpack", "python-graphviz": "graphviz",
    "pyqt": "PyQt5", "py-xgboost": "xgboost", "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost", "python-lmdb": "lmdb", "seaborn-base": "seaborn",
    "ray-core": "ray",
    "faiss": "faiss-cpu", "nccl-tests": "", "pyg": "torch-geometric",
    "jupyter_core": "jupyter-core", "ruamel_yaml": "ruamel.yaml", "snappy-python": "python-snappy",
}  # fmt: skip
# Programs and libraries that are not on a Python package index.
_ELSEWHERE: Final = re.compile(
    r"_.*|lib(?!rosa|cst|clang$|sass|tmux|sql).*|gcc.*|gxx.*|gfortran.*|binutils.*|clang.*|cuda.*|"
    r"cudatoolkit.*|cudnn|nccl|mkl.*|blas|openblas|tbb|intel-openmp|icu|bzip2|zlib|xz|zstd|lz4-c|"
    r"tk|readline|ncurses|openssl|sqlite|ca-certificates|ld_impl.*|ffmpeg|x264|openh264|lame|gmp|"
    r"gnutls|nettle|hdf5|openmpi|mpich|git|git-lfs|make|cmake-bin|nodejs|openjdk|r-.*|perl|sysroot.*|"
    r"kernel-headers.*|ruby|go|rust|pytorch-mutex|pytorch-cuda|pytorch-nvidia|conda.*|mamba|curl|wget|"
    r"freetype|jpeg|giflib|lerc|expat|fontconfig|glib|cairo|pango|harfbuzz|graphite2|pixman|dbus|"
    r"gst.*|qt|qt-main|yaml|brotli-bin|krb5|c-ares|nspr|nss|aws-c-.*|snappy|tzdata|eigen|boost|"
    r"compilers|cxx-compiler|c-compiler"
)
_NOT_LISTED: Final = ("python", "pip", "setuptools", "wheel")
_SPEC: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\s*+(?P<rest>.*)", re.DOTALL)


def read(folder: Folder, name: str) -> Declared:
    """Return what an environment file lists, with a warning on what no index has.

    Raises:
        ContextInvalid: It is not valid.
    """
    lines: list[str] = []
    converted: list[str] = []
    left_out: list[str] = []
    for item in _items(folder, name):
        if isinstance(item, dict):
            of_pip = item.get("pip")
            lines += [
                flat(str(line)) for line in of_pip or () if isinstance(line, str) and line.strip()
            ] if isinstance(of_pip, list) else []  # fmt: skip
            continue
        if not isinstance(item, str):
            continue
        package, line = _requirement(item)
        if package in _NOT_LISTED:
            continue
        if line is None:
            left_out.append(item)
        else:
            converted.append(line)
    listed = {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower().replace("_", "-") for line in lines}
    fresh = [line for line in converted if re.split(r"[^\w.-]", line, maxsplit=1)[0] not in listed]
    return Declared(name, (*fresh, *lines), notices=_notices(folder, name, fresh, left_out))


def python(folder: Folder, name: str) -> str:
    """Return the Python that an environment has, as a specifier; "" if it names none."""
    try:
        for item in _items(folder, name):
            if isinstance(item, str):
                package, rest = _split(item)
                if package == "python":
                    return _specifier(rest) or ""
    except ContextInvalid:
        return ""
    return ""


def _items(folder: Folder, name: str) -> list[Any]:
    content = folder.read(name, _LARGEST)
    if content.count(b"[") + content.count(b"{") > _MOST_NESTED:
        raise invalid(folder.where(name), _("it is nested too deeply"))
    try:
        # Scalars stay text: 3.10 is not 3.1.
        document = yaml.load(content.decode("utf-8-sig"), Loader=yaml.BaseLoader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise invalid(folder.where(name), printable(error, 200)) from error
    found = document.get("dependencies") if isinstance(document, dict) else None
    return found if isinstance(found, list) else []


def _split(item: str) -> tuple[str, str]:
    spec = item.partition("#")[0].strip().rpartition("::")[2]
    matched = _SPEC.fullmatch(spec)
    return (matched["name"].lower(), matched["rest"].strip()) if matched else ("", "")


def _requirement(item: str) -> tuple[str, str | None]:
    name, rest = _split(item)
    distribution = _RENAMED.get(name, name)
    if not distribution or (name not in _RENAMED and _ELSEWHERE.fullmatch(name)):
        return name, None
    found = _specifier(rest)
    return name, None if found is None else f"{distribution}{found}"


def _specifier(rest: str) -> str | None:
    """Return a version of conda as a specifier of pip; None if it has none."""
    if rest.startswith("["):
        found = re.search(r"version\s*=\s*['\"]?([^'\"\],]+)", rest[:1000])
        rest = found[1] if found else ""
    rest = " ".join(rest.split())
    if not rest or rest == "*":
        return ""
    if len(rest) > 500 or "|" in rest:
        return None
    # "1.16 py_0" and "=1.16=py_0" have a build, too; without "=", the version is exact.
    is_exact = rest[0].isdigit()
    if is_exact:
        rest = f"={rest}"
    operator = re.match(r"[<>=!~]+", rest)
    if operator and operator[0] == "=":
        version, _equals, build = rest[1:].strip().replace(" ", "=").partition("=")
        exact = is_exact or build or version.endswith("*")
        found_text = f"=={version}" if exact else f"=={version}.*"
    else:
        found_text = rest.replace(" ", "")
    return found_text if specifiers(found_text) is not None else None


def _notices(
    folder: Folder, name: str, converted: Iterable[str], left_out: list[str]
) -> tuple[Notice, ...]:
    notices = []
    listed = list(converted)
    if listed:
        notices.append(
            Notice(
                fill(
                    _(
                        "{path}: packages of conda are installed from the package index, under "
                        "the same name: {names}."
                    ),
                    path=folder.where(name),
                    names=_shown(listed),
                ),
                "note",
            )
        )
    if left_out:
        notices.append(
            Notice(
                fill(
                    _(
                        "{path}: not installed, since a Python package index does not have them: "
                        "{names}. Use a base image that brings what the training needs of them."
                    ),
                    path=folder.where(name),
                    names=_shown(left_out),
                )
            )
        )
    return tuple(notices)


def _shown(names: list[str]) -> str:
    shown = ", ".join(printable(name, 60) for name in names[:10])
    return f"{shown}, …" if len(names) > 10 else shown
