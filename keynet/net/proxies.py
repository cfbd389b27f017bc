"""Proxies: the one that the environment or the system names for a server.

Source: the manual of curl, "ENVIRONMENT"; Go, golang.org/x/net/http/httpproxy.
"""

import os
from collections.abc import Mapping
from dataclasses import field
from importlib.util import find_spec
from typing import Final
from urllib.parse import unquote

from keynet.errors import UsageError
from keynet.frozen import frozen
from keynet.net.hosts import HostError, ascii_host, check_host_and_port, is_loopback, split_host
from keynet.net.no_proxy import is_exempt
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["Proxy", "proxy_for"]

# Desktops write socks:// for SOCKS 5.
_SCHEMES: Final = {
    "http": "http",
    "https": "https",
    "socks": "socks5",
    "socks5": "socks5",
    "socks5h": "socks5h",
}
_PORTS: Final = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


@frozen
class Proxy:
    """A proxy; its text is its URL without user and password, and where it was named.

    Args:
        url: Scheme, host and port.
        setting: Where it was named: ``HTTPS_PROXY``, or the system's settings.
        target: The server behind it, host:port.
        tunnel: Bytes are passed through; otherwise the proxy reads and sends each request.
    """

    url: str
    setting: str
    target: str
    tunnel: bool
    username: str = field(default="", repr=False)
    password: Secret = field(default=Secret(""), repr=False)

    def __str__(self) -> str:
        return f"{self.url} ({self.setting})"

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password for the HTTP library; None when there are none."""
        password = self.password.reveal()
        return (self.username, password) if self.username or password else None


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """Return the proxy for this server; None for a direct connection.

    NO_PROXY is respected. This machine's own loopback is never reached through a proxy: the
    proxy would look for the server on its own machine.

    Raises:
        UsageError: The proxy's address cannot be used; a password in it is not shown.
    """
    if is_loopback(host):
        return None
    # It loads an HTTP client; most importers of this room need no proxy.
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    name = scheme if proxies.get(scheme) else "all"
    address = proxies.get(name)
    if not address:
        return None
    if "no" in proxies:
        exempt = is_exempt(host, port, proxies["no"])
    else:
        # What the system's own settings exclude.
        exempt = bool(proxy_bypass(f"{host}:{port}"))
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return None if exempt else _read(address.strip(), _setting(name, os.environ), scheme, target)


def _read(address: str, setting: str, scheme: str, target: str) -> Proxy:
    kind, separator, rest = address.partition("://")
    if not separator:
        kind, rest = "http", address
    # The last @ ends user and password, whatever is in them.
    userinfo, _at, server = rest.rpartition("@")
    server = server.partition("/")[0]
    name, _colon, password = userinfo.partition(":")
    reason = _unusable(kind.lower(), userinfo, server)
    if reason:
        shown = f"{printable(kind, 20)}://{server} " if _exists(server) else ""
        raise UsageError(
            fill(
                _("The proxy {proxy}in {setting} cannot be used: {why}."),
                proxy=shown,
                setting=setting,
                why=reason,
            ),
            fill(
                _(
                    "Correct {setting}, for example http://proxy.example.com:3128, or exempt this "
                    "server in NO_PROXY: {target}."
                ),
                setting=setting,
                target=target,
            ),
        )
    kind = _SCHEMES[kind.lower()]
    host, port = split_host(server)
    host = f"[{ascii_host(host)}]" if ":" in host else ascii_host(host)
    url = f"{kind}://{host}:{port or _PORTS[kind]}"
    tunnel = scheme == "https" or kind.startswith("socks")
    return Proxy(url, setting, target, tunnel, unquote(name), Secret(unquote(password)))


def _unusable(kind: str, userinfo: str, server: str) -> str:
    """Return why a proxy cannot be used; "" when it can."""
    if kind not in _SCHEMES:
        return _("its scheme is not http, https, socks5 or socks5h")
    if any(mark in userinfo for mark in "/?#") or not userinfo.isprintable():
        return _("in user and password, / must be written %2F, ? %3F, # %23 and @ %40")
    if not _exists(server):
        # What stands there may be a user and a password whose host was forgotten.
        return _("its host or its port is not valid")
    if kind.startswith("socks") and find_spec("socksio") is None:
        return _("SOCKS needs the package socksio; install it next to keynet")
    return ""


def _exists(server: str) -> bool:
    try:
        check_host_and_port(server)
    except HostError:
        return False
    return True


def _setting(name: str, environment: Mapping[str, str]) -> str:
    """Return the variable that named the proxy, as the user wrote it."""
    for variable in (f"{name}_proxy", f"{name}_proxy".upper()):
        if environment.get(variable):
            return variable
    return _("the system's proxy settings")
