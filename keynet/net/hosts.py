"""Hosts: which names and ports can exist, and which of them are this machine."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from keynet.text import _, fill, printable

__all__ = ["HostError", "ascii_host", "check_host_and_port", "is_loopback", "split_host"]

_NAME: Final = re.compile(r"[a-z0-9_][a-z0-9_-]*(?:\.[a-z0-9_-]+)*\.?")
_LONGEST_NAME: Final = 253
_LONGEST_LABEL: Final = 63
_LAST_PORT: Final = 65535


class HostError(ValueError):
    """A host or port cannot exist; the text is the reason, in words for people."""


def is_loopback(host: str) -> bool:
    """Report whether host or host[:port] can only be this machine.

    These are 127.0.0.0/8, ::1, localhost and names that end in .localhost (RFC 6761).
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        # A name, or an address in brackets or with a port.
        pass
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return f".{name}".endswith(".localhost") or ip_address(name).is_loopback
    except ValueError:
        return False


def split_host(name: str) -> tuple[str, str]:
    """Split host[:port] into host, without brackets, and port, "" when there is none."""
    if name.startswith("["):
        host, _bracket, rest = name[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _colon, port = name.partition(":")
    return host, port


def check_host_and_port(name: str) -> None:
    """Check the parts of host[:port]; an IPv6 address has brackets.

    Raises:
        HostError: The host cannot exist, or the port is not a number from 1 to 65535.
    """
    host, port = split_host(name)
    if name.startswith("[") and ":" not in host:
        raise HostError(_("its host is not an IPv6 address, which the brackets are for"))
    ascii_host(host)
    if name.rpartition("]")[2].count(":") and not _is_port(port):
        raise HostError(
            fill(_("its port {port!r} is not a number from 1 to 65535"), port=printable(port, 60))
        )


@lru_cache(maxsize=1024)
def ascii_host(host: str) -> str:
    """Return a host as DNS and TLS have it: lower case, ASCII, IPv6 without brackets.

    The HTTP library, the name service and TLS refuse different names, some with exceptions of
    their own: what passes here, they all accept.

    Raises:
        HostError: No such host can exist.

    Source: RFC 1035, 2.3.4; RFC 5891; underscores, as engines' networks have them, pass.
    """
    if ":" in host:
        return _ipv6(host)
    name = host.lower()
    if not name.isascii() or "xn--" in name:
        name = _international(host)
    labels = name.removesuffix(".").split(".")
    if labels[-1].isdigit():
        try:
            return str(IPv4Address(name))
        except ValueError as error:
            raise HostError(_("its host is not a valid IPv4 address")) from error
    if len(name) > _LONGEST_NAME or any(len(label) > _LONGEST_LABEL for label in labels):
        raise HostError(
            _("its host is too long: a name has 253 characters at most, 63 between dots")
        )
    if not _NAME.fullmatch(name):
        raise HostError(_("its host is empty, or has characters that no name of a host has"))
    return name


def _international(host: str) -> str:
    # Its tables take a while to load; most hosts are plain.
    import idna

    try:
        name = idna.encode(host.lower()).decode("ascii")
        # The HTTP library decodes such names, and what is only spelled as one fails there.
        idna.decode(name)
    except UnicodeError as error:
        raise HostError(
            fill(
                _("its host is not a valid international name ({reason})"),
                reason=printable(error, 200),
            )
        ) from error
    return name


def _ipv6(host: str) -> str:
    try:
        address = IPv6Address(host)
    except ValueError as error:
        raise HostError(_("its host is not a valid IPv6 address")) from error
    if address.scope_id is not None:
        raise HostError(_("its host is an IPv6 address with a zone (%), which is not supported"))
    return str(address)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= _LAST_PORT
