"""Proxies: the one that the environment or the system names for a server."""

from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from keynet.errors import UsageError
from keynet.net.hosts import is_loopback
from keynet.text import _

__all__ = ["proxy_for"]

_SOCKS: Final = frozenset({"socks5", "socks5h"})


def proxy_for(scheme: str, host: str, port: int) -> str | None:
    """Return the URL of the proxy for this server; None for a direct connection.

    NO_PROXY is respected. This machine's own loopback is never reached through a proxy: the
    proxy would look for the server on its own machine.

    Raises:
        UsageError: The proxy's URL cannot be used; it is not shown, it may hold a password.
    """
    if is_loopback(host):
        return None
    # It loads an HTTP client; most importers of this room need no proxy.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(f"{host}:{port}"):
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    if not _is_supported(url):
        raise UsageError(
            _("The proxy settings of this machine cannot be used."),
            _(
                "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY: "
                "http and https proxies are supported."
            ),
        )
    return url


def _is_supported(url: str) -> bool:
    if not url.isprintable() or any(character.isspace() for character in url):
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        usable = bool(host.encode("idna")) and host.isascii() and parts.port != 0
    except ValueError:
        return False
    # httpx speaks SOCKS with a package of its own.
    kinds = {"http", "https"} | (_SOCKS if find_spec("socksio") else set())
    return usable and parts.scheme in kinds
