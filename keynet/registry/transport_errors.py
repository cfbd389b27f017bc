"""Why no answer came: the connection, TLS, time, or an answer without end. No HTTP library."""

import os
import socket
import ssl

from keynet.errors import RegistryError, RegistryUnreachable
from keynet.net.causes import cause, causes
from keynet.registry.address import Registry, origin_of
from keynet.text import _, fill, printable

__all__ = ["NoTls", "NobodyThere", "broken", "no_connection", "timed_out", "too_long"]


class NobodyThere(RegistryUnreachable):
    """No connection came about, so nothing was asked."""


class NoTls(NobodyThere):
    """The other side was reached and does not speak TLS."""


def _where(registry: Registry, url: str) -> str:
    try:
        origin = origin_of(url)
        own = origin_of(registry.base(origin.scheme))
    except RegistryError:
        return registry.name
    return registry.name if origin == own else f"{origin.host}:{origin.port}"


def no_connection(registry: Registry, url: str, error: Exception) -> RegistryUnreachable:
    """Say why no connection came about: certificate, name, TLS, or the way."""
    where = _where(registry, url)
    untrusted = cause(error, ssl.SSLCertVerificationError)
    if untrusted is not None:
        reason = printable(untrusted.verify_message or untrusted, 200)
        return NobodyThere(
            fill(
                _("The certificate of {registry} is not trusted: {reason}."),
                registry=where,
                reason=reason,
            ),
            _("Give the CA's certificate with --ca-cert, KEYNET_CA_CERT or SSL_CERT_FILE."),
        )
    # A name that breaks the rules of names fails before it is looked up.
    if isinstance(error, UnicodeError) or cause(error, socket.gaierror) is not None:
        return NobodyThere(
            fill(_("There is no host {registry}: its name cannot be resolved."), registry=where),
            _("Check the spelling and your network (DNS, VPN, proxy)."),
            temporary=True,
        )
    plain = [e for e in causes(error) if isinstance(e, OSError) and not isinstance(e, ssl.SSLError)]
    if url.startswith("https:") and not plain:
        return NoTls(
            fill(
                _("{registry} does not complete the TLS handshake: {reason}."),
                registry=where,
                reason=printable(error, 200) or _("it hangs up"),
            ),
            _("Check the port, and whether it speaks https; a client certificate may be wanted."),
            temporary=True,
        )
    # asyncio puts the address into strerror and leaves the reason out.
    told = [os.strerror(e.errno) for e in plain if e.errno]
    reason = printable(told[-1] if told else error, 200)
    return NobodyThere(
        fill(_("{registry} cannot be reached: {reason}."), registry=where, reason=reason),
        _("Check the address and the port, and that the registry runs."),
        temporary=True,
    )


def broken(
    registry: Registry, url: str, error: Exception, *, temporary: bool
) -> RegistryUnreachable:
    """Say that a connection ended in the middle."""
    return RegistryUnreachable(
        fill(
            _("The connection to {registry} broke: {reason}."),
            registry=_where(registry, url),
            reason=printable(error, 200).rstrip(".") or _("it was cut"),
        ),
        _("Check the network, and a proxy in between if there is one.")
        if temporary
        else _("Check that a registry listens there, and whether it wants a client certificate."),
        temporary=temporary,
    )


def timed_out(registry: Registry, url: str, *, connecting: bool = False) -> RegistryUnreachable:
    """Say that nothing came in time."""
    where = _where(registry, url)
    kind: type[RegistryUnreachable] = NobodyThere if connecting else RegistryUnreachable
    if connecting:
        message = fill(_("{registry} cannot be reached: no connection in time."), registry=where)
    else:
        message = fill(_("{registry} does not answer: nothing came in time."), registry=where)
    return kind(
        message, _("Check the network and whether the registry is overloaded."), temporary=True
    )


def too_long(registry: Registry, url: str, limit: int) -> RegistryError:
    """Say that an answer has no end."""
    return RegistryError(
        fill(
            _("The answer of {registry} is longer than {limit} bytes; it was not read further."),
            registry=_where(registry, url),
            limit=limit,
        ),
        _("Check that the URL is a registry's."),
    )
