"""The Python of the default base image: what project and script admit.

Source: PyPA "Version specifiers"; pyenv and uv, ``.python-version``.
"""

import re
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files.beneath import Beneath
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = ["KNOWN", "Constraint", "choose", "context_constraints", "inline_constraint"]

_DEFAULT: Final = (3, 10)
# The minor versions of python:X.Y-slim on Docker Hub, newest first.
KNOWN: Final = ((3, 14), (3, 13), (3, 12), (3, 11), (3, 10), (3, 9))
_MOST_PATCHES: Final = 60
_LONGEST_FILE: Final = 10_000
_LONGEST_PROJECT: Final = 5_000_000
_LONGEST_SCRIPT: Final = 5_000_000
_PINNED: Final = r"(?i)(?:c?python-?)?(\d+)(?:\.(\d+))?(?:\.\d+)?\Z"
_BLOCK: Final = r"(?m)^# /// script[ \t]*$\n((?:^#(?: .*)?$\n)+)^# ///[ \t]*$"


@frozen
class Constraint:
    """A version specifier such as ``>=3.11``, and where it stands."""

    specifier: str
    source: str


def choose(constraints: list[Constraint]) -> tuple[tuple[int, int], str]:
    """Return the minor version to use, and the source that excludes the default, or "".

    Raises:
        ContextInvalid: A specifier is not valid, or no known Python satisfies all of them.
    """
    if not constraints:
        return _DEFAULT, ""
    admitted = [version for version in KNOWN if all(_admits(it, version) for it in constraints)]
    if _DEFAULT in admitted:
        return _DEFAULT, ""
    named = ", ".join(f"{it.source} ({printable(it.specifier, 100)})" for it in constraints)
    if not admitted:
        raise ContextInvalid(
            fill(
                _("No base image that keynet knows has a Python that {sources} admits."),
                sources=named,
            ),
            _("Choose one with --base-image."),
        )
    excluding = [it for it in constraints if not _admits(it, _DEFAULT)]
    return admitted[0], excluding[0].source


def context_constraints(context: Path) -> list[Constraint]:
    """Read ``.python-version`` and ``requires-python`` of the context's pyproject.toml.

    A file that cannot be read constrains nothing; who needs it reports it.
    """
    try:
        with Beneath(context) as inside:
            pinned = _read(inside, ".python-version", _LONGEST_FILE)
            project = _read(inside, "pyproject.toml", _LONGEST_PROJECT)
    except OSError:
        return []
    found = [_pinned(pinned), _required(project)]
    return [constraint for constraint in found if constraint is not None]


def _read(inside: Beneath, name: str, limit: int) -> str:
    try:
        return (inside.read(name, limit) or b"").decode("utf-8", "replace")
    except OSError:
        return ""


def _pinned(text: str) -> Constraint | None:
    """Read ``.python-version``; None without a minor version of CPython in its first line."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    found = re.match(_PINNED, next((line for line in lines if line), ""))
    if found is None or found[2] is None:
        # A name of pyenv's own (an environment, pypy3.10), or no minor version.
        return None
    return Constraint(f"=={found[1]}.{found[2]}.*", ".python-version")


def _required(text: str) -> Constraint | None:
    if "requires-python" not in text:
        return None
    import tomllib

    try:
        project = tomllib.loads(text).get("project")
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    specifier = project.get("requires-python") if isinstance(project, dict) else None
    return Constraint(specifier, "pyproject.toml") if isinstance(specifier, str) else None


def inline_constraint(script: bytes, name: str) -> Constraint | None:
    """Read ``requires-python`` of a script's inline metadata (``# /// script``)."""
    if b"# /// script" not in script:
        return None
    found = re.search(
        _BLOCK, script[:_LONGEST_SCRIPT].decode("utf-8", "replace").replace("\r\n", "\n")
    )
    if found is None:
        return None
    import tomllib

    lines = (line[2:] if line.startswith("# ") else line[1:] for line in found[1].splitlines())
    try:
        specifier = tomllib.loads("\n".join(lines)).get("requires-python")
    except (tomllib.TOMLDecodeError, RecursionError):
        # Who reads the dependencies says what is wrong with it.
        return None
    return Constraint(specifier, name) if isinstance(specifier, str) and specifier else None


def _admits(constraint: Constraint, version: tuple[int, int]) -> bool:
    """Report whether some patch release of this minor version satisfies the constraint."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(constraint.specifier)
    except InvalidSpecifier as error:
        raise ContextInvalid(
            fill(
                _("{source}: requires-python {specifier!r} is not a valid version specifier."),
                source=constraint.source,
                specifier=printable(constraint.specifier, 100),
            ),
            _('Write it as requires-python = ">=3.11".'),
        ) from error
    major, minor = version
    return any(specifiers.contains(f"{major}.{minor}.{patch}") for patch in range(_MOST_PATCHES))
