"""Read ``WWW-Authenticate``, whatever a server writes there. Pure.

Source: RFC 9110, "WWW-Authenticate"; distribution, "Token Authentication Specification".
"""

import re
from collections.abc import Iterable
from typing import Final

from keynet.net.sign_in import Challenge

__all__ = ["parse_challenges", "scopes_of"]

_LONGEST: Final = 16_384
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a grammar, not a secret
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|\s*,|\s*$)")
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*')
# What Negotiate and NTLM have instead of parameters.
_TOKEN68 = re.compile(r"\s*[A-Za-z0-9._~+/-]+=*\s*(?=,|$)")
_ESCAPED = re.compile(r"\\(.)")


def parse_challenges(header: str) -> list[Challenge]:
    """Return every challenge of the header, in order, up to the first that is not valid."""
    text = header[:_LONGEST]
    challenges: list[Challenge] = []
    # Joined headers of which the first is empty begin with a comma.
    position = _after_commas(text, 0)
    while position < len(text):
        scheme = _SCHEME.match(text, position)
        if scheme is None:
            break
        position = scheme.end()
        parameters: dict[str, str] = {}
        while (parameter := _PARAMETER.match(text, position)) is not None:
            quoted, plain = parameter.group(2), parameter.group(3)
            value = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain
            # The first one counts: a second realm must not replace the one that was checked.
            parameters.setdefault(parameter.group(1).lower(), value)
            # Some servers leave the comma out.
            position = _after_commas(text, parameter.end())
        if not parameters and (bare := _TOKEN68.match(text, position)) is not None:
            position = bare.end() if "," not in scheme.group() else position
        challenges.append(Challenge(scheme.group(1).lower(), parameters))
        position = _after_commas(text, position)
    return challenges


def _after_commas(text: str, position: int) -> int:
    while position < len(text) and text[position] in ", \t":
        position += 1
    return position


def scopes_of(texts: Iterable[str]) -> frozenset[str]:
    """Merge scopes: one ``type:name:actions`` for each resource, its actions sorted.

    ``scopes_of(["repository:a:pull", "repository:a:push,pull"])`` has one element.
    """
    merged: dict[str, set[str]] = {}
    for text in texts:
        for scope in text.split():
            resource, colon, actions = scope.rpartition(":")
            if colon:
                merged.setdefault(resource, set()).update(a for a in actions.split(",") if a)
    return frozenset(f"{resource}:{','.join(sorted(a))}" for resource, a in merged.items())
