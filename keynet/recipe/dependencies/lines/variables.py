"""Replace ``${NAME}`` in requirements, as pip does, without handing out secrets.

A repository may name an index of its own. Secrets of the user go only to the servers that the
user's own settings name, unless the user named the file by a flag.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final

from keynet import confidential
from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.frozen import frozen
from keynet.recipe.dependencies.lines import requirement_lines
from keynet.text import _, fill

__all__ = ["Variables"]

_OWN: Final = "KEYNET_"
_MOST_NAMED: Final = 5
_AUTHORITY: Final = r"[^/\\?#@\s]*+@([A-Za-z0-9.-]++(?::[0-9]++)?)"


@frozen
class Variables:
    """The user's environment, and the hosts of the indexes that the user's settings name."""

    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    hosts: frozenset[str] = frozenset()

    def replaced(self, line: str, where: str, *, trusted: bool) -> str:
        """Return a line with the values of its variables; unknown ones stay.

        Args:
            trusted: The user named the file by a flag.

        Raises:
            ContextInvalid: It asks for a secret of keynet, or for one that would go to a server
                that the user's settings do not name.
        """
        for name in dict.fromkeys(requirement_lines.variables(line)):
            if name.startswith(_OWN):
                raise ContextInvalid(
                    fill(
                        _("{where}: ${{{name}}} belongs to keynet and is not replaced."),
                        where=where,
                        name=name,
                    ),
                    _("Use a variable of your own for the package index."),
                )
            value = self.environment.get(name, "")
            # A line break would start another line.
            if not value or len(value.splitlines()) > 1:
                continue
            written = f"${{{name}}}"
            if not trusted and confidential.is_suspicious(name, value, "variable"):
                self._check(line, written, where)
            line = line.replace(written, value)
        return line

    def missing(self, line: str, where: str, named: set[str]) -> list[Notice]:
        """Return a warning on each variable that stays in a line, as pip leaves it.

        Args:
            named: Those of which one was returned; more are added, up to some.
        """
        text = _("{where}: the variable {name} is not set, and ${{{name}}} stays in the line.")
        found = []
        for name in requirement_lines.variables(line):
            if not self.environment.get(name) and name not in named and len(named) < _MOST_NAMED:
                named.add(name)
                found.append(Notice(fill(text, where=where, name=name)))
        return found

    def _check(self, line: str, written: str, where: str) -> None:
        for word in line.split():
            at = word.find(written)
            while at >= 0:
                before, scheme, after = word.partition("://")
                found = re.match(_AUTHORITY, after) if scheme and written not in before else None
                host = found[1].lower() if found else ""
                rest = after[found.end() :] if found else ""
                if host not in self.hosts or written in rest or rest[:1] not in ("", "/"):
                    raise ContextInvalid(
                        fill(
                            _(
                                "{where}: {variable} looks like a secret, and this line would "
                                "send it to a server that your own settings do not name."
                            ),
                            where=where,
                            variable=written,
                        ),
                        _(
                            "If you trust the file, pass it with --requirements FILE, or name the "
                            "index in PIP_INDEX_URL or PIP_EXTRA_INDEX_URL instead."
                        ),
                    )
                at = word.find(written, at + len(written)) if found is None else -1
