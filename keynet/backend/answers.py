"""Answers of the backend: the value in one, or the error for its status."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final, TypeVar

import pydantic

from keynet.backend import problem
from keynet.backend.models import Wire
from keynet.errors import BackendError, NotAuthorised
from keynet.frozen import frozen
from keynet.net import server_words
from keynet.net.proxy_errors import passed_by
from keynet.net.retry import retry_after, try_again
from keynet.secret import Secret
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["Answer", "read", "refusal", "rejected_hyperparameters", "require_success"]

_HYPERPARAMETERS_SHOWN: Final = 20

_Wire = TypeVar("_Wire", bound=Wire)


@frozen
class Answer:
    """A status, headers (whose names have any case) and the complete body.

    ``secrets`` were in the request: they are not shown when the server repeats them.
    ``through`` names the proxy that read the request and may have answered itself.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    secrets: tuple[Secret, ...] = ()
    through: str = ""


def require_success(answer: Answer, what: str, server_url: str) -> Answer:
    """Return the answer, or raise the error for its status.

    Raises:
        NotAuthorised, BackendError
    """
    try:
        return _successful(answer, what, server_url)
    except (NotAuthorised, BackendError) as error:
        if answer.through and (answer.status == 403 or answer.status >= 500):
            error.hint = passed_by(answer.through, error.hint)
        raise


def _successful(answer: Answer, what: str, server_url: str) -> Answer:
    login = f"keynet login {printable(server_url)}"
    why = refusal(answer)
    later = try_again(retry_after(answer.headers.get("retry-after")))
    match answer.status:
        case 200 | 201:
            return answer
        case 403:
            raise NotAuthorised(
                fill(
                    _("Cannot {what}: the platform refuses the login ({why})."), what=what, why=why
                ),
                fill(
                    _(
                        "The account may lack the permission, or the token was revoked. Ask the "
                        "platform's operators, or log in again with: {login}"
                    ),
                    login=login,
                ),
            )
        case 401:
            raise NotAuthorised(
                fill(
                    _("Cannot {what}: the platform refuses the login ({why})."), what=what, why=why
                ),
                fill(
                    _(
                        "The token has expired or was revoked, or the server has changed. "
                        "Log in again with: {login}"
                    ),
                    login=login,
                ),
            )
        case 404:
            raise BackendError(
                fill(_("Cannot {what}: not found ({why})."), what=what, why=why),
                fill(
                    _("Check the project's number with `keynet project list`, and the server: {s}"),
                    s=server_url,
                ),
            )
        case 429:
            raise BackendError(
                fill(
                    _("Cannot {what}: the platform receives too many requests ({why})."),
                    what=what,
                    why=why,
                ),
                later,
            )
        case status if status >= 500:
            raise BackendError(
                fill(_("Cannot {what}: the platform failed ({why})."), what=what, why=why),
                fill(_("{later} If it persists, contact the platform's operators."), later=later),
            )
        case _:
            raise BackendError(
                fill(_("Cannot {what}: {why}."), what=what, why=why),
                _("Check the server's URL; the platform's operators find the cause in its log."),
            )


def read(model: type[_Wire], answer: Answer, what: str) -> _Wire:
    """Return the body as this model.

    Raises:
        BackendError: It is cut off, is not JSON, or has another shape.
    """
    try:
        return model.model_validate_json(answer.body)
    except pydantic.ValidationError as e:
        first = e.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}" if where else first["msg"]
        page = server_words.page(answer.body)
        if page:
            why = fill(_("a page came in its place: {page}"), page=page)
        # The cause would carry the answer, and with it the token, into a traceback.
        raise BackendError(
            fill(
                _("Cannot {what}: the platform's answer cannot be used ({why})."),
                what=what,
                why=printable(why, 300),
            ),
            _("Check that the server's URL is the platform's API, with its path."),
        ) from None


def rejected_hyperparameters(
    answer: Answer, what: str, hyperparameters: Sequence[Mapping[str, Any]]
) -> BackendError:
    """Return the error for hyperparameters that the platform rejects, naming them."""
    named = problem.offending(answer.body, hyperparameters)
    shown = [
        f"{h.get('name')}: {h.get('type')}, default {json.dumps(h.get('default'))}"[:200]
        for h in (named or hyperparameters)[:_HYPERPARAMETERS_SHOWN]
    ]
    title = _("Rejected hyperparameters:") if named else _("Hyperparameters sent:")
    listed = stacked(title, Block.of(shown, indent="  ")) if shown else ""
    return BackendError(
        stacked(fill(_("Cannot {what}: {why}."), what=what, why=refusal(answer)), listed),
        _("Change them in the script; `keynet params SCRIPT` shows what is sent."),
    )


def refusal(answer: Answer) -> str:
    """Return the status and the server's own message, safe to show."""
    message = problem.message(answer.body, answer.headers.get("content-type", ""), answer.secrets)
    return f"HTTP {answer.status}: {message}" if message else f"HTTP {answer.status}"
