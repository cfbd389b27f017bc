"""The backend's client: one method for each call, a clear error for each failure.

Source: docs/reference/backend.md.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from keynet.backend.answers import read, refusal, rejected_hyperparameters, require_success
from keynet.backend.models import (
    Project,
    ProjectPage,
    SignedIn,
    UploadKey,
    WireProjects,
    WireUploadKey,
)
from keynet.errors import BackendError, NotAuthorised, UsageError
from keynet.net.addresses import same_host
from keynet.net.retry import Retries
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["BackendClient", "preload"]

_TIMEOUT_S: Final = 30.0
_PAGES: Final = 1000


def preload() -> None:
    """Import ahead of time what a client imports when it is made: httpx takes a while."""
    from keynet.backend import transport

    transport.preload()


class BackendClient:
    """Talk to one platform; close it, or use it as a context manager.

    Args:
        server_url: With scheme; a path prefix is kept.
        token: None before a sign-in.
        ca_cert: A PEM file trusted in addition to the system's store.
        insecure: Accept plain http to another machine.
        sleep: Called with the seconds between two attempts.
        timeout_s: For each single read and write.
        retries: Limits on repeated attempts; None uses those of a push.

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
        timeout_s: float = _TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        if token is not None and not (token.reveal().isascii() and token.reveal().isprintable()):
            raise UsageError(
                _("The API token has characters that are not allowed in a token."),
                _("Check KEYNET_API_TOKEN, or log in again."),
            )
        self._token = token
        from keynet.backend.transport import Transport

        self._transport = Transport(
            server_url,
            ca_cert=ca_cert,
            insecure=insecure,
            sleep=sleep,
            timeout_s=timeout_s,
            retries=retries,
        )
        self.server_url = self._transport.server_url

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
        self._transport.close()

    def sign_in(self, email: str, password: Secret) -> SignedIn:
        """Exchange e-mail and password for a token and a Harbor account.

        Raises:
            NotAuthorised: The platform refuses them.
            BackendError: Any other failure.
        """
        from keynet.backend.sign_in_answer import WireSignIn

        what = fill(_("sign in at {server}"), server=self.server_url)
        answer = self._transport.send(
            "POST",
            "/v1/auth/sign-in/one-time",
            what,
            body={"email": email, "password": password.reveal()},
        )
        answer = replace(answer, secrets=(password,))
        if answer.status in (400, 401, 403, 422):
            raise NotAuthorised(
                fill(
                    _("Cannot {what} as {email}: {why}."),
                    what=what,
                    email=printable(email, 300),
                    why=refusal(answer),
                ),
                _("Check the e-mail address and the password, and that the server is right."),
            )
        return read(WireSignIn, require_success(answer, what, self.server_url), what).checked()

    def trainable_projects(self, page: int = 0, limit: int = 20) -> ProjectPage:
        """Return one page, counted from 0, of the projects that this user may push to.

        Raises:
            NotAuthorised, BackendError
        """
        what = fill(_("list the projects at {server}"), server=self.server_url)
        answer = self._transport.send(
            "GET",
            f"/v1/projects/trainable?page={page}&limit={limit}",
            what,
            token=self._token,
        )
        answer = require_success(answer, what, self.server_url)
        return read(WireProjects, answer, what).checked(page)

    def pages(self, limit: int = 20) -> Iterator[ProjectPage]:
        """Yield page after page; it ends even when the server's counts are wrong.

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
        """Yield every project once; pages are fetched as they are needed."""
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
        """Request the name under which an image may be pushed.

        Args:
            hyperparameters: ``Argument`` objects as JSON; numbers stay numbers.
            harbor_host: host[:port] of the login's registry; an image in another is refused.

        Raises:
            NotAuthorised, BackendError
        """
        what = fill(
            _("get an upload key for {model!r} in project {project}"),
            model=printable(model_name, 200),
            project=project_id,
        )
        answer = self._transport.send(
            "POST",
            f"/v1/projects/{int(project_id)}/trains/images",
            what,
            body={"modelName": model_name, "hyperParameters": _finite(list(hyperparameters))},
            token=self._token,
        )
        if answer.status in (400, 422):
            raise rejected_hyperparameters(answer, what, hyperparameters)
        key = read(WireUploadKey, require_success(answer, what, self.server_url), what).checked()
        if key.image is not None and not same_host(key.image.registry, harbor_host):
            raise BackendError(
                fill(
                    _("The platform asks to push to {image}, but the login's registry is {host}."),
                    image=key.image,
                    host=printable(harbor_host, 300),
                ),
                _("Log in again: the platform may have moved. Nothing was built or pushed."),
            )
        return key


def _finite(value: Any) -> Any:
    """Replace infinity and NaN, which JSON does not have, by strings."""
    match value:
        case float() if not math.isfinite(value):
            return str(value)
        case Mapping():
            return {str(key): _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
