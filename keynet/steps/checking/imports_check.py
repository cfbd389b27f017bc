"""Imports of the script that no package of the image brings."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from keynet.frozen import frozen
from keynet.recipe.packages import import_names, python_versions
from keynet.recipe.packages.import_names import Brought
from keynet.script.imports import Import, Imports
from keynet.steps.checking.doubt import Doubt
from keynet.text import _, fill

__all__ = ["ImageContents", "check"]

Resolve = Callable[[], frozenset[str] | None]


@frozen
class ImageContents:
    """What is known to be in the image.

    ``named`` are the distributions that the requirements name, ``resolve`` returns these and all
    that they bring (None if that is unknown; it is called only if needed). ``source`` is the file
    that names them, ``own_names`` are the first parts of the names of files and folders of the
    context, at any depth.
    """

    named: frozenset[str]
    resolve: Resolve
    source: Path | None
    own_names: Collection[str]


def check(imports: Imports, contents: ImageContents) -> Iterator[Doubt]:
    """Find imports of well-known modules that nothing in the image brings.

    Modules that keynet does not know are left alone: they may come from anywhere. The base image
    has to be one without packages.
    """
    named = Brought(contents.named)
    missing = [
        each
        for each in imports.modules
        if not python_versions.is_standard(each.top)
        and each.top not in contents.own_names
        and import_names.providers(each.top)
        and not named.has(each.top)
    ]
    if not missing:
        return
    resolved = contents.resolve() if contents.named else frozenset()
    if resolved is None:
        return
    brought = Brought(resolved)
    for each in missing:
        if not brought.has(each.top):
            yield _doubt(each, contents.source)


def _doubt(found: Import, source: Path | None) -> Doubt:
    package = import_names.best_provider(found.top)
    if source is None:
        hint = fill(_("List {package} in a requirements.txt next to the script."), package=package)
    else:
        hint = fill(_("Add {package} to {source}."), package=package, source=source.name)
    return Doubt(
        fill(
            _("{path}, line {line}: no package of the image brings the module {module}."),
            path=found.path,
            line=found.line,
            module=found.top,
        ),
        hint,
    )
