"""Find out how a script has to be started, from what it imports and what the context has."""

import os
import posixpath
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from keynet.events import Notice
from keynet.files import places
from keynet.files.beneath import Beneath
from keynet.plan import ContextFile
from keynet.recipe import context_choice, start
from keynet.recipe.start import Modules, Start
from keynet.script import entry_imports
from keynet.script.entry_imports import EntryImports
from keynet.text import _, fill

__all__ = ["decide"]

_WORKDIR: Final = "/workspace"
_MOST_FILES: Final = 200
_LARGEST: Final = 200_000
_MANY_NAMED: Final = 5


def decide(
    context: Path, entrypoint: str, imports: EntryImports, files: Sequence[ContextFile]
) -> Start:
    """Return how to start the script; its notices name modules that the context lacks.

    Args:
        entrypoint: Its path in the context.
    """
    names = imports.names
    if "/" in entrypoint:
        names |= _imported_next_to(context, posixpath.dirname(entrypoint), files)
    found = start.decide(entrypoint, names, imports.level, files, _WORKDIR)
    outside = tuple(_above(context, entrypoint, imports, files))
    return Start(found.command, found.alone, found.import_paths, found.notices + outside)


def _imported_next_to(context: Path, folder: str, files: Sequence[ContextFile]) -> frozenset[str]:
    """Return what the modules in and below the script's folder import."""
    paths = [
        file.path
        for file in files
        if file.path.startswith(folder + "/")
        and file.path.endswith(".py")
        and file.size <= _LARGEST
    ]
    names: frozenset[str] = frozenset()
    with Beneath(context) as inside:
        for path in paths[:_MOST_FILES]:
            try:
                content = inside.read(path, _LARGEST)
            except OSError:
                # Staging names what cannot be read.
                continue
            names |= entry_imports.names_in((content or b"").decode(errors="replace"))
    return names


def _above(
    context: Path, entrypoint: str, imports: EntryImports, files: Sequence[ContextFile]
) -> Iterator[Notice]:
    """Yield one warning where the repository has modules of the script above the context."""
    root = places.real(context)
    repository = context_choice.repository(root)
    too_far = imports.level > len(entrypoint.split("/")) - 1
    if too_far:
        parent = root
        for _level in range(imports.level - len(entrypoint.split("/")) + 1):
            parent = parent.parent
        yield Notice(
            fill(
                _(
                    "{script} imports relatively from a package that begins above the context. "
                    "Include all of it: --context {folder}"
                ),
                script=entrypoint,
                folder=_shown(parent),
            )
        )
        return
    if repository is None or repository == root:
        return
    modules = Modules.of(files)
    folders = [posixpath.dirname(entrypoint)]
    while folders[-1]:
        folders.append(posixpath.dirname(folders[-1]))
    missing = {
        name
        for name in imports.names
        if not any(modules.have(folder, name) for folder in (*folders, "src"))
    }
    with Beneath(repository) as inside:
        for folder in root.relative_to(repository).parents:
            found = sorted(name for name in missing if _has(inside, folder.as_posix(), name))
            if found:
                yield Notice(
                    fill(
                        _(
                            "{script} imports {names} from {folder}, which is above the context "
                            "and stays out of the image. To include it: --context {shown}"
                        ),
                        script=entrypoint,
                        names=", ".join(found[:_MANY_NAMED]),
                        folder=repository / folder,
                        shown=_shown(repository / folder),
                    )
                )
                return


def _has(inside: Beneath, folder: str, name: str) -> bool:
    """Report whether a folder has a module of this name, also a package without __init__.py."""
    package = f"{folder}/{name}"
    try:
        if inside.kind(f"{package}.py") == "file":
            return True
        return inside.kind(package) == "folder" and any(
            each.endswith(".py") for each in inside.names(package)
        )
    except OSError:
        return False


def _shown(folder: Path) -> str:
    """Return a path as a user would write it from the working directory."""
    relative = os.path.relpath(folder)
    return relative if len(relative) < len(str(folder)) else str(folder)
