"""What the dependency groups of a pyproject.toml include.

Source: PyPA specification "Dependency Groups" (PEP 735).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keynet.recipe.dependencies.declared import Selection, canonical
from keynet.recipe.dependencies.folder import invalid
from keynet.text import _, fill, printable

__all__ = ["MOST", "check"]

MOST: Final = 300


def check(path: Path, document: Mapping[str, Any], selection: Selection) -> None:
    """Check the groups that are wanted.

    Raises:
        ContextInvalid: A group includes itself, or one that is not there.
    """
    tables = document.get("dependency-groups")
    if not selection.groups or not isinstance(tables, dict) or len(tables) > MOST:
        return
    included = {canonical(name): _included(items) for name, items in tables.items()}
    checked: set[str] = set()
    for name in included:
        if selection.has_group(name):
            _check(name, (), included, checked, path)


def _included(items: object) -> list[str]:
    return [
        canonical(item["include-group"])
        for item in (items if isinstance(items, list) else ())
        if isinstance(item, dict) and isinstance(item.get("include-group"), str)
    ]


def _check(
    name: str, above: tuple[str, ...], included: Mapping[str, list[str]], checked: set[str],
    path: Path,
) -> None:  # fmt: skip
    """Check one group and what it includes; ``above`` are the groups that lead to it."""
    if name in checked:
        return
    for other in included[name]:
        text = ""
        if other not in included:
            text = _("the group {name} includes {other}, which is not there")
        elif other == name or other in above:
            text = _("the group {name} includes {other}, which includes it")
        if text:
            names = {"name": printable(name, 100), "other": printable(other, 100)}
            raise invalid(path, fill(text, **names))
        _check(other, (*above, name), included, checked, path)
    checked.add(name)
