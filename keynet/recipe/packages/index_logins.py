"""The logins of ``~/.netrc`` for the package indexes that a project names, as pip and uv use them.

Packages are built and run by the build, and may read what it has. So a project, which may be
somebody else's, gets the login of a host only if the user's own settings name the same host as an
index: otherwise ``--index-url https://api.example.com`` and a package would be enough to steal any.

Source: pip documentation, "Authentication"; uv documentation, "HTTP credentials".
"""

import netrc
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from keynet.plan import Dependencies
from keynet.secret import Secret

__all__ = ["for_dependencies", "read", "with_login"]

_LARGEST: Final = 1_000_000
_URL: Final = re.compile(rb"\b(https?)://([^\s/\"'#?;,<>\\]{1,300})", re.IGNORECASE)
_TEXTS: Final = (".txt", ".toml")
# What needs no quotes in the file, which tools read differently.
_WORD: Final = re.compile(r"[^\s\"'\\]+")


def read(environment: Mapping[str, str], home: Path) -> netrc.netrc | None:
    """Return the user's logins; None where there are none that can be read."""
    path = Path(environment.get("NETRC") or home / ".netrc")
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return None
        return netrc.netrc(os.fspath(path))
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None


def with_login(url: str, logins: netrc.netrc) -> str:
    """Return a URL of the user's own settings with the login of its host."""
    parts = urlsplit(url)
    login = logins.hosts.get(parts.hostname or "")
    if login is None or "@" in parts.netloc or not login[2]:
        return url
    user = f"{quote(login[0], safe='')}:{quote(login[2], safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}"))


def for_dependencies(
    logins: netrc.netrc | None, dependencies: Dependencies, own: Collection[str]
) -> Secret | None:
    """Return a netrc file with the logins of the hosts that the dependencies name.

    Args:
        own: scheme://host[:port] of the indexes of the user's own settings; no other counts.

    Returns:
        None without such a login.
    """
    if logins is None or not logins.hosts:
        return None
    lines = []
    for host in sorted(_hosts(dependencies, own)):
        user, _account, password = logins.hosts.get(host) or ("", "", "")
        if user and password and all(map(_WORD.fullmatch, (user, password))):
            lines.append(f"machine {host} login {user} password {password}\n")
    return Secret("".join(lines)) if lines else None


def _hosts(dependencies: Dependencies, own: Collection[str]) -> set[str]:
    """Return the named hosts that are the user's own, without those named in another way, too.

    A login of a netrc file is for a host, whatever the scheme and the port.
    """
    safe: set[str] = set()
    unsafe: set[str] = set()
    for scheme, host in _named(dependencies):
        with_port = host.rpartition("@")[2].lower()
        try:
            name = urlsplit(f"//{with_port}").hostname
        except ValueError:
            continue
        if name:
            (safe if f"{scheme}://{with_port}" in own else unsafe).add(name)
    return safe - unsafe


def _named(dependencies: Dependencies) -> Iterator[tuple[str, str]]:
    for path, content in dependencies.files.items():
        if isinstance(content, bytes) and path.endswith(_TEXTS):
            for scheme, host in _URL.findall(content):
                yield scheme.decode().lower(), host.decode("utf-8", "replace")
