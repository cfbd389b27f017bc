"""Hosts: which of them are this machine, and by which proxy the others are reached."""

from ipaddress import ip_address
from urllib.parse import urlsplit

__all__ = ["is_loopback", "proxy_for"]


def is_loopback(host: str) -> bool:
    """Tell whether host or host[:port] can only be this machine.

    These are 127.0.0.0/8, ::1, localhost and what ends in .localhost (RFC 6761).
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


def proxy_for(scheme: str, host: str, port: int) -> str | None:
    """Give the URL of the proxy that environment or system name for this server; None: direct.

    A proxy on the way cannot reach this machine's own loopback.
    """
    if is_loopback(host):
        return None
    # It loads an HTTP client; most who import this module need no proxy.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(f"{host}:{port}"):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"
