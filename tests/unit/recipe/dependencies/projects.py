"""Projects for the tests of dependencies: written, and what is found in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keynet.files import limited_toml
from keynet.plan import Dependencies
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.finding import Search
from keynet.recipe.dependencies.pep508 import parse

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


def pins(found: Dependencies) -> dict[str, str]:
    """Return the index of each package that comes from one alone, by canonical name."""
    content = found.files.get("pinned/pyproject.toml", b"")
    assert isinstance(content, bytes)
    document = limited_toml.loads(content)
    uv = document.get("tool", {}).get("uv", {})
    urls = {index["name"]: index["url"] for index in uv.get("index", []) if index["explicit"]}
    wanted = {canonical(parse(line).name) for line in document["project"]["dependencies"]}
    found_pins = {name: urls[source["index"]] for name, source in uv["sources"].items()}
    assert wanted == set(found_pins)
    return found_pins
