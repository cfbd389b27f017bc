"""Find files of one folder that list different versions of a package."""

from collections.abc import Iterable

from packaging.requirements import InvalidRequirement
from packaging.specifiers import SpecifierSet

from keynet.events import Notice
from keynet.recipe.dependencies.declared import Declared, canonical
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.pep508 import parse
from keynet.text import _, fill, printable

__all__ = ["find"]

_MOST_LINES = 2_000


def find(folder: Folder, used: str, lines: list[str], others: list[Declared]) -> Notice | None:
    """Return a warning on the first other file that contradicts the one used; None without."""
    own = _specifiers(lines)
    for other in others:
        differing = [
            (name, own[name], specifier)
            for name, specifier in _specifiers(other.lines).items()
            if name in own and _contradict(own[name], specifier)
        ]
        if differing:
            name, here, there = differing[0]
            return Notice(
                fill(
                    _(
                        "{used} is installed, and {other} is not read: it lists other versions, "
                        "such as {name}{there} instead of {name}{here}."
                    ),
                    used=folder.where(used),
                    other=folder.where(other.name),
                    name=name,
                    there=printable(there, 60),
                    here=printable(here, 60),
                )
            )
    return None


def _specifiers(lines: Iterable[str]) -> dict[str, SpecifierSet]:
    found: dict[str, SpecifierSet] = {}
    for number, line in enumerate(lines):
        if number >= _MOST_LINES:
            break
        if line[:1] in "-./" or ";" in line:
            continue
        try:
            requirement = parse(line.partition(" --hash")[0])
        except InvalidRequirement:
            continue
        if requirement.url is None:
            found[canonical(requirement.name)] = requirement.specifier
    return found


def _contradict(one: SpecifierSet, other: SpecifierSet) -> bool:
    return _excludes(one, other) or _excludes(other, one)


def _excludes(pinned: SpecifierSet, other: SpecifierSet) -> bool:
    """Report whether the version that one of them pins is not one of the other's."""
    exact = [each.version for each in pinned if each.operator == "==" and "*" not in each.version]
    return any(not other.contains(version, prereleases=True) for version in exact)
