"""NO_PROXY: the servers that are reached directly, as curl and Go read it. Pure.

Entries are separated by commas or blanks: ``*`` for all servers, a network such as 10.0.0.0/8, an
address, a name (with all names below it; a dot in front changes nothing), ``*.name`` (only the
names below it); names and addresses may have a port. Names are not looked up.

Source: the manual of curl, "NO_PROXY"; Go, golang.org/x/net/http/httpproxy.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from keynet.net.hosts import HostError, ascii_host, split_host

__all__ = ["is_exempt"]

_NETWORK: Final = r"[0-9A-Fa-f:.]+/[0-9]{1,3}"


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Report whether NO_PROXY has this server.

    Args:
        host: Without brackets.
    """
    name = _plain(host)
    address = _address(name)
    for entry in re.split(r"[\s,]+", no_proxy):
        if entry == "*":
            return True
        if "/" in entry:
            if address is not None and _in_network(address, entry):
                return True
        elif entry and _matches(name, address, port, entry):
            return True
    return False


def _matches(name: str, address: IPv4Address | IPv6Address | None, port: int, entry: str) -> bool:
    # An IPv6 address without brackets has no port.
    wanted, wanted_port = (entry, "") if _address(entry) is not None else split_host(entry)
    if wanted_port and wanted_port != str(port):
        return False
    if address is not None:
        return address == _address(wanted)
    only_below = wanted.startswith("*.")
    parent = _plain(wanted.removeprefix("*").lstrip("."))
    return bool(parent) and (name.endswith(f".{parent}") or (name == parent and not only_below))


def _in_network(address: IPv4Address | IPv6Address, entry: str) -> bool:
    if not re.fullmatch(_NETWORK, entry):
        return False
    try:
        return address in ip_network(entry, strict=False)
    except ValueError:
        return False


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _plain(host: str) -> str:
    """Return a name in lower case and ASCII, without the dot at its end."""
    try:
        return ascii_host(host).removesuffix(".")
    except HostError:
        return host.lower().removesuffix(".")
