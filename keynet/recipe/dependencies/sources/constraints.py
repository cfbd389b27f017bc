"""Translate the version constraints and dependency tables of Poetry and Pipenv.

Source: Poetry documentation, "Dependency specification"; Pipenv documentation, "Pipfile".
"""

import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from keynet.recipe.dependencies.declared import flat
from keynet.recipe.dependencies.local_archives import SUFFIXES
from keynet.recipe.dependencies.pep508 import both, specifiers

__all__ = ["Untranslatable", "line", "marker", "python_marker", "version"]

_PART: Final = re.compile(r"(?:(?:\^|~=|~|===|==|>=|<=|!=|>|<|=)\s*+)?+[^\s,]++")
_LONGEST: Final = 1000


class Untranslatable(ValueError):
    """What pip cannot express; the text is the reason for people, in English."""


def version(text: str) -> str:
    """Return a constraint such as ``^1.2`` as a specifier, "" for any version.

    Raises:
        Untranslatable: It has alternatives (``||``) or is not valid.
    """
    if len(text) > _LONGEST:
        raise Untranslatable(text[:40])
    if "|" in text:
        raise Untranslatable(text)
    found = ",".join(_part(part) for part in _PART.findall(text))
    found = ",".join(part for part in found.split(",") if part)
    if specifiers(found) is None:
        raise Untranslatable(text)
    return found


def _part(text: str) -> str:
    operator = next(
        (each for each in ("===", "~=", "==", ">=", "<=", "!=", "^", "~", ">", "<", "=")
         if text.startswith(each)),
        "",
    )  # fmt: skip
    number = text.removeprefix(operator).strip()
    if number == "*":
        return ""
    if operator in ("", "="):
        return f"=={number}"
    if operator not in ("^", "~"):
        return f"{operator}{number}"
    try:
        release = Version(number).release
    except InvalidVersion as error:
        raise Untranslatable(text) from error
    if operator == "~":
        keep = min(len(release), 2)
    else:
        keep = next((at + 1 for at, part in enumerate(release) if part), len(release))
    upper = [*release[: keep - 1], release[keep - 1] + 1]
    return f">={number},<{'.'.join(map(str, upper))}"


def python_marker(text: str) -> str:
    """Return a constraint on Python as a marker; "" for any Python."""
    return " and ".join(
        f"python_version {_operator(part)}" for part in version(text).split(",") if part
    )


def _operator(part: str) -> str:
    matched = re.fullmatch(r"(===|~=|==|>=|<=|!=|>|<)(.*)", part)
    assert matched is not None
    number = matched[2]
    # python_version has two parts; 3.11.4 would never be equal to it.
    return f'{matched[1]} "{".".join(number.split(".")[:2]) if "*" not in number else number}"'


def line(name: str, entry: object, path_prefix: str = "") -> str:
    """Return one entry of a dependency table as a line of a requirements file.

    Args:
        entry: A constraint, or a table.

    Raises:
        Untranslatable: pip cannot express it.
    """
    if isinstance(entry, str):
        return f"{name}{version(entry)}"
    if not isinstance(entry, Mapping):
        raise Untranslatable(name)
    extras = entry.get("extras")
    wanted = f"[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else ""
    target, own = _target(name, wanted, entry, path_prefix), marker(entry)
    return flat(f"{target} ; {own}" if own else target)


def marker(entry: Mapping[str, Any]) -> str:
    """Return where a dependency table counts, as a marker; "" for everywhere."""
    markers = [str(entry.get("markers") or entry.get("marker") or "")]
    if isinstance(entry.get("python"), str):
        markers.append(python_marker(entry["python"]))
    if isinstance(entry.get("platform"), str):
        markers.append(f'sys_platform == "{entry["platform"]}"')
    # Pipenv takes the names of markers as keys.
    markers += [
        f"{key} {entry[key]}"
        for key in ("sys_platform", "python_version", "os_name", "platform_machine")
        if isinstance(entry.get(key), str)
    ]
    return both(*markers)


def _target(name: str, extras: str, entry: Mapping[str, Any], prefix: str) -> str:
    git = entry.get("git")
    if isinstance(git, str):
        if not git.startswith(("https://", "http://", "ssh://", "git://")):
            raise Untranslatable(git)
        keys = ("rev", "tag", "branch", "ref")
        at = next((f"@{entry[key]}" for key in keys if entry.get(key)), "")
        inside = entry.get("subdirectory")
        return f"{name}{extras} @ git+{git}{at}" + (f"#subdirectory={inside}" if inside else "")
    for key in ("path", "file", "url"):
        found = entry.get(key)
        if not isinstance(found, str):
            continue
        if found.startswith(("https://", "http://")):
            return f"{name}{extras} @ {found}"
        if "://" in found:
            raise Untranslatable(found)
        path = posixpath.normpath(posixpath.join(prefix, found))
        path = path if path.startswith(("/", ".")) else f"./{path}"
        return f"{path}{extras}" if path.endswith(SUFFIXES) else f"-e {path}{extras}"
    if any(key in entry for key in ("hg", "svn")):
        raise Untranslatable(name)
    return f"{name}{extras}{version(str(entry.get('version') or '*'))}"
