"""What went wrong at a proxy, in words: the server behind it is not to blame. No HTTP library."""

import os
import re
import socket
import ssl
from collections.abc import Mapping
from typing import Final

from keynet.frozen import frozen
from keynet.net.causes import cause, causes
from keynet.net.proxies import Proxy
from keynet.net.retry import TEMPORARY_STATUSES
from keynet.text import _, fill, printable

__all__ = ["ProxyProblem", "ProxyStage", "login_wanted", "passed_by", "proxy_problem"]

# The proxy answers to CONNECT with a status of its own.
_REFUSED: Final = r"([1-5][0-9]{2})\b"
_REACHED: Final = frozenset(
    {"http_proxy.start_tls.started", "socks.setup_socks5_connection.complete"}
)


@frozen
class ProxyProblem:
    """Why a server cannot be reached: a clause without a full stop, and what to do next."""

    reason: str
    hint: str
    temporary: bool


class ProxyStage:
    """Follow one request's way: is its failure the proxy's, or the server's behind it?

    Args:
        proxy: None for a direct connection.
    """

    def __init__(self, proxy: Proxy | None) -> None:
        self.proxy = proxy
        self._connecting = False
        self._connection: object = None

    @property
    def at_fault(self) -> Proxy | None:
        """The proxy while its connection is being made; None once the server is reached."""
        return self.proxy if self._connecting else None

    def note(self, event: str, details: Mapping[str, object]) -> None:
        """Take an event of the HTTP library's ``trace`` extension."""
        if event.endswith("connect_tcp.started"):
            self._connecting = True
        elif event.endswith("connect_tcp.complete"):
            self._connection = details.get("return_value")
        elif event in _REACHED or (
            self.proxy is not None and not self.proxy.tunnel and "send_request_headers" in event
        ):
            self._connecting = False

    async def anote(self, event: str, details: Mapping[str, object]) -> None:
        """As ``note``, for an asynchronous library."""
        self.note(event, details)

    def close(self) -> None:
        """Close the connection to a proxy at fault: the HTTP library leaves some open."""
        if self._connecting and (close := getattr(self._connection, "close", None)):
            close()

    async def aclose(self) -> None:
        """As ``close``, for an asynchronous library."""
        if self._connecting and (close := getattr(self._connection, "aclose", None)):
            await close()


def proxy_problem(proxy: Proxy, error: BaseException) -> ProxyProblem:
    """Return what a failed connection to a proxy, or through it, means."""
    text = printable(error, 200)
    refused = re.match(_REFUSED, text)
    if refused is not None:
        return _refusal(proxy, int(refused[1]), text)
    if "invalid username/password" in text.lower() or "but got" in text:
        return _login_refused(proxy, text)
    reason, temporary = _connection(proxy, error, text)
    hint = fill(
        _("Check {setting}, or add the server to NO_PROXY if it is reached directly: {target}"),
        setting=proxy.setting,
        target=proxy.target,
    )
    return ProxyProblem(reason, hint, temporary)


def _connection(proxy: Proxy, error: BaseException, text: str) -> tuple[str, bool]:
    """Return why there is no connection, and whether another try may help."""
    untrusted = cause(error, ssl.SSLCertVerificationError)
    plain = [e for e in causes(error) if isinstance(e, OSError) and not isinstance(e, ssl.SSLError)]
    known = [os.strerror(e.errno) for e in plain if e.errno]
    if untrusted is not None:
        why = untrusted.verify_message or str(untrusted)
        template = _("the certificate of {proxy} is not trusted ({why})")
    elif cause(error, socket.gaierror) is not None:
        why, template = "", _("the host name of {proxy} cannot be resolved")
    elif known:
        why, template = known[-1], _("{proxy} cannot be reached ({why})")
    elif "Proxy Server could not connect" in text:
        why, template = (
            text.partition(": ")[2].rstrip("."),
            _("{proxy} cannot connect to {target} ({why})"),
        )
    elif "timeout" in type(error).__name__.lower():
        why, template = "", _("{proxy} does not answer in time")
    else:
        why = text.rstrip(".") or type(error).__name__
        reason = fill(_("{proxy} does not answer as a proxy does ({why})"), **_named(proxy, why))
        return reason, False
    return fill(template, target=proxy.target, **_named(proxy, why)), untrusted is None


def login_wanted(proxy: Proxy | None, detail: str = "407") -> ProxyProblem:
    """Return the meaning of a 407: only proxies send it.

    Args:
        proxy: None when no proxy is set and there is one in between nevertheless.
    """
    if proxy is None:
        return ProxyProblem(
            _("a proxy in between wants a login (407)"),
            _("Name that proxy in HTTPS_PROXY, or HTTP_PROXY, with its user and password."),
            temporary=False,
        )
    return _login_refused(proxy, detail)


def passed_by(proxy: object, hint: str) -> str:
    """Return the hint, and that a proxy was in between that may be the one that failed."""
    note = fill(
        _("The request went through the proxy {proxy}, which may be at fault."), proxy=proxy
    )
    return f"{hint} {note}" if hint else note


def _refusal(proxy: Proxy, status: int, text: str) -> ProxyProblem:
    if status == 407:
        return _login_refused(proxy, text)
    named = _named(proxy, text)
    if status >= 500:
        return ProxyProblem(
            fill(_("{proxy} cannot connect to {target} ({why})"), target=proxy.target, **named),
            fill(
                _(
                    "Check the name of the server, then ask the proxy's owner. If it is reached "
                    "directly, add it to NO_PROXY: {target}"
                ),
                target=proxy.target,
            ),
            temporary=status in TEMPORARY_STATUSES,
        )
    return ProxyProblem(
        fill(_("{proxy} refuses connections to {target} ({why})"), target=proxy.target, **named),
        fill(
            _(
                "Ask the proxy's owner to allow it. If the server is reached directly, "
                "add it to NO_PROXY: {target}"
            ),
            target=proxy.target,
        ),
        temporary=False,
    )


def _login_refused(proxy: Proxy, detail: str) -> ProxyProblem:
    named = _named(proxy, detail.rstrip("."))
    if proxy.login is None:
        reason = fill(_("{proxy} wants a login ({why})"), **named)
    else:
        reason = fill(_("{proxy} refuses its user and password ({why})"), **named)
    return ProxyProblem(
        reason,
        fill(
            _(
                "Write user and password into {setting} as http://USER:PASSWORD@HOST:PORT, with / "
                "as %2F, @ as %40, # as %23."
            ),
            setting=proxy.setting,
        ),
        temporary=False,
    )


def _named(proxy: Proxy, why: str = "") -> dict[str, str]:
    return {"proxy": fill(_("the proxy {proxy}"), proxy=proxy), "why": why}
