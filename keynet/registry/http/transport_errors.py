"""Errors for answers that did not come: connection, TLS, time, size. No HTTP library."""

import os
import socket
import ssl

from keynet.errors import RegistryError, RegistryUnreachable
from keynet.net.causes import cause, causes
from keynet.net.proxy_errors import ProxyProblem
from keynet.registry.address import Registry, origin_of
from keynet.text import _, fill, printable

__all__ = [
    "LateAnswer",
    "NotConnected",
    "ProxyFailed",
    "SentElsewhere",
    "TlsFailed",
    "connection_lost",
    "no_connection",
    "no_registry",
    "proxy_failed",
    "sent_elsewhere",
    "timed_out",
    "too_long",
]


class NotConnected(RegistryUnreachable):
    """No connection was made, so nothing was sent."""


class LateAnswer(RegistryUnreachable):
    """The server was reached, and its answer did not come in time."""


class TlsFailed(NotConnected):
    """The server was reached and does not complete the TLS handshake."""


class ProxyFailed(NotConnected):
    """A proxy is in the way; the server itself was not reached."""


class SentElsewhere(RegistryUnreachable):
    """The registry named another address, and no connection to that one was made."""


def no_registry(error: Exception) -> bool:
    """Report whether an error means that the registry itself cannot be reached at all."""
    return isinstance(error, NotConnected)


def sent_elsewhere(registry: Registry, url: str, error: NotConnected) -> SentElsewhere:
    """Return the error for an address that the registry named and that cannot be reached."""
    return SentElsewhere(
        fill(
            _("{registry} sent the request to {address}, which does not work: {reason}"),
            registry=registry.name,
            address=origin_of(url).text,
            reason=error.message,
        ),
        error.hint
        if isinstance(error, ProxyFailed)
        else _(
            "The registry, or a proxy in front of it, has a wrong idea of its public address: "
            "its owner has to correct it."
        ),
        temporary=error.temporary,
    )


def _server(registry: Registry, url: str) -> str:
    """Name the server of a URL: the registry, or the host and port of another one."""
    try:
        origin = origin_of(url)
        own = origin_of(registry.base(origin.scheme))
    except RegistryError:
        return registry.name
    return registry.name if origin == own else f"{origin.host}:{origin.port}"


def _where(registry: Registry, url: str) -> str:
    """Name the server of a URL, and that the registry chose it where it is another one."""
    server = _server(registry, url)
    if server == registry.name:
        return server
    return fill(
        _("{address} (where {registry} sent the request)"), address=server, registry=registry.name
    )


def proxy_failed(registry: Registry, url: str, problem: ProxyProblem) -> ProxyFailed:
    """Return the error for a proxy that is in the way."""
    return ProxyFailed(
        fill(
            _("{registry} cannot be reached: {reason}."),
            registry=_server(registry, url),
            reason=problem.reason,
        ),
        problem.hint,
        temporary=problem.temporary,
    )


def no_connection(registry: Registry, url: str, error: Exception) -> RegistryUnreachable:
    """Return the error for a connection that failed: certificate, name, TLS or network."""
    where = _server(registry, url)
    untrusted = cause(error, ssl.SSLCertVerificationError)
    if untrusted is not None:
        reason = printable(untrusted.verify_message or untrusted, 200)
        return NotConnected(
            fill(
                _("The certificate of {registry} is not trusted: {reason}."),
                registry=where,
                reason=reason,
            ),
            _("Pass the CA's certificate with --ca-cert, KEYNET_CA_CERT or SSL_CERT_FILE."),
        )
    # A name that breaks the rules of names fails before it is looked up.
    if isinstance(error, UnicodeError) or cause(error, socket.gaierror) is not None:
        return NotConnected(
            fill(_("The host name of {registry} cannot be resolved."), registry=where),
            _("Check the spelling and your network (DNS, VPN, proxy)."),
            temporary=True,
        )
    plain = [e for e in causes(error) if isinstance(e, OSError) and not isinstance(e, ssl.SSLError)]
    if url.startswith("https:") and not plain:
        return TlsFailed(
            fill(
                _("{registry} does not complete the TLS handshake: {reason}."),
                registry=where,
                reason=printable(error, 200) or _("it closes the connection"),
            ),
            _("Check the port, and whether it is https; a client certificate may be required."),
            temporary=True,
        )
    # asyncio puts the address into strerror and leaves the reason out.
    known = [os.strerror(e.errno) for e in plain if e.errno]
    reason = printable(known[-1] if known else error, 200)
    return NotConnected(
        fill(_("{registry} cannot be reached: {reason}."), registry=where, reason=reason),
        _("Check the address and the port, and that the registry runs."),
        temporary=True,
    )


def connection_lost(
    registry: Registry, url: str, error: Exception, *, temporary: bool
) -> RegistryUnreachable:
    """Return the error for a connection that ended too early."""
    return RegistryUnreachable(
        fill(
            _("The connection to {registry} was lost: {reason}."),
            registry=_where(registry, url),
            reason=printable(error, 200).rstrip(".") or _("it was cut off"),
        ),
        _("Check the network, and a proxy in between if there is one.")
        if temporary
        else _(
            "Check that a registry listens there, and whether it requires a client certificate."
        ),
        temporary=temporary,
    )


def timed_out(registry: Registry, url: str, *, connecting: bool = False) -> RegistryUnreachable:
    """Return the error for an answer that did not come in time."""
    where = _where(registry, url)
    kind: type[RegistryUnreachable] = NotConnected if connecting else LateAnswer
    if connecting:
        server = _server(registry, url)
        message = fill(_("{registry} cannot be reached: no connection in time."), registry=server)
    else:
        message = fill(_("{registry} does not answer in time."), registry=where)
    return kind(
        message,
        _("Check the network and whether the registry is overloaded."),
        temporary=True,
    )


def too_long(registry: Registry, url: str, limit: int) -> RegistryError:
    """Return the error for an answer that is too long."""
    return RegistryError(
        fill(
            _("The answer of {registry} is longer than {limit} bytes; it was not read further."),
            registry=_where(registry, url),
            limit=limit,
        ),
        _("Check that the URL is a registry's."),
    )
