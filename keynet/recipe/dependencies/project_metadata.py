"""What is known of a local project without building it."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import TypeVar

from keynet.events import Notice
from keynet.frozen import frozen

__all__ = ["UNKNOWN_VERSION", "Metadata", "merged"]

# Below every version, so that a requirement for one is an error and not a wrong package.
UNKNOWN_VERSION = "0"

_T = TypeVar("_T")
_NO_LINES: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_NO_PINS: Mapping[str, str] = MappingProxyType({})
_NO_POINTS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType({})


@frozen
class Metadata:
    """Static metadata of a project, from one of its files or several.

    ``requires``, the values of ``extras`` and of ``groups`` are lines of a requirements file in
    the project's folder, most of them PEP 508. ``import_paths`` are folders of the project, empty
    if no file says where its modules are; ``renamed`` has the folders of packages that are called
    otherwise. ``options`` are pip's, of the whole installation. ``pins`` has the URL of the only
    index for a package, by canonical name. ``computed`` names what only
    running the build backend would tell.
    """

    files: tuple[str, ...] = ()
    name: str = ""
    version: str = ""
    requires: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_LINES)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_LINES)
    requires_python: str = ""
    entry_points: Mapping[str, tuple[tuple[str, str], ...]] = field(
        default_factory=lambda: _NO_POINTS
    )
    import_paths: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    is_package: bool = False
    compiles: bool = False
    computed: frozenset[str] = frozenset()
    pins: Mapping[str, str] = field(default_factory=lambda: _NO_PINS, repr=False)
    notices: tuple[Notice, ...] = field(default=(), repr=False)


def merged(first: Metadata, second: Metadata) -> Metadata:
    """Return metadata of two files; what the first does not say is taken from the second."""

    def either(one: _T, other: _T) -> _T:
        return one or other

    known = {
        name
        for name, value in (
            ("version", first.version or second.version),
            ("dependencies", (first.requires and "dependencies") or second.requires),
        )
        if value
    }
    return Metadata(
        files=(*first.files, *second.files),
        name=either(first.name, second.name),
        version=either(first.version, second.version),
        requires=either(first.requires, second.requires),
        constraints=(*first.constraints, *second.constraints),
        options=either(first.options, second.options),
        extras=either(first.extras, second.extras),
        groups=either(first.groups, second.groups),
        requires_python=either(first.requires_python, second.requires_python),
        entry_points=either(first.entry_points, second.entry_points),
        import_paths=either(first.import_paths, second.import_paths),
        renamed=either(first.renamed, second.renamed),
        is_package=first.is_package or second.is_package,
        compiles=first.compiles or second.compiles,
        computed=(first.computed | second.computed) - known,
        pins={**second.pins, **first.pins},
        notices=(*first.notices, *second.notices),
    )
