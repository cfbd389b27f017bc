"""What differs between versions of Python: modules of the standard library, syntax.

Source: the "What's New in Python" pages and PEP 594.
"""

import ast
import re
import sys
import warnings
from typing import Final

__all__ = ["admits", "is_standard", "needed_by_syntax", "standard_since", "standard_until"]

Version = tuple[int, int]

_SINCE: Final = {
    "dataclasses": (3, 7),
    "contextvars": (3, 7),
    "graphlib": (3, 9),
    "zoneinfo": (3, 9),
    "tomllib": (3, 11),
    "annotationlib": (3, 14),
    "compression": (3, 14),
}
# The first version without the module.
_REMOVED: Final = {
    "binhex": (3, 11),
    "asynchat": (3, 12),
    "asyncore": (3, 12),
    "distutils": (3, 12),
    "imp": (3, 12),
    "smtpd": (3, 12),
    "aifc": (3, 13),
    "audioop": (3, 13),
    "cgi": (3, 13),
    "cgitb": (3, 13),
    "chunk": (3, 13),
    "crypt": (3, 13),
    "imghdr": (3, 13),
    "lib2to3": (3, 13),
    "mailcap": (3, 13),
    "msilib": (3, 13),
    "nis": (3, 13),
    "nntplib": (3, 13),
    "ossaudiodev": (3, 13),
    "pipes": (3, 13),
    "sndhdr": (3, 13),
    "spwd": (3, 13),
    "sunau": (3, 13),
    "telnetlib": (3, 13),
    "uu": (3, 13),
    "xdrlib": (3, 13),
}
_OLDEST: Final = 7
_NEEDED: Final = r"(?:only )?supported in Python 3\.(\d+)"


def is_standard(module: str) -> bool:
    """Report whether a module is part of the standard library of any version of Python."""
    return module in sys.stdlib_module_names or module in _SINCE or module in _REMOVED


def standard_since(module: str) -> Version | None:
    """Return the first Python 3 with this module; None if all that keynet knows have it."""
    return _SINCE.get(module)


def standard_until(module: str) -> Version | None:
    """Return the first Python 3 that no longer has this module; None if it still exists."""
    return _REMOVED.get(module)


def needed_by_syntax(text: str, base: Version) -> tuple[Version, int] | None:
    """Return the Python that the syntax of a script needs, and the line; None if ``base`` does.

    Only what this Python's own parser can tell apart is found: the statement and operators, not
    the nested quotes of f-strings.
    """
    # Without it, each reading of a script would warn of its invalid escapes again.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if base >= sys.version_info[:2] or base < (3, _OLDEST):
            return None
        try:
            ast.parse(text, feature_version=base)
        except SyntaxError as error:
            match = re.search(_NEEDED, str(error.msg))
            return ((3, int(match[1])), error.lineno or 0) if match else None
    return None


def admits(specifier: str, python: Version) -> bool:
    """Report whether a ``requires-python`` admits some release of a minor version.

    One that is not valid admits all: other tools report it.
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        allowed = SpecifierSet(specifier)
    except InvalidSpecifier:
        return True
    major, minor = python
    # Bounds such as >=3.10.4 and <3.11.2 lie inside a minor version.
    return any(allowed.contains(f"{major}.{minor}.{micro}") for micro in range(40))
