"""Token servers on other hosts, as users declare them: ``host``, ``host:port`` or a URL. Pure.

A declaration lets a registry have its credentials sent there in exchange for tokens. It comes from
the user alone: a flag, a variable, a keyword; never from a repository or a registry.
"""

from collections.abc import Iterable

from keynet.errors import UsageError
from keynet.net import addresses
from keynet.net.addresses import DEFAULT_PORTS, AddressError, Origin, shown, split_host
from keynet.text import _, fill, printable

__all__ = ["declared", "is_declared", "written"]


def declared(texts: Iterable[str]) -> frozenset[str]:
    """Return declarations as host or host:port, in lower case.

    Args:
        texts: ``host``, ``host:port``, or a URL whose path does not count; or all of them in one
            string, with commas or spaces between them.

    Raises:
        UsageError: One is not an address, or has user and password in it.
    """
    if isinstance(texts, str):
        texts = texts.replace(",", " ").split()
    return frozenset(_read(text.strip()) for text in texts if text.strip())


def is_declared(server: Origin, token_hosts: frozenset[str], *, own: bool) -> bool:
    """Report whether a token server is declared.

    A host without a port stands for all of its ports; for the registry's own host (``own``), where
    other ports may belong to other people, for the default port of the scheme.
    """
    host = _bracketed(server.host)
    if f"{host}:{server.port}" in token_hosts:
        return True
    any_port = not own or server.port == DEFAULT_PORTS[server.scheme]
    return any_port and host in token_hosts


def written(server: Origin) -> str:
    """Return the declaration of just this server."""
    host = printable(_bracketed(server.host), 200)
    return host if server.port == DEFAULT_PORTS[server.scheme] else f"{host}:{server.port}"


def _read(text: str) -> str:
    try:
        origin = addresses.origin_of(text if "://" in text else f"https://{text}")
    except AddressError as error:
        raise _unusable(text, str(error)) from error
    bare = text.partition("://")[2] if "://" in text else text
    netloc, slash, _path = bare.partition("/")
    if "," in netloc or "*" in netloc or (slash and "://" not in text):
        raise _unusable(text, _("it is not a host or host:port"))
    host = _bracketed(origin.host)
    return f"{host}:{origin.port}" if split_host(netloc)[1] else host


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _unusable(text: str, reason: str) -> UsageError:
    return UsageError(
        fill(
            _("The token server {text!r} cannot be used: {reason}."),
            text=shown(text),
            reason=reason,
        ),
        _("Write it as host or host:port, in --token-host, KEYNET_TOKEN_HOSTS or token_hosts=."),
    )
