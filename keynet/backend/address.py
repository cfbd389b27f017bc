"""Where the backend is: its URL written one way."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from keynet.errors import UsageError
from keynet.net.hosts import is_loopback
from keynet.text import _, fill, printable

__all__ = ["normalised_url", "same_host"]

_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+")
# urlsplit takes what stands between the bracket and the port for nothing.
_BRACKETED: Final = re.compile(r"\[[^\[\]]+\](?::[0-9]*)?")


def normalised_url(text: str, *, insecure: bool = False) -> str:
    """Write a server's URL one way: https when no scheme is given, no slash at the end.

    Raises:
        UsageError: It is no URL, holds a user, query or fragment, or is plain http to another
            machine without ``insecure``.
    """
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError as e:
        raise _no_url(text, _("it is no URL")) from e
    if parts.scheme not in ("http", "https"):
        raise _no_url(text, _("it is neither https nor http"))
    if "@" in parts.netloc:
        raise _no_url("", _("it holds a user name or a password"))
    if not text.isprintable() or any(c.isspace() or c == "\\" for c in text):
        raise _no_url(text, _("it is no URL"))
    if not _is_host(host) or ("[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc)):
        raise _no_url(text, _("its host is none"))
    if parts.query or parts.fragment:
        raise _no_url("", _("it holds a query or a fragment"))
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        raise UsageError(
            fill(
                _("{url} is plain http, which shows the password to everybody on the way."),
                url=printable(text, 300),
            ),
            _("Use https, or accept it with --insecure."),
        )
    name = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    shown_port = f":{port}" if port not in (None, default) else ""
    return f"{parts.scheme}://{name}{shown_port}{parts.path.rstrip('/')}"


def same_host(one: str, other: str) -> bool:
    """Tell whether two host[:port] name one registry; the default ports may be written out."""
    return _bare(one) == _bare(other)


def _is_host(name: str) -> bool:
    try:
        if ":" in name:
            return bool(ip_address(name))
        # What the name service is asked for; labels are 1 to 63 bytes long.
        return _HOST.fullmatch(name.encode("idna").decode()) is not None
    except ValueError:
        return False


def _bare(host: str) -> str:
    return host.lower().removesuffix(":443").removesuffix(":80")


def _no_url(url: str, reason: str) -> UsageError:
    return UsageError(
        fill(
            _("The server's address{url} cannot be used: {why}."),
            url=f" {printable(url, 200)!r}" if url else "",
            why=reason,
        ),
        _("Write it as https://api.example.com, with its path if it has one."),
    )
