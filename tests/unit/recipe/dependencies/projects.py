"""Projects for the tests of dependencies: written, and what is found in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keynet.plan import Dependencies
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.finding import Search

OWN = '[project]\nname = "own"\nversion = "1"\n'


def write(root: Path, files: Mapping[str, str]) -> Path:
    """Write a project; return its folder."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def find(root: Path, **options: Any) -> tuple[Dependencies, list[str]]:
    """Return the dependencies of a project and the texts of the notices."""
    found, notices = finding.find(Search(root, **options))
    return found, [notice.text for notice in notices]


def lines(found: Dependencies, name: str = "requirements.txt") -> list[str]:
    """Return the lines of a file of the set, without empty ones."""
    content = found.files[name]
    assert isinstance(content, bytes)
    return [line for line in content.decode().splitlines() if line]


def wheel(found: Dependencies, name: str) -> bytes:
    """Return an archive of the set."""
    content = found.files[f"archives/{name}"]
    assert isinstance(content, bytes)
    return content
