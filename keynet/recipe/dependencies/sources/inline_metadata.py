"""Read the inline metadata of a script (``# /// script``).

Source: PyPA specification "Inline script metadata" (PEP 723).
"""

import shlex
from collections.abc import Mapping
from typing import Any

from keynet.events import Notice
from keynet.files import limited_toml
from keynet.frozen import frozen
from keynet.recipe.dependencies.declared import Declared, flat
from keynet.recipe.dependencies.folder import Folder, invalid
from keynet.recipe.dependencies.pep508 import parsed
from keynet.recipe.dependencies.sources import uv_sources
from keynet.text import _, fill, printable

__all__ = ["Inline", "read"]


@frozen
class Inline:
    """The metadata of a script; ``declared`` is None if it lists no dependencies."""

    requires_python: str = ""
    declared: Declared | None = None


def read(folder: Folder, name: str, source: bytes) -> Inline | None:
    """Return the metadata of a script; None if it has none.

    Raises:
        ContextInvalid: There are two blocks, or it is not valid.
    """
    blocks = _blocks(source.decode("utf-8", "replace"))
    if not blocks:
        return None
    path = folder.where(name)
    if len(blocks) > 1:
        raise invalid(path, _("it has two blocks of inline metadata"), _("Keep one of them."))
    hint = _("Correct the block that begins with # /// script.")
    try:
        document: Mapping[str, Any] = limited_toml.loads(blocks[0].encode())
    except ValueError as error:
        raise invalid(path, printable(error, 200), hint) from error
    listed = document.get("dependencies", [])
    if not isinstance(listed, list) or not all(isinstance(line, str) for line in listed):
        raise invalid(path, _("dependencies are not a list of strings"), hint)
    lines = [flat(line) for line in listed]
    for line in lines:
        parsed(line, path)
    sources = uv_sources.of(folder, document)
    requires_python = flat(str(document.get("requires-python") or ""))
    if "dependencies" not in document:
        return Inline(requires_python)
    return Inline(
        requires_python,
        Declared(
            name,
            (*sources.index_lines(), *sources.applied(lines)),
            constraints=sources.constraints,
            pins=sources.pins(),
            notices=(*sources.notices(path), *_lock(folder, name)),
        ),
    )


def _lock(folder: Folder, name: str) -> list[Notice]:
    """Return a warning on the lock of a script, which uv alone reads."""
    if not folder.is_file(f"{name}.lock"):
        return []
    lock = folder.where(f"{name}.lock")
    command = f"uv export --script {shlex.quote(str(folder.where(name)))} -o requirements.txt"
    text = fill(
        _(
            "{lock} is not read: versions are chosen by {name} alone. To install those of the "
            "lock: {command}, then --requirements requirements.txt"
        ),
        lock=lock,
        name=name,
        command=command,
    )
    return [Notice(text)]


def _blocks(text: str) -> list[str]:
    found: list[str] = []
    lines: list[str] | None = None
    for line in text.splitlines():
        if lines is None:
            lines = [] if line == "# /// script" else None
        elif line == "#" or line.startswith("# "):
            lines.append(line[2:])
        else:
            found += _closed(lines)
            lines = [] if line == "# /// script" else None
    return found + _closed(lines or [])


def _closed(lines: list[str]) -> list[str]:
    """Return the content up to the last ``# ///``, as a list; empty without one."""
    for at in range(len(lines) - 1, -1, -1):
        if lines[at] == "///":
            return ["\n".join(lines[:at]) + "\n"]
    return []
