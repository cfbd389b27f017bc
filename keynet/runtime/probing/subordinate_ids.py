"""The subordinate ids of a user, which rootless engines need, and a range that is still free.

Source: subuid(5), login.defs(5), usermod(8).
"""

import os
import re
import shlex
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from keynet.frozen import frozen
from keynet.process import programs
from keynet.runtime.probing.privileges import as_root, user_name
from keynet.text import _, fill

__all__ = [
    "FILES",
    "Entry",
    "add_command",
    "advice",
    "entries",
    "free_range",
    "missing",
    "own",
    "source",
]

FILES: Final = (Path("/etc/subuid"), Path("/etc/subgid"))
_LOGIN_DEFS: Final = Path("/etc/login.defs")
_NSSWITCH: Final = Path("/etc/nsswitch.conf")
_FLAGS: Final = ("--add-subuids", "--add-subgids")
_FIRST: Final = 100_000
_COUNT: Final = 65_536
_LAST_ID: Final = 2**32 - 2


@frozen
class Entry:
    """A line of /etc/subuid or /etc/subgid: ``count`` ids from ``first``."""

    owner: str
    first: int
    count: int

    @property
    def last(self) -> int:
        """Return the last id of the range."""
        return self.first + self.count - 1


def entries(text: str) -> list[Entry]:
    """Parse /etc/subuid or /etc/subgid; a line that is not an entry is left out."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"\s*([^:#\s][^:]*):(\d{1,10}):(\d{1,10})\s*", line, re.ASCII)
        if match and int(match[3]):
            found.append(Entry(match[1], int(match[2]), int(match[3])))
    return found


def own(file: Path, owners: Collection[str]) -> list[Entry]:
    """Return the entries of a file for these owners: a name, a number or both."""
    return [entry for entry in entries(_text(file)) if entry.owner in owners]


def free_range(taken: Iterable[Entry], first: int = _FIRST, count: int = _COUNT) -> Entry | None:
    """Return the lowest range of ``count`` ids that overlaps no entry; None if there is none."""
    start = first
    for entry in sorted(taken, key=lambda each: each.first):
        if entry.first >= start + count:
            break
        start = max(start, entry.last + 1)
    return Entry("", start, count) if start + count - 1 <= _LAST_ID else None


def add_command(name: str, wanted: Entry, files: Collection[Path], *, known: bool) -> str:
    """Return the command that adds this range for a user to these files.

    Args:
        known: Whether /etc/passwd has the user; usermod knows no others.
    """
    if not known:
        line = shlex.quote(f"{name}:{wanted.first}:{wanted.count}")
        return f"echo {line} | tee --append {' '.join(str(file) for file in files)}"
    span = f"{wanted.first}-{wanted.last}"
    flags = [f"{flag} {span}" for flag, file in zip(_FLAGS, FILES, strict=True) if file in files]
    return f"usermod {' '.join(flags)} {shlex.quote(name)}"


def advice(files: tuple[Path, ...] = FILES) -> str:
    """Word how to give this user the subordinate ids that it lacks, from a free range.

    The command adds newuidmap's package where that is missing.

    Args:
        files: The tables of user ids and of group ids.
    """
    names = {user_name(), str(os.geteuid())}
    lacking = missing(names, files)
    taken = [entry for file in files for entry in entries(_text(file))]
    first, count = _limits(_text(_LOGIN_DEFS))
    wanted = free_range(taken, first, count)
    if wanted is None:
        # Ids that another user has would let each of the two change the other's files.
        return fill(
            _("Ask your administrator to shorten a range in {files}: {count} ids are not free."),
            files=", ".join(map(str, FILES)),
            count=count,
        )
    flagged = [table for table, file in zip(FILES, files, strict=True) if file in lacking] or FILES
    command = add_command(user_name(), wanted, flagged, known=len(names) == 2)
    if programs.find("newuidmap") is None:
        command = f"apt-get install uidmap && {command}"
    return as_root(command)


def missing(names: Collection[str], files: tuple[Path, ...] = FILES) -> list[Path]:
    """Return the files that have no entry for this user."""
    return [file for file in files if not own(file, names)]


def source() -> str:
    """Return where the system reads subordinate ids, if not from the files; else ""."""
    match = re.search(r"^\s*subid:\s*(\S.*)$", _text(_NSSWITCH), re.MULTILINE)
    return "" if match is None or match[1].split()[0] == "files" else match[1].strip()


def _limits(text: str) -> tuple[int, int]:
    """Return the first id and the number of ids for a user from login.defs."""
    found = dict(re.findall(r"^\s*(SUB_UID_MIN|SUB_UID_COUNT)\s+(\d{1,10})\b", text, re.MULTILINE))
    count = int(found.get("SUB_UID_COUNT", _COUNT))
    return int(found.get("SUB_UID_MIN", _FIRST)), max(count, _COUNT)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
