"""Compare a lock with the hashes that the requirements give: uv writes the lock without that.

Source: pip, "Secure installs" (hash-checking mode).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

__all__ = ["not_given"]

# Anything else is the path of an archive, which has no name of its own.
_LINE: Final = re.compile(
    r"[ \t]*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?=[ \t]*(?:[\[(=<>!~@;]|--|$))"
)
_HASH: Final = re.compile(r"--hash(?:=|[ \t]+)([a-z0-9]+:[0-9a-f]+)")


def not_given(texts: Iterable[str], packages: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the packages of a lock of which the requirements do not give the hash.

    Args:
        texts: Requirements files in hash-checking mode, one requirement a line.
        packages: Those of a pylock.toml.
    """
    given: dict[str, set[str]] = {}
    for line in (line for text in texts for line in text.splitlines()):
        found = _LINE.match(line)
        name = _normalised(found[1]) if found else ""
        given.setdefault(name, set()).update(_HASH.findall(line))
    wrong = []
    for package in packages:
        allowed = given.get(_normalised(str(package.get("name"))), set()) | given.get("", set())
        files = package.get("wheels") or [package.get("archive") or package.get("sdist") or {}]
        hashes = [each.get("hashes") or {} for each in files]
        if not all(any(f"{kind}:{value}" in allowed for kind, value in e.items()) for e in hashes):
            wrong.append(f"{package.get('name')}=={package.get('version')}")
    return wrong


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
