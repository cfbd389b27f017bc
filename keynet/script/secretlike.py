"""Recognise what looks like a secret, so that it never leaves the machine."""

import re
from typing import Final

__all__ = ["looks_secret", "mentions_secret"]

_KNOWN: Final = re.compile(
    r"""(?x)
    \bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{16,}          # OpenAI, Anthropic
    | \bgh[pousr]_[A-Za-z0-9]{16,} | \bgithub_pat_\w{16,}
    | \bglpat-[\w-]{16,} | \bhf_[A-Za-z0-9]{16,} | \bxox[abeprs]-[\w-]{10,}
    | \b(?:AKIA|ASIA)[0-9A-Z]{12,} | \bAIza[\w-]{30,} | \bya29\.[\w-]{20,}
    | \beyJ[\w-]{8,}\.[\w-]{4,} | \beyJ[\w-]{30,}
    | \bnpm_[A-Za-z0-9]{30,} | \bpypi-AgE[\w-]{20,} | \br8_[A-Za-z0-9]{20,}
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY
    | ://[^/\s:@]+:[^/\s:@]+@
    """
)
_NAMED: Final = re.compile(
    r"(?i)pass(?:word|wd|phrase)|(?:^|_)pwd(?:_|$)|secret|credential|"
    r"api_?key|access_?key|private_?key|auth_?key|wandb_?key|"
    r"(?:^|api|auth|access|hf|hub|wandb|github|gitlab|bearer|refresh|bot|slack|session)_?token$"
)
# ``--token-file`` is a path and ``--api-key-env`` the name of a variable.
_ABOUT: Final = re.compile(r"(?i)(?:file|path|dir|env|var|name|url|id|length|len|num|type|class)$")
_PLACEHOLDER: Final = re.compile(
    r"(?i)none|null|auto|default|true|false|<.*>|\$.*|y?our[-_ ].*|x+|\.+"
)
_STATED: Final = re.compile(
    r"(?i)(?:password|passwd|passphrase|token|api[ _-]?key|secret)\w*\s*(?:is|:|=)\s*['\"]?"
    r"(?=\S*\d)(?=\S*[A-Za-z])\S{8,}"
)


def looks_secret(name: str, value: str) -> bool:
    """Report whether the default of an argument of that name looks like a secret."""
    if _KNOWN.search(value):
        return True
    if not value.strip() or _PLACEHOLDER.fullmatch(value.strip()):
        return False
    plain = name.replace("-", "_")
    return bool(_NAMED.search(plain)) and not _ABOUT.search(plain)


def mentions_secret(text: str) -> bool:
    """Report whether a text for people contains what looks like a secret."""
    return bool(_KNOWN.search(text) or _STATED.search(text))
