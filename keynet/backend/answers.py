"""What an answer of the backend means: its value, or the error that its status stands for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import pydantic

from keynet.backend import problem
from keynet.backend.models import WireProjects, WireSignIn, WireUploadKey
from keynet.errors import BackendError, NotAuthorised
from keynet.net.retry import retry_after
from keynet.secret import Secret
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["Answer", "read", "refusal", "rejected", "succeeded"]

_HYPERPARAMETERS_SHOWN: Final = 20
# A shorter one would be found within ordinary words.
_SHORTEST_HIDDEN: Final = 4

_Wire = TypeVar("_Wire", WireSignIn, WireProjects, WireUploadKey)


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers (whose names have any case) and the whole body.

    ``secrets`` were in the request: a server that repeats them must not have them shown.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    secrets: tuple[Secret, ...] = ()


def succeeded(answer: Answer, what: str, server_url: str) -> Answer:
    """Give the answer back, or raise what its status means.

    Raises:
        NotAuthorised, BackendError
    """
    login = f"keynet login {printable(server_url)}"
    why = refusal(answer)
    match answer.status:
        case 200 | 201:
            return answer
        case 401 | 403:
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
                    _("Cannot {what}: the platform gets too many requests ({why})."),
                    what=what,
                    why=why,
                ),
                fill(_("Wait{seconds} and try again."), seconds=_seconds(answer.headers)),
            )
        case status if status >= 500:
            raise BackendError(
                fill(_("Cannot {what}: the platform failed ({why})."), what=what, why=why),
                _("Try again later; when it stays so, tell the platform's operators."),
            )
        case _:
            raise BackendError(fill(_("Cannot {what}: {why}."), what=what, why=why))


def read(model: type[_Wire], answer: Answer, what: str) -> _Wire:
    """Read the body as this model.

    Raises:
        BackendError: It is cut off, no JSON, or not what was asked for.
    """
    try:
        return model.model_validate_json(answer.body)
    except pydantic.ValidationError as e:
        first = e.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg']}" if where else first["msg"]
        # The cause would carry the answer, and with it the token, into a traceback.
        raise BackendError(
            fill(
                _("Cannot {what}: the platform's answer cannot be used ({why})."),
                what=what,
                why=printable(why, 300),
            ),
            _("Check that the server's URL is right, with its path: is it this platform's API?"),
        ) from None


def rejected(
    answer: Answer, what: str, hyperparameters: Sequence[Mapping[str, Any]]
) -> BackendError:
    """Say why the platform does not take these hyperparameters, and which they are."""
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
    """Give the status and the server's own words, safe to show."""
    said = problem.message(answer.body).rstrip(".")
    for secret in answer.secrets:
        if len(secret.reveal()) >= _SHORTEST_HIDDEN:
            said = said.replace(printable(secret.reveal()), "***")
    return f"HTTP {answer.status}: {said}" if said else f"HTTP {answer.status}"


def _seconds(headers: Mapping[str, str]) -> str:
    asked = retry_after(headers.get("retry-after"))
    return f" {asked:.0f} s" if asked else ""
