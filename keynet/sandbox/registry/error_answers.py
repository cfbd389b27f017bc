"""What the registry refuses, as the specification's error codes.

Source: OCI distribution-spec 1.1, "Error codes".
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["HANDLERS", "Refusal"]

_CODES = {404: "NOT_FOUND", 405: "UNSUPPORTED"}


class Refusal(Exception):
    """A request that is refused; becomes the answer."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


async def _answered(request: Request, error: Exception) -> Response:
    """Return the answer to a refused request."""
    assert isinstance(error, Refusal)
    body = {"errors": [{"code": error.code, "message": error.message}]}
    return JSONResponse(body, status_code=error.status, headers=error.headers)


async def _for_status(request: Request, error: Exception) -> Response:
    """Return the answer to a path or method that does not exist."""
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "UNKNOWN")
    body = {"errors": [{"code": code, "message": error.detail}]}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)


async def _unusable(request: Request, error: Exception) -> Response:
    """Return the answer where the files cannot be used: a full disk, for example."""
    assert isinstance(error, OSError)
    why = f"the registry cannot use its files: {error.strerror or type(error).__name__}"
    return JSONResponse({"errors": [{"code": "UNKNOWN", "message": why}]}, status_code=500)


# What a service with the registry's routes passes as its exception handlers.
HANDLERS: Final[dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]] = {
    Refusal: _answered,
    HTTPException: _for_status,
    OSError: _unusable,
}
