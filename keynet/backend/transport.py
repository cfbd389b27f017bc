"""Send requests to the backend, again where that is safe; the only place for httpx here.

Redirects stay with the server that was named, and every failure below HTTP becomes one of
ours.

Source: FACTS "Security".
"""

import json
import random
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx

from keynet.backend.address import normalised_url
from keynet.backend.answers import Answer, retry_after
from keynet.errors import BackendError, UsageError
from keynet.net import trust
from keynet.net.hosts import is_loopback
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["Transport"]

_CONNECT_S: Final = 10.0
_LONGEST_ANSWER_S: Final = 120.0
_BODY_LIMIT: Final = 4_000_000
_ATTEMPTS: Final = 4
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_REDIRECTS: Final = 5
_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_Error = TypeVar("_Error", bound=BaseException)


class Transport:
    """The connections to one server, which its user closes.

    Args:
        server_url: With scheme; a path prefix is kept.
        ca_cert: A PEM file trusted besides the system's store.
        insecure: Plain http to another machine is accepted.
        sleep: Called with the seconds between two attempts.
        timeout_s: For each single read and write.

    Raises:
        UsageError: The URL, the certificate file or the proxy cannot be used.
    """

    def __init__(
        self,
        server_url: str,
        *,
        ca_cert: Path | None = None,
        insecure: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        timeout_s: float,
    ) -> None:
        self.server_url = normalised_url(server_url, insecure=insecure)
        self._sleep = sleep
        self._http = _connections(self.server_url, ca_cert, timeout_s)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: Mapping[str, Any] | None = None,
        token: Secret | None = None,
    ) -> Answer:
        """Send a request, again where that is safe, and follow redirects to the same origin.

        Args:
            path: Below the server's URL, with its query.
            what: What is attempted, for errors.
            body: Sent as JSON.

        Returns:
            Whatever its status is; ``token`` is among its secrets.

        Raises:
            BackendError: No answer came, or it sends the request elsewhere.
        """
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        url = self.server_url + path
        for _hop in range(_REDIRECTS):
            request = self._http.build_request(method, url, headers=headers, content=content)
            answer = self._send_with_retries(request, what)
            if answer.status not in (301, 302, 303, 307, 308):
                return replace(answer, secrets=() if token is None else (token,))
            url = self._redirected(answer, url, method, what)
        raise BackendError(
            fill(_("Cannot {what}: the server redirects in a circle."), what=what),
            fill(_("Check the server's URL: {server}"), server=self.server_url),
        )

    def _send_with_retries(self, request: httpx.Request, what: str) -> Answer:
        repeatable = request.method == "GET"
        pause = _FIRST_PAUSE_S
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            wait = pause * random.uniform(0.75, 1.25)  # noqa: S311
            try:
                answer = self._send_once(request)
            except httpx.TransportError as e:
                never_sent = isinstance(e, _NEVER_CONNECTED)
                if last or _is_lasting(e) or not (never_sent or repeatable):
                    raise _unreachable(what, self.server_url, e) from e
            except (httpx.HTTPError, httpx.InvalidURL) as e:
                raise _unreachable(what, self.server_url, e) from e
            else:
                asked = retry_after(answer.headers)
                told_to = answer.status in (429, 503) and asked is not None
                again = told_to or (repeatable and _is_temporary(answer.status))
                if last or not again or (asked or 0) > _LONGEST_PAUSE_S:
                    return answer
                wait = max(wait, asked or 0)
            self._sleep(wait)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")

    def _send_once(self, request: httpx.Request) -> Answer:
        started = time.monotonic()
        response = self._http.send(request, stream=True)
        try:
            body = bytearray()
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > _BODY_LIMIT:
                    raise httpx.DecodingError(_("the answer is larger than 4 MB"))
                if time.monotonic() - started > _LONGEST_ANSWER_S:
                    raise httpx.ReadTimeout(_("the answer took longer than two minutes"))
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            response.close()

    def _redirected(self, answer: Answer, url: str, method: str, what: str) -> str:
        try:
            target = httpx.URL(url).join(answer.headers.get("location", ""))
            kept = method == "GET" or answer.status in (307, 308)
            same = _origin(target) == _origin(httpx.URL(url))
        except httpx.InvalidURL as e:
            raise _moved(what, answer.headers.get("location", "")) from e
        if not kept or not same or not answer.headers.get("location"):
            shown = target.copy_with(query=None, fragment=None, userinfo=b"")
            raise _moved(what, str(shown))
        return str(target)


def _connections(server_url: str, ca_cert: Path | None, timeout_s: float) -> httpx.Client:
    parts = urlsplit(server_url)
    try:
        httpx.URL(server_url).host.encode("idna")
    except (UnicodeError, httpx.InvalidURL) as e:
        raise UsageError(
            fill(
                _("The server's address {url!r} cannot be used: its host is none."),
                url=printable(server_url, 200),
            )
        ) from e
    # A proxy cannot reach this machine's own loopback.
    proxied = not is_loopback(parts.hostname or "")
    if parts.scheme == "https":
        tls = trust.context(() if ca_cert is None else (ca_cert,))
    else:
        # Quickly made, and trusts nobody.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.Client(
            verify=tls,
            timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
            trust_env=proxied,
            follow_redirects=False,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )
    # The cause would show the proxy's URL, which may hold a password.
    except (ImportError, ValueError, httpx.InvalidURL):
        raise UsageError(
            _("The proxy settings of this machine cannot be used."),
            _(
                "Check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY: "
                "http and https proxies are supported."
            ),
        ) from None


def _unreachable(what: str, server_url: str, error: Exception) -> BackendError:
    server = printable(server_url)
    why = printable(error, 300) or type(error).__name__
    certificate = _cause(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        return BackendError(
            fill(
                _("Cannot {what}: the certificate of {server} is not trusted ({why})."),
                what=what,
                server=server,
                why=printable(certificate.verify_message, 300),
            ),
            fill(
                _("For a private CA: keynet login {server} --ca-cert FILE, or set KEYNET_CA_CERT."),
                server=server,
            ),
        )
    if _cause(error, ssl.SSLError) is not None:
        hint = _("Is this an https address? Check its port, and any proxy in between.")
    elif _cause(error, socket.gaierror) is not None:
        hint = _("Check the server's name, and this machine's name service.")
    elif isinstance(error, httpx.TimeoutException):
        why = printable(error, 300) or _("no answer in time")
        hint = _("Check the network and any proxy, then try again.")
    elif isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
        why = fill(_("the answer was cut off or is no HTTP: {error}"), error=why)
        hint = _("Try again; check any proxy in between.")
    else:
        hint = _("Check the server's URL, the network and any proxy (HTTPS_PROXY, NO_PROXY).")
    return BackendError(
        fill(
            _("Cannot {what}: {server} did not answer ({why})."), what=what, server=server, why=why
        ),
        hint,
    )


def _moved(what: str, location: str) -> BackendError:
    return BackendError(
        fill(
            _("Cannot {what}: the server sends the request on to {target}."),
            what=what,
            target=printable(location, 300) or _("nowhere"),
        ),
        _(
            "keynet sends credentials only to the server that you named. "
            "If the platform has moved, log in there."
        ),
    )


def _cause(error: BaseException | None, kind: type[_Error]) -> _Error | None:
    """Find the error below, which httpx wraps more than once."""
    while error is not None:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
    return None


def _is_lasting(error: BaseException) -> bool:
    """Tell whether trying again cannot help: no TLS, no trust, no such name."""
    name = _cause(error, socket.gaierror)
    unknown = name is not None and name.errno != socket.EAI_AGAIN
    return unknown or _cause(error, ssl.SSLError) is not None


def _is_temporary(status: int) -> bool:
    return status in (429, 500, 502, 503, 504)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default
