"""Which commit a folder has checked out, and where its repository comes from.

git itself is not called: a repository's configuration names programs that git would start. Only
regular files inside ``.git`` are read, no more of them than is needed.

Source: git, "gitrepository-layout", "git-config", "gitrevisions".
"""

import os
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from keynet.files.beneath import Beneath
from keynet.frozen import frozen

__all__ = ["Checkout", "find_checkout"]

_LIMIT: Final = 1 << 20
_COMMIT: Final = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_REFERENCE: Final = re.compile(r"ref: (refs/[\w./+@-]+)")
_SECTION: Final = re.compile(r'\s*\[\s*(?P<name>[\w.-]+)(?:\s+"(?P<sub>(?:[^"\\]|\\.)*)")?\s*\]')
_URL: Final = re.compile(r'\s*url\s*=\s*"?(?P<url>[^\s";#]+)', re.IGNORECASE)
# git@github.com:team/app.git
_SCP: Final = re.compile(r"(?:[\w.-]+@)?(?P<host>[\w.-]+):(?P<path>[^/\\:][^\\:]*)")
_LONGEST: Final = 1_000


@frozen
class Checkout:
    """The commit in hex digits, and the address of the remote ``origin``; "" where unknown."""

    commit: str = ""
    origin: str = ""


def find_checkout(folder: Path) -> Checkout:
    """Return what is known of the repository that a folder is in.

    Repositories of other users are not looked at, as with git. Nothing says whether files were
    changed since the commit.
    """
    for place in (folder.absolute(), *folder.absolute().parents):
        metadata = place / ".git"
        try:
            if not metadata.is_dir() or metadata.is_symlink():
                if os.path.lexists(metadata):
                    # A worktree or a submodule: it leads to another folder.
                    return Checkout()
                continue
            if metadata.stat().st_uid != os.geteuid():
                return Checkout()
            with Beneath(metadata) as files:
                return Checkout(_commit(files), _origin(files))
        except OSError:
            return Checkout()
    return Checkout()


def _commit(files: Beneath) -> str:
    head = _text(files, "HEAD").strip()
    if _COMMIT.fullmatch(head):
        return head
    named = _REFERENCE.fullmatch(head)
    if named is None:
        return ""
    name = named[1]
    found = _text(files, name).strip()
    if not found:
        packed = (line.split(" ", 1) for line in _text(files, "packed-refs").splitlines())
        found = next((line[0] for line in packed if line[1:] == [name]), "")
    return found if _COMMIT.fullmatch(found) else ""


def _origin(files: Beneath) -> str:
    section = ("", "")
    for line in _text(files, "config").splitlines():
        if header := _SECTION.match(line):
            section = header["name"].lower(), header["sub"] or ""
        rest = line[header.end() :] if header else line
        if section == ("remote", "origin") and (found := _URL.match(rest)):
            return _public(found["url"])
    return ""


def _public(url: str) -> str:
    """Return an address without user, password and query; "" for a path of this machine."""
    if len(url) > _LONGEST or not url.isprintable():
        return ""
    if "://" not in url:
        short = _SCP.fullmatch(url)
        return f"ssh://{short['host']}/{short['path']}" if short else ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https", "ssh", "git"):
        return ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _text(files: Beneath, path: str) -> str:
    try:
        return (files.read(path, _LIMIT) or b"").decode("utf-8", "replace")
    except OSError:
        return ""
