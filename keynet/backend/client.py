"""The backend's HTTP client: one call a method, every failure its own clear error.

Source: SPEC 1.5; FACTS "Security".
"""

import json
import math
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx

from keynet import trust
from keynet.backend.address import normalised_url, same_host
from keynet.backend.answers import Answer, read, refusal, rejected, retry_after, succeeded
from keynet.backend.models import (
    Project,
    ProjectPage,
    SignedIn,
    UploadKey,
    WireProjects,
    WireSignIn,
    WireUploadKey,
)
from keynet.errors import BackendError, NotAuthorised, UsageError
from keynet.hosts import is_loopback
from keynet.secret import Secret
from keynet.text import _, printable

__all__ = ["BackendClient", "normalised_url"]

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_LONGEST_ANSWER_S: Final = 120.0
_BODY_LIMIT: Final = 4_000_000
_ATTEMPTS: Final = 4
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 30.0
_REDIRECTS: Final = 5
_PAGES: Final = 1000
_NEVER_CONNECTED: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_Error = TypeVar("_Error", bound=BaseException)


class BackendClient:
    """Talk to one platform; close it, or use it as a context manager.

    Args:
        server_url: With scheme; a path prefix is kept.
        token: None before a sign-in.
        ca_cert: A PEM file trusted besides the system's store.
        insecure: Plain http to another machine is accepted.
        sleep: Called with the seconds between two attempts.

    Raises:
        UsageError: The URL or the certificate file cannot be used.
    """

    def __init__(
        self,
        server_url: str,
        token: Secret | None = None,
        *,
        ca_cert: Path | None = None,
        insecure: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        timeout: httpx.Timeout = _TIMEOUT,
    ) -> None:
        self.server_url = normalised_url(server_url, insecure=insecure)
        if token is not None and not (token.reveal().isascii() and token.reveal().isprintable()):
            raise UsageError(
                _("The API token has characters that no token has."),
                _("Check KEYNET_API_TOKEN, or log in again."),
            )
        self._token = token
        self._sleep = sleep
        parts = urlsplit(self.server_url)
        try:
            httpx.URL(self.server_url).host.encode("idna")
        except (UnicodeError, httpx.InvalidURL) as e:
            raise UsageError(
                _("The server's address {url!r} cannot be used: its host is none.").format(
                    url=printable(server_url, 200)
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
            self._http = httpx.Client(
                verify=tls,
                timeout=timeout,
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"BackendClient({self.server_url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def sign_in(self, email: str, password: Secret) -> SignedIn:
        """Exchange e-mail and password for a token and a Harbor account.

        Raises:
            NotAuthorised: The platform refuses them.
            BackendError: Anything else that failed.
        """
        what = _("sign in at {server}").format(server=printable(self.server_url))
        answer = self._call(
            "POST",
            "/v1/auth/sign-in/one-time",
            what,
            body={"email": email, "password": password.reveal()},
        )
        answer = replace(answer, secrets=(password,))
        if answer.status in (400, 401, 403, 422):
            raise NotAuthorised(
                _("Cannot {what} as {email}: {why}.").format(
                    what=what, email=printable(email, 300), why=refusal(answer)
                ),
                _("Check the e-mail address and the password, and that the server is right."),
            )
        return read(WireSignIn, succeeded(answer, what, self.server_url), what).checked()

    def trainable_projects(self, page: int = 0, limit: int = 20) -> ProjectPage:
        """Fetch one page of the projects that this user may push to, counted from 0.

        Raises:
            NotAuthorised, BackendError
        """
        what = _("list the projects at {server}").format(server=printable(self.server_url))
        answer = self._call(
            "GET", f"/v1/projects/trainable?page={page}&limit={limit}", what, signed=True
        )
        return read(WireProjects, succeeded(answer, what, self.server_url), what).checked(page)

    def pages(self, limit: int = 20) -> Iterator[ProjectPage]:
        """Fetch page after page; ends by itself even when the server's counts are wrong.

        Raises:
            NotAuthorised, BackendError
        """
        seen: set[int] = set()
        for number in range(_PAGES):
            page = self.trainable_projects(number, limit)
            new = {project.id for project in page.projects} - seen
            seen |= new
            if new or number == 0:
                yield page
            short = page.total is None and len(page.projects) < limit
            if not new or short or (page.total is not None and len(seen) >= page.total):
                return

    def projects(self) -> Iterator[Project]:
        """Fetch every project, each once, as many pages as are asked for."""
        seen: set[int] = set()
        for page in self.pages():
            for project in page.projects:
                if project.id not in seen:
                    seen.add(project.id)
                    yield project

    def request_upload_key(
        self,
        project_id: int,
        model_name: str,
        hyperparameters: Sequence[Mapping[str, Any]],
        *,
        harbor_host: str,
    ) -> UploadKey:
        """Ask under which name this image may be pushed.

        Args:
            hyperparameters: ``Argument`` objects as JSON (SPEC 3); numbers stay numbers.
            harbor_host: host[:port] of the login's registry; an image elsewhere is refused.

        Raises:
            NotAuthorised, BackendError
        """
        what = _("get an upload key for {model!r} in project {project}").format(
            model=printable(model_name, 200), project=project_id
        )
        answer = self._call(
            "POST",
            f"/v1/projects/{int(project_id)}/trains/images",
            what,
            body={"modelName": model_name, "hyperParameters": _finite(list(hyperparameters))},
            signed=True,
        )
        if answer.status in (400, 422):
            raise rejected(answer, what, hyperparameters)
        key = read(WireUploadKey, succeeded(answer, what, self.server_url), what).checked()
        if key.image is not None and not same_host(key.image.registry, harbor_host):
            raise BackendError(
                _(
                    "The platform says to push to {image}, but the login's registry is {host}."
                ).format(image=key.image, host=printable(harbor_host, 300)),
                _("Log in again: the platform may have moved. Nothing was built or pushed."),
            )
        return key

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        body: Mapping[str, Any] | None = None,
        signed: bool = False,
    ) -> Answer:
        """Send a request, again where that is safe, and follow redirects to the same origin."""
        headers = {}
        if signed:
            headers["Authorization"] = f"Bearer {self._token.reveal() if self._token else ''}"
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, allow_nan=False).encode()
        url = self.server_url + path
        for _hop in range(_REDIRECTS):
            request = self._http.build_request(method, url, headers=headers, content=content)
            answer = self._send_with_retries(request, what)
            if answer.status not in (301, 302, 303, 307, 308):
                return replace(answer, secrets=(self._token,) if self._token else ())
            url = self._redirected(answer, url, method, what)
        raise BackendError(
            _("Cannot {what}: the server redirects in a circle.").format(what=what),
            _("Check the server's URL: {server}").format(server=printable(self.server_url)),
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


def _finite(value: Any) -> Any:
    """JSON knows neither infinity nor NaN: they travel as strings."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value


def _unreachable(what: str, server_url: str, error: Exception) -> BackendError:
    server = printable(server_url)
    why = printable(error, 300) or type(error).__name__
    certificate = _cause(error, ssl.SSLCertVerificationError)
    if certificate is not None:
        return BackendError(
            _("Cannot {what}: the certificate of {server} is not trusted ({why}).").format(
                what=what, server=server, why=printable(certificate.verify_message, 300)
            ),
            _(
                "For a private CA: keynet login {server} --ca-cert FILE, or set KEYNET_CA_CERT."
            ).format(server=server),
        )
    if _cause(error, ssl.SSLError) is not None:
        hint = _("Is this an https address? Check its port, and any proxy in between.")
    elif _cause(error, socket.gaierror) is not None:
        hint = _("Check the server's name, and this machine's name service.")
    elif isinstance(error, httpx.TimeoutException):
        why = printable(error, 300) or _("no answer in time")
        hint = _("Check the network and any proxy, then try again.")
    elif isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError)):
        why = _("the answer was cut off or is no HTTP: {error}").format(error=why)
        hint = _("Try again; check any proxy in between.")
    else:
        hint = _("Check the server's URL, the network and any proxy (HTTPS_PROXY, NO_PROXY).")
    return BackendError(
        _("Cannot {what}: {server} did not answer ({why}).").format(
            what=what, server=server, why=why
        ),
        hint,
    )


def _moved(what: str, location: str) -> BackendError:
    return BackendError(
        _("Cannot {what}: the server sends the request on to {target}.").format(
            what=what, target=printable(location, 300) or _("nowhere")
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
