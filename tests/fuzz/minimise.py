"""Make a finding small: ``python -m tests.fuzz.minimise FINDING.src OUT.src``."""

import ast
import sys
import tempfile
import traceback
from pathlib import Path

from keynet.errors import ScriptInvalid
from keynet.script.extraction import extract


def failure(source: str, script: Path) -> str:
    """Return the place and kind of a script's failure, "" for none."""
    script.write_text(source, errors="surrogateescape")
    try:
        extract(script).to_json()
    except ScriptInvalid:
        return ""
    except Exception as error:  # noqa: BLE001 - this is what is looked for
        own = [f for f in traceback.extract_tb(error.__traceback__) if "keynet" in f.filename][-1]
        return f"{Path(own.filename).stem}-{own.lineno}-{type(error).__name__}"
    return ""


def smaller(source: str, script: Path) -> str:
    """Drop statements, then lines, as long as the same failure stays."""
    wanted = failure(source, script)
    if not wanted:
        return source
    changed = True
    while changed:
        changed = False
        for candidate in _candidates(source):
            if len(candidate) < len(source) and failure(candidate, script) == wanted:
                source, changed = candidate, True
                break
    return source


def _candidates(source: str) -> list[str]:
    lines = source.splitlines(keepends=True)
    size = max(len(lines) // 2, 1)
    found = []
    while size:
        found += ["".join(lines[:at] + lines[at + size :]) for at in range(0, len(lines), size)]
        size //= 2
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return found
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody", "handlers", "keywords", "args", "elts"):
            members = getattr(node, name, None)
            if isinstance(members, list) and members:
                for at in range(len(members)):
                    kept = members[:at] + members[at + 1 :]
                    setattr(node, name, kept)
                    found.append(_unparsed(tree))
                    setattr(node, name, members)
    return [candidate for candidate in found if candidate]


def _unparsed(tree: ast.AST) -> str:
    try:
        return ast.unparse(tree) + "\n"
    except (AttributeError, IndexError, ValueError, RecursionError):
        return ""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        text = Path(sys.argv[1]).read_text(errors="surrogateescape")
        found = smaller(text, Path(folder) / "script.py")
    Path(sys.argv[2]).write_text(found, errors="surrogateescape")
