"""Errors for answers that did not come: connection, TLS, time, redirects. No HTTP library."""

import socket
import ssl

from keynet.errors import BackendError
from keynet.net.addresses import shown
from keynet.net.causes import cause
from keynet.net.proxy_errors import ProxyProblem
from keynet.text import _, fill, printable

__all__ = [
    "NoAnswer",
    "no_connection",
    "proxy_failed",
    "refused_redirect",
    "timed_out",
    "too_large",
    "unreadable",
]


class NoAnswer(Exception):
    """No usable answer came.

    Args:
        error: What is raised when the request is not repeated.
        sent: The request may have reached the server and counted.
        temporary: Another try may help.
    """

    def __init__(self, error: BackendError, *, sent: bool, temporary: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.sent = sent
        self.temporary = temporary


def no_connection(
    what: str, server_url: str, error: Exception, *, sent: bool = True, temporary: bool = True
) -> NoAnswer:
    """Return the error for a connection that was not made or was lost.

    Args:
        temporary: Unless the causes show that another try cannot help.
    """
    name = cause(error, socket.gaierror)
    tls = cause(error, ssl.SSLError)
    unknown = name is not None and name.errno != socket.EAI_AGAIN
    untrusted = cause(error, ssl.SSLCertVerificationError)
    if untrusted is not None:
        explained = _untrusted(what, server_url, untrusted)
    else:
        hint = _("Check the server's URL, the network and any proxy (HTTPS_PROXY, NO_PROXY).")
        if tls is not None:
            hint = _("Is this an https address? Check its port, and any proxy in between.")
        elif name is not None:
            hint = _("Check the server's name, and this machine's name service.")
        explained = _did_not_answer(what, server_url, _words(error), hint)
    temporary = temporary and not unknown and tls is None
    return NoAnswer(explained, sent=sent, temporary=temporary)


def proxy_failed(what: str, server_url: str, problem: ProxyProblem) -> NoAnswer:
    """Return the error for a proxy that is in the way; the server itself was not reached."""
    error = BackendError(
        fill(
            _("Cannot {what}: {server} cannot be reached: {reason}."),
            what=what,
            server=server_url,
            reason=problem.reason,
        ),
        problem.hint,
    )
    return NoAnswer(error, sent=False, temporary=problem.temporary)


def unreadable(what: str, server_url: str, error: Exception, *, temporary: bool) -> NoAnswer:
    """Return the error for an answer that was cut off or breaks the grammar of HTTP."""
    why = fill(_("the answer was cut off or is not HTTP: {error}"), error=_words(error))
    hint = _("Try again; check any proxy in between.")
    explained = _did_not_answer(what, server_url, why, hint)
    return NoAnswer(explained, sent=True, temporary=temporary)


def timed_out(what: str, server_url: str, why: str = "", *, sent: bool = True) -> NoAnswer:
    """Return the error for an answer that did not come in time."""
    why = printable(why, 300) or _("no answer in time")
    hint = _("Check the network and any proxy, then try again.")
    explained = _did_not_answer(what, server_url, why, hint)
    return NoAnswer(explained, sent=sent, temporary=True)


def too_large(what: str, server_url: str) -> NoAnswer:
    """Return the error for an answer that was not read to its end."""
    error = BackendError(
        fill(
            _("Cannot {what}: the answer of {server} is larger than 4 MB."),
            what=what,
            server=server_url,
        ),
        _("Check the server's URL, and any proxy in between."),
    )
    return NoAnswer(error, sent=True, temporary=False)


def refused_redirect(what: str, location: str) -> BackendError:
    """Return the error for a redirect that is not followed."""
    return BackendError(
        fill(
            _("Cannot {what}: the server redirects the request to {target}."),
            what=what,
            target=shown(location) or _("nowhere"),
        ),
        _(
            "keynet sends credentials only to the server that you named. "
            "If the platform has moved, log in there."
        ),
    )


def _untrusted(what: str, server_url: str, error: ssl.SSLCertVerificationError) -> BackendError:
    server = printable(server_url)
    return BackendError(
        fill(
            _("Cannot {what}: the certificate of {server} is not trusted ({why})."),
            what=what,
            server=server,
            why=printable(error.verify_message, 300),
        ),
        fill(
            _("For a private CA: keynet login {server} --ca-cert FILE, or set KEYNET_CA_CERT."),
            server=server,
        ),
    )


def _did_not_answer(what: str, server_url: str, why: str, hint: str) -> BackendError:
    return BackendError(
        fill(
            _("Cannot {what}: {server} did not answer ({why})."),
            what=what,
            server=server_url,
            why=why,
        ),
        hint,
    )


def _words(error: Exception) -> str:
    return printable(error, 300) or type(error).__name__
