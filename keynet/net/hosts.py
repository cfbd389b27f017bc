"""Hosts: which of them are this machine."""

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["is_loopback"]


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
