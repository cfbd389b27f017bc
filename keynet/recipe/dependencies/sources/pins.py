"""Packages that come from one index alone, for uv: pip cannot express that.

uv reads a project of keynet's own next to the requirements. It then asks only that index for these
packages, whoever requires them, and no other index for their names: a package of that name there
may be somebody else's.

Source: uv documentation, "Pinning a package to an index".
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from keynet.recipe.dependencies.declared import canonical

__all__ = ["PATH", "described", "options", "render", "usable"]

PATH: Final = "pinned/pyproject.toml"
_SIMPLE: Final = (None, "simple")
# Patterns of the packages that a source of PDM is for.
_PARTIAL: Final = frozenset(["exclude_packages", "include_packages"])
# A variable would be replaced from the environment of the build.
_URL: Final = r"(?a)https?://[^\s$\"\\<>]{1,2000}"


def usable(index: Mapping[str, Any]) -> str:
    """Return the URL of an index as a file describes it; "" if a build cannot ask it."""
    url = index.get("url")
    if not isinstance(url, str) or index.get("format") not in _SIMPLE:
        return ""
    return url if url.isascii() and re.fullmatch(_URL, url) else ""


def options(sources: Iterable[Mapping[str, Any]], usual: str) -> list[str]:
    """Return the options for indexes that PDM or Rye ask for every package.

    Args:
        usual: The name under which a source replaces the usual index.

    Raises:
        ValueError: Its text names a source that cannot be asked in this way.
    """
    found: list[str] = []
    for source in sources:
        name, url = str(source.get("name")), usable(source)
        if not url or source.get("type") == "find_links" or _PARTIAL & source.keys():
            raise ValueError(name)
        if name == usual:
            found.insert(0, f"--index-url {url}")
        else:
            found.append(f"--extra-index-url {url}")
    return found


def described(pins: Mapping[str, str]) -> tuple[str, ...]:
    """Return a reason for each package why only uv can install it."""
    return tuple(f"{name} comes from an index of its own" for name in sorted(pins))


def render(lines: Iterable[str], pins: Mapping[str, str]) -> tuple[bytes, Mapping[str, str]]:
    """Return the project for uv, and the pins that are in it.

    Args:
        lines: Requirements, most of them PEP 508.
        pins: The URL of an index for each canonical name.
    """
    wanted = _pinned(lines, pins) if pins else {}
    urls = list(dict.fromkeys(pins[name] for name in wanted))
    names = {url: f"keynet-{number}" for number, url in enumerate(urls)}
    text = [
        "[project]",
        'name = "keynet-pinned"',
        'version = "0"',
        f"dependencies = {_toml([line for listed in wanted.values() for line in listed])}",
        "[tool.uv.sources]",
        *(f"{_toml(name)} = {{ index = {_toml(names[pins[name]])} }}" for name in wanted),
    ]
    for url, name in names.items():
        text += ["[[tool.uv.index]]", f"name = {_toml(name)}", f"url = {_toml(url)}"]
        text.append("explicit = true")
    return "".join(f"{line}\n" for line in text).encode(), {name: pins[name] for name in wanted}


def _pinned(lines: Iterable[str], pins: Mapping[str, str]) -> dict[str, list[str]]:
    from keynet.recipe.dependencies.pep508 import parse

    wanted: dict[str, list[str]] = {}
    for line in lines:
        try:
            requirement = parse(line)
        except ValueError:
            continue
        name = canonical(requirement.name)
        if name in pins and requirement.url is None:
            wanted.setdefault(name, []).append(line)
    return wanted


def _toml(value: object) -> str:
    """Return a string, or a list of strings, as TOML has them too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
