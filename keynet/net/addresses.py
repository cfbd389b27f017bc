"""Addresses of servers: host[:port] and URLs, read, written one way and compared.

Nothing here connects. What only registries have (token servers, Docker Hub's names) is in
``keynet.registry.address``.
"""

import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from keynet.errors import UsageError, ValidationError
from keynet.frozen import frozen
from keynet.net.hosts import HostError, ascii_host, is_loopback, split_host
from keynet.oci.reference import Reference
from keynet.text import _, fill, printable

__all__ = [
    "DEFAULT_PORTS",
    "AddressError",
    "Origin",
    "has_userinfo",
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
# urlsplit ignores text between the bracket and the port.
_BRACKETED: Final = r"\[[^\[\]]+\](?::[0-9]*)?"
# What two readers of one URL may understand differently.
_ODD: Final = re.compile(r"[\x00-\x20\x7f\\]")
# The HTTP library refuses longer ones.
_LONGEST_URL: Final = 60_000
_PLAIN_NAME: Final = r"[A-Za-z0-9_.-]*"


class AddressError(ValueError):
    """A URL cannot be used; the text is the reason, in words for people."""


@frozen
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
        AddressError: Not http(s), a host or port that cannot exist, or user and password in it.
    """
    if len(url) > _LONGEST_URL:
        raise AddressError(_("it is too long"))
    parts, port = _split(url)
    host = parts.hostname
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise AddressError(_("it is not an http or https URL"))
    if "@" in parts.netloc:
        raise AddressError(_("it has a user or password in it"))
    if _ODD.search(url) or not url.isprintable():
        raise AddressError(_("it has unexpected characters"))
    if "[" in parts.netloc and not re.fullmatch(_BRACKETED, parts.netloc):
        raise AddressError(_("it is not a valid URL"))
    return Origin(parts.scheme, _existing(host), port or DEFAULT_PORTS[parts.scheme])


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
    """Return scheme, host and path of a URL, safe to show: the rest may hold secrets.

    A password with ``/``, ``?`` or ``#`` in it ends where nobody can tell: then only the scheme
    is shown.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url.removeprefix("//")
    authority, tail = _cut(rest, "/?#")
    if "@" in tail and not re.fullmatch(_PLAIN_NAME, authority):
        return printable(f"{scheme}{separator}…", 200)
    path, _rest = _cut(tail, "?#")
    return printable(f"{scheme}{separator}{authority.rpartition('@')[2]}{path}", 200)


def has_userinfo(name: str) -> bool:
    """Report whether HOST[:PORT]/REPOSITORY[:TAG][@DIGEST] may begin with user and password.

    A password may have a slash in it. What follows the @ of a digest has none, and a port before
    it is a number.
    """
    host = name.partition("/")[0]
    _before, at, after = name.rpartition("@")
    _host, colon, port = host.rpartition("]")[2].partition(":")
    wrong_port = bool(colon) and not port.isdigit()
    return "@" in host or (bool(at) and ("/" in after or wrong_port))


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
    if not host or ("[" in parts.netloc and not re.fullmatch(_BRACKETED, parts.netloc)):
        raise _unusable(text, _("it has no valid host"))
    try:
        ascii_host(host)
    except HostError as error:
        raise _unusable(text, str(error)) from error
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
        _existing(parts.hostname or "")
        if parts.scheme in DEFAULT_PORTS and "@" not in parts.netloc:
            return parts.scheme, Reference(parts.netloc, "any").registry
    except AddressError as error:
        raise _unusable_registry(url, str(error)) from error
    except ValidationError as error:
        raise _unusable_registry(
            url, _("it is not host[:port] with http:// or https://")
        ) from error
    raise _unusable_registry(url, _("it has a user, or another scheme than https and http"))


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise AddressError(_("it is not a valid URL")) from error
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise AddressError(_("its port is not a number from 1 to 65535"))
    return parts, port


def _cut(text: str, marks: str) -> tuple[str, str]:
    """Cut before the first of these characters."""
    end = min((found for mark in marks if (found := text.find(mark)) >= 0), default=len(text))
    return text[:end], text[end:]


def _existing(host: str) -> str:
    try:
        return ascii_host(host)
    except HostError as error:
        raise AddressError(str(error)) from error


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


def _unusable(url: str, reason: str) -> UsageError:
    return UsageError(
        fill(
            _("The server's address{url} cannot be used: {why}."),
            url=f" {shown(url)!r}" if url else "",
            why=reason,
        ),
        _("Write it as https://api.example.com, with its path if it has one."),
    )


def _unusable_registry(url: str, reason: str) -> UsageError:
    return UsageError(
        fill(
            _("The registry's address {url!r} cannot be used: {why}."), url=shown(url), why=reason
        ),
        _("Set KEYNET_HARBOR_URL to an address such as https://harbor.example.com."),
    )
