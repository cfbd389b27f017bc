"""Addresses of servers: host[:port] and URLs, read, written one way and compared.

Nothing here connects. What only registries have (token servers, Docker Hub's names) is in
``keynet.registry.address``.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from keynet.errors import UsageError, ValidationError
from keynet.net.hosts import is_loopback
from keynet.oci.reference import Reference
from keynet.text import _, fill, printable

__all__ = [
    "DEFAULT_PORTS",
    "AddressError",
    "Origin",
    "normalised_url",
    "origin_of",
    "registry_host",
    "resolve",
    "same_host",
    "same_server",
    "shown",
    "split_host",
]

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[A-Za-z0-9_.-]+")
# urlsplit ignores text between the bracket and the port.
_BRACKETED: Final = re.compile(r"\[[^\[\]]+\](?::[0-9]*)?")
# What two readers of one URL may understand differently.
_ODD: Final = re.compile(r"[\x00-\x20\x7f\\]")


class AddressError(ValueError):
    """A URL cannot be used; the text is the reason, in words for people."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host (lower case, no brackets) and port: what credentials are bound to."""

    scheme: str
    host: str
    port: int

    @property
    def text(self) -> str:
        """The origin as a URL, with its port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute URL.

    Raises:
        AddressError: Not http(s), no host, a bad port, or user and password in it.
    """
    parts, port = _split(url)
    host = parts.hostname
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise AddressError(_("it is not an http or https URL"))
    if "@" in parts.netloc:
        raise AddressError(_("it has a user or password in it"))
    if _ODD.search(url):
        raise AddressError(_("it has unexpected characters"))
    return Origin(parts.scheme, host, port if port is not None else DEFAULT_PORTS[parts.scheme])


def resolve(current: str, location: str) -> str:
    """Return the URL that a Location header means, without a fragment.

    Args:
        current: The URL whose answer had the header.

    Raises:
        AddressError: As ``origin_of``, or it leads from https to plain http.
    """
    try:
        target = urljoin(current, location).partition("#")[0]
    except ValueError as error:
        raise AddressError(_("it is not a valid URL")) from error
    if origin_of(target).scheme == "http" and origin_of(current).scheme == "https":
        raise AddressError(_("it leads from https to plain http"))
    return target


def shown(url: str) -> str:
    """Return scheme, host and path of a URL, safe to show: the rest may hold secrets."""
    bare = re.split(r"[?#]", url, maxsplit=1)[0]
    scheme, separator, rest = bare.partition("://")
    if not separator:
        scheme, rest = "", bare
    return printable(f"{scheme}{separator}{rest.rpartition('@')[2]}", 200)


def split_host(name: str) -> tuple[str, str]:
    """Split host[:port] into host, without brackets, and port, "" when there is none."""
    if name.startswith("["):
        host, _bracket, rest = name[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _colon, port = name.partition(":")
    return host, port


def same_host(one: str, other: str) -> bool:
    """Report whether two host[:port] name one registry; default ports may be written out."""
    return _without_default_port(one) == _without_default_port(other)


def same_server(one: str | None, other: str | None) -> bool:
    """Report whether two URLs mean the same; an empty one equals nothing."""
    return bool(one) and _comparable(one or "") == _comparable(other or "")


def normalised_url(text: str, *, insecure: bool = False) -> str:
    """Return a platform's URL written one way: with scheme, without a slash at the end.

    Args:
        text: https when it has no scheme.
        insecure: Accept plain http to another machine.

    Raises:
        UsageError: Not a URL; with a user, query or fragment; or plain http to another machine.
    """
    text = text.strip()
    try:
        parts, port = _split(_with_scheme(text))
    except AddressError as error:
        raise _unusable(text, str(error)) from error
    host = parts.hostname or ""
    if parts.scheme not in DEFAULT_PORTS:
        raise _unusable(text, _("it is neither https nor http"))
    if "@" in parts.netloc:
        raise _unusable("", _("it has a user name or a password in it"))
    if not text.isprintable() or any(c.isspace() or c == "\\" for c in text):
        raise _unusable(text, _("it is not a valid URL"))
    if not _is_host(host) or ("[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc)):
        raise _unusable(text, _("it has no valid host"))
    if parts.query or parts.fragment:
        raise _unusable("", _("it has a query or a fragment"))
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        raise UsageError(
            fill(
                _("{url} is plain http, which shows the password to everybody on the way."),
                url=printable(text, 300),
            ),
            _("Use https, or accept it with --insecure."),
        )
    return _written(parts, port)


def registry_host(url: str) -> tuple[str, str]:
    """Split a registry's URL, or a bare host, into scheme and host[:port].

    Raises:
        UsageError: It is neither, or has a user name in it.
    """
    try:
        parts, _port = _split(_with_scheme(url))
        if parts.scheme in DEFAULT_PORTS and "@" not in parts.netloc:
            return parts.scheme, Reference(parts.netloc, "any").registry
    except (AddressError, ValidationError) as error:
        raise _unusable_registry(url) from error
    raise _unusable_registry(url)


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError(_("it is not a valid URL")) from error
    return parts, port


def _with_scheme(text: str) -> str:
    return text if "://" in text else f"https://{text}"


def _written(parts: SplitResult, port: int | None) -> str:
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{name}{shown_port}{parts.path.rstrip('/')}"


def _comparable(url: str) -> str:
    """Write a URL one way with all that it holds; what is not a URL stays as it is."""
    try:
        parts, port = _split(_with_scheme(url.strip()))
    except AddressError:
        return url
    user = parts.netloc.rpartition("@")[0]
    return f"{user}@{_written(parts, port)}?{parts.query}#{parts.fragment}"


def _without_default_port(name: str) -> tuple[str, str]:
    host, port = split_host(name.lower())
    return host, "" if port in ("80", "443") else port


def _is_host(name: str) -> bool:
    try:
        if ":" in name:
            return bool(ip_address(name))
        # What the name service is asked for; labels are 1 to 63 bytes long.
        return _HOST.fullmatch(name.encode("idna").decode()) is not None
    except ValueError:
        return False


def _unusable(url: str, reason: str) -> UsageError:
    return UsageError(
        fill(
            _("The server's address{url} cannot be used: {why}."),
            url=f" {shown(url)!r}" if url else "",
            why=reason,
        ),
        _("Write it as https://api.example.com, with its path if it has one."),
    )


def _unusable_registry(url: str) -> UsageError:
    return UsageError(
        fill(_("The registry's address {url!r} cannot be used."), url=shown(url)),
        _("Set KEYNET_HARBOR_URL to an address such as https://harbor.example.com."),
    )
