"""Which requirements have hashes: installers want one for all of them, or for none.

Source: pip, "Secure installs" (hash-checking mode).
"""

import re
from typing import Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import canonical
from keynet.text import _, fill, printable

__all__ = ["HashCheck"]

# A name with versions; not a URL, and without a marker, which may leave it out.
_PLAIN: Final = re.compile(r"([A-Za-z0-9][\w.-]*)[^@;/]*", re.ASCII)


class HashCheck:
    """The hashes of one set of files; ``required`` once a line has asked for them."""

    def __init__(self) -> None:
        self.required = False
        # By name: None with a hash, else the first line without one and its place.
        self._lines: dict[str, tuple[str, str] | None] = {}

    def note(self, requirement: str, options: str, where: str, *, installs: bool) -> None:
        """Take a line into account; one that does not install may give a hash."""
        found = _PLAIN.match(requirement)
        if found is None:
            return
        name = canonical(found[1])
        if "--hash" in options:
            self._lines[name] = None
        elif installs and found.end() == len(requirement):
            self._lines.setdefault(name, (where, requirement))

    def check(self) -> None:
        """Refuse a set of which some lines have hashes and some have none.

        Raises:
            ContextInvalid: It is one.
        """
        without = next(filter(None, self._lines.values()), None)
        if not self.required or without is None:
            return
        where, requirement = without
        raise ContextInvalid(
            fill(
                _("{where}: {requirement} has no hash, but hashes are required."),
                where=where,
                requirement=printable(requirement, 100),
            ),
            _("Installers check all or none. Write all hashes: uv pip compile --generate-hashes"),
        )
