"""Turn the packages of a lock file into the lines of a requirements file.

A lock holds what every platform needs. What an image needs is found by following the dependencies
once for each Python and machine that a base may have; a package that only some of them need gets
a marker.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.frozen import frozen
from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.folder import invalid
from keynet.recipe.dependencies.pep508 import condition, holds, parsed, specifiers, usable
from keynet.text import _, fill, printable

__all__ = ["Edge", "Package", "by_name", "edge", "flatten"]

_MOST_PACKAGES: Final = 5_000
_MOST_EDGES: Final = 50_000
_MOST_MARKERS: Final = 2_000
_NONE: Mapping[str, tuple["Edge", ...]] = {}


@frozen
class Edge:
    """One package needs another one; ``version`` is "" if any locked one will do."""

    name: str
    marker: str = ""
    extras: tuple[str, ...] = ()
    version: str = ""
    specifier: str = ""


@frozen
class Package:
    """One locked package; ``line`` installs it. ``markers`` are alternatives, () for always."""

    name: str
    version: str
    line: str
    edges: tuple[Edge, ...] = ()
    extras: Mapping[str, tuple[Edge, ...]] = field(default_factory=lambda: _NONE)
    markers: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()


def by_name(packages: Iterable[Package]) -> dict[str, list[Package]]:
    """Return packages by canonical name."""
    found: dict[str, list[Package]] = {}
    for package in packages:
        found.setdefault(canonical(package.name), []).append(package)
    return found


def edge(line: str, path: Path) -> Edge:
    """Return a PEP 508 requirement as an edge.

    Raises:
        ContextInvalid: It is not valid.
    """
    found = parsed(line, path)
    return Edge(
        found.name,
        str(found.marker or ""),
        tuple(found.extras),
        specifier="" if found.url else str(found.specifier),
    )


def flatten(
    roots: Sequence[Edge],
    packages: Mapping[str, list[Package]],
    *,
    requires_python: str,
    extras: Iterable[str],
    lock: Path,
    update: str,
) -> tuple[str, ...]:
    """Return the lines for everything that the roots need.

    Args:
        extras: Values of ``extra`` in markers that count.
        lock: The lock file, for messages.
        update: The command that makes a lock fit again.

    Raises:
        ContextInvalid: The lock does not have what the roots or a package in it need.
    """
    _check_size(packages, lock)
    places = usable(requires_python)
    wanted = frozenset(extras)
    chosen: dict[tuple[str, str, str], tuple[Package, list[tuple[str, str]]]] = {}
    for place in places:
        for package in _closure(roots, packages, place, wanted, lock, update):
            key = (canonical(package.name), package.version, package.line)
            chosen.setdefault(key, (package, []))[1].append(place)
    kept = [item for _key, item in sorted(chosen.items()) if item[0].line]
    # pip checks either all or none.
    hashed = all(package.hashes or package.line.startswith("-e ") for package, _ in kept)
    return tuple(_line(package, condition(found, places), hashed=hashed) for package, found in kept)


def _check_size(packages: Mapping[str, list[Package]], lock: Path) -> None:
    listed = [package for named in packages.values() for package in named]
    edges = [edge for package in listed for edge in package.edges]
    markers = {edge.marker for edge in edges}
    if len(listed) > _MOST_PACKAGES or len(edges) > _MOST_EDGES or len(markers) > _MOST_MARKERS:
        raise invalid(lock, _("it has too many packages"))


def _line(package: Package, marker: str, *, hashed: bool) -> str:
    line = f"{package.line} ; {marker}" if marker else package.line
    if hashed and not package.line.startswith("-e "):
        line += "".join(f" --hash={each}" for each in package.hashes)
    return line


def _closure(
    roots: Sequence[Edge],
    packages: Mapping[str, list[Package]],
    place: tuple[str, str],
    extras: frozenset[str],
    lock: Path,
    update: str,
) -> list[Package]:
    found: dict[int, Package] = {}
    done: set[tuple[int, str]] = set()
    pending = [(edge, True) for edge in roots]
    while pending:
        edge, is_root = pending.pop()
        if edge.marker and not holds(edge.marker, place, extras):
            continue
        package = _match(edge, packages, place, extras)
        if package is None:
            if is_root or edge.version:
                raise _unfit(edge, packages, lock, update)
            continue
        if id(package) not in found:
            found[id(package)] = package
            pending += [(each, False) for each in package.edges]
        for extra in map(canonical, edge.extras):
            if (id(package), extra) not in done:
                done.add((id(package), extra))
                pending += [(each, False) for each in package.extras.get(extra, ())]
    return list(found.values())


def _match(
    edge: Edge,
    packages: Mapping[str, list[Package]],
    place: tuple[str, str],
    extras: frozenset[str],
) -> Package | None:
    admitted = specifiers(edge.specifier) if edge.specifier else None
    for package in packages.get(canonical(edge.name), ()):
        if edge.version and package.version != edge.version:
            continue
        if package.markers and not any(holds(marker, place, extras) for marker in package.markers):
            continue
        if admitted is None or not package.version:
            return package
        if admitted.contains(package.version, prereleases=True):
            return package
    return None


def _unfit(
    edge: Edge, packages: Mapping[str, list[Package]], lock: Path, update: str
) -> ContextInvalid:
    locked = [package.version for package in packages.get(canonical(edge.name), ())]
    what = f"{edge.name}{edge.specifier}"
    reason = (
        fill(_("it has {versions}"), versions=", ".join(filter(None, locked[:3])))
        if any(locked)
        else _("it does not have that package for every Python and machine")
        if locked
        else _("it does not have that package")
    )
    return ContextInvalid(
        fill(
            _("{lock} does not fit the project, which needs {requirement}: {reason}."),
            lock=lock,
            requirement=printable(what, 200),
            reason=reason,
        ),
        fill(_("Update the lock: {command}"), command=update),
    )
