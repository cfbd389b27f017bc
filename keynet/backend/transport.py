"""Send requests to the backend, again where that is safe; the only place for httpx here.

Credentials stay with the server that was named: a redirect to another origin is refused. Every
failure below HTTP becomes one of keynet's errors.
"""

import json
import math
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from keynet.backend.answers import Answer
from keynet.backend.http_errors import (
    NoAnswer,
    no_connection,
    proxy_failed,
    refused_redirect,
    timed_out,
    too_large,
    unreadable,
)
from keynet.errors import BackendError
from keynet.frozen import frozen
from keynet.net import trust
from keynet.net.addresses import AddressError, Origin, normalised_url, origin_of, resolve
from keynet.net.proxies import Proxy, proxy_for
from keynet.net.proxy_errors import ProxyStage, login_wanted, passed_by, proxy_problem
from keynet.net.retry import TEMPORARY_STATUSES, Budget, Retries, retry_after
from keynet.secret import Secret
from keynet.text import _, fill

__all__ = ["Transport", "preload"]

_CONNECT_S: Final = 10.0
_LONGEST_ANSWER_S: Final = 120.0
_BODY_LIMIT: Final = 4_000_000
_RETRIES: Final = Retries(attempts=4, longest_delay_s=30.0, total_s=math.inf)
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# The others turn a POST into a GET.
_REPEATING_REDIRECTS: Final = frozenset({307, 308})
_MOST_REDIRECTS: Final = 5
_PROXY_LOGIN: Final = 407
_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@frozen
class _Call:
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes | None = field(repr=False)


def preload() -> None:
    """Import ahead of time what httpx imports when its first client is made."""
    import httpcore  # noqa: F401


class Transport:
    """The connections to one server; close it.

    Args:
        server_url: With scheme; a path prefix is kept.
        ca_cert: A PEM file trusted in addition to the system's store.
        insecure: Accept plain http to another machine.
        sleep: Called with the seconds between two attempts.
        timeout_s: For each single read and write.
        retries: Limits on repeated attempts; None uses those of a push.

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
        retries: Retries | None = None,
    ) -> None:
        self.server_url = normalised_url(server_url, insecure=insecure)
        self._sleep = sleep
        self._retries = retries or _RETRIES
        origin = origin_of(self.server_url)
        self._proxy = proxy_for(origin.scheme, origin.host, origin.port)
        self._http = _connections(origin, ca_cert, timeout_s, self._proxy)

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
            BackendError: No answer came, or it redirects to another server.
        """
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.reveal()}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        call = _Call(method, self.server_url + path, headers, content)
        for _hop in range(_MOST_REDIRECTS):
            answer = self._send_with_retries(call, what)
            if answer.status not in _REDIRECTS:
                return replace(answer, secrets=() if token is None else (token,))
            call = replace(call, url=_target(call, answer, what))
        raise BackendError(
            fill(_("Cannot {what}: the server redirects in a circle."), what=what),
            fill(_("Check the server's URL: {server}"), server=self.server_url),
        )

    def _send_with_retries(self, call: _Call, what: str) -> Answer:
        budget = Budget(self._retries)
        while True:
            try:
                answer = self._send_once(call, what)
            except NoAnswer as failure:
                again = failure.temporary and (call.method == "GET" or not failure.sent)
                delay = budget.next_delay() if again else None
                if delay is None:
                    raise failure.error from failure.__cause__
            else:
                wish = retry_after(answer.headers.get("retry-after"))
                delay = budget.next_delay(wish) if _may_repeat(call, answer) else None
                if delay is None:
                    return answer
            self._sleep(delay)

    def _send_once(self, call: _Call, what: str) -> Answer:
        started = time.monotonic()
        stage = ProxyStage(self._proxy)
        with _mapped(what, self.server_url, stage):
            request = self._http.build_request(
                call.method,
                call.url,
                headers=call.headers,
                content=call.content,
                extensions={"trace": stage.note} if stage.proxy else {},
            )
            response = self._http.send(request, stream=True)
            try:
                if response.status_code == _PROXY_LOGIN:
                    raise proxy_failed(what, self.server_url, login_wanted(self._proxy))
                body = bytearray()
                for chunk in response.iter_raw():
                    body += chunk
                    if len(body) > _BODY_LIMIT:
                        raise too_large(what, self.server_url)
                    if time.monotonic() - started > _LONGEST_ANSWER_S:
                        why = _("the answer took longer than two minutes")
                        raise timed_out(what, self.server_url, why)
                readable = self._proxy is not None and not self._proxy.tunnel
                through = str(self._proxy) if readable else ""
                return Answer(response.status_code, response.headers, bytes(body), through=through)
            finally:
                response.close()


def _may_repeat(call: _Call, answer: Answer) -> bool:
    """Report whether a refused request may be sent again: it had no effect on the server."""
    if call.method == "GET":
        return answer.status in TEMPORARY_STATUSES
    # A server that says when to come back did not do what it was asked.
    said_when = bool(answer.headers.get("retry-after", "").strip())
    return answer.status in (429, 503) and said_when


def _target(call: _Call, answer: Answer, what: str) -> str:
    """Return the URL that a redirect leads to.

    Raises:
        BackendError: Another origin, or it would change the method.
    """
    location = answer.headers.get("location", "")
    try:
        target = resolve(call.url, location)
        same = origin_of(target) == origin_of(call.url)
    except AddressError as error:
        raise refused_redirect(what, location) from error
    repeats = call.method == "GET" or answer.status in _REPEATING_REDIRECTS
    if not location or not same or not repeats:
        raise refused_redirect(what, target if location else "")
    return target


def _connections(
    origin: Origin, ca_cert: Path | None, timeout_s: float, proxy: Proxy | None
) -> httpx.Client:
    cas = () if ca_cert is None else (ca_cert,)
    tls = trust.context(cas) if origin.scheme == "https" else trust.no_context()
    through = None
    if proxy is not None:
        secure = proxy.url.startswith("https:")
        through = httpx.Proxy(
            proxy.url, ssl_context=trust.context(cas) if secure else None, auth=proxy.login
        )
    return httpx.Client(
        verify=tls,
        timeout=httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
        proxy=through,
        trust_env=False,
        follow_redirects=False,
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


@contextmanager
def _mapped(what: str, server_url: str, stage: ProxyStage) -> Iterator[None]:
    """Turn what httpx raises into ``NoAnswer``, and name a proxy that may be to blame."""
    try:
        with _mapped_server(what, server_url):
            yield
    except NoAnswer as failure:
        if stage.at_fault is not None:
            stage.close()
            problem = proxy_problem(stage.at_fault, failure.__cause__ or failure)
            raise proxy_failed(what, server_url, problem) from failure.__cause__
        if stage.proxy is not None:
            failure.error.hint = passed_by(stage.proxy, failure.error.hint)
        raise
    except Exception as error:
        # httpx passes on what its package for SOCKS raises.
        if stage.at_fault is None:
            raise
        stage.close()
        problem = proxy_problem(stage.at_fault, error)
        raise proxy_failed(what, server_url, problem) from error


@contextmanager
def _mapped_server(what: str, server_url: str) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        sent = not isinstance(error, _NEVER_CONNECTED)
        raise timed_out(what, server_url, str(error), sent=sent) from error
    except (httpx.RemoteProtocolError, httpx.DecodingError, httpx.StreamError) as error:
        temporary = isinstance(error, httpx.RemoteProtocolError)
        raise unreadable(what, server_url, error, temporary=temporary) from error
    except (httpx.TransportError, ssl.SSLError) as error:
        # A request that was never sent may be repeated whatever it asks for.
        sent = not isinstance(error, _NEVER_CONNECTED)
        raise no_connection(what, server_url, error, sent=sent) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise no_connection(what, server_url, error, temporary=False) from error
