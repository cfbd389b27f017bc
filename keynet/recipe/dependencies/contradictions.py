"""Find different versions of a package: in the requirements, or in files of one folder."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.recipe.dependencies.declared import Declared, canonical
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.pep508 import parse
from keynet.text import _, fill, printable

__all__ = ["check", "find"]

_MOST_LINES = 2_000


def check(source: Path, lines: Iterable[str]) -> None:
    """Check that no two requirements exclude each other by an exact version.

    Args:
        source: The file that lists them, itself or through others.

    Raises:
        ContextInvalid: Two do.
    """
    seen: dict[str, Requirement] = {}
    for requirement in _requirements(lines):
        other = seen.setdefault(canonical(requirement.name), requirement)
        both = requirement.specifier & other.specifier
        exact = {each.version for each in both if each.operator == "==" and "*" not in each.version}
        if exact and not any(both.contains(version, prereleases=True) for version in exact):
            raise ContextInvalid(
                fill(
                    _("{source}: no version of a package is both {one} and {other}."),
                    source=source,
                    one=printable(other, 100),
                    other=printable(requirement, 100),
                ),
                _("Keep one of the two; files included by -r and local projects count as well."),
            )


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
    return {canonical(each.name): each.specifier for each in _requirements(lines)}


def _requirements(lines: Iterable[str]) -> Iterator[Requirement]:
    """Yield the first requirements of versions that hold everywhere."""
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
            yield requirement


def _contradict(one: SpecifierSet, other: SpecifierSet) -> bool:
    return _excludes(one, other) or _excludes(other, one)


def _excludes(pinned: SpecifierSet, other: SpecifierSet) -> bool:
    """Report whether the version that one of them pins is not one of the other's."""
    exact = [each.version for each in pinned if each.operator == "==" and "*" not in each.version]
    return any(not other.contains(version, prereleases=True) for version in exact)
