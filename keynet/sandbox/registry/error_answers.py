"""What the registry refuses, as the specification's error codes.

Source: OCI distribution-spec 1.1, "Error codes".
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

__all__ = ["Refusal", "answered", "for_status"]

_CODES = {404: "NOT_FOUND", 405: "UNSUPPORTED"}


class Refusal(Exception):
    """A request that is refused; becomes the answer."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})


async def answered(request: Request, error: Exception) -> Response:
    """Return the answer to a refused request."""
    assert isinstance(error, Refusal)
    body = {"errors": [{"code": error.code, "message": error.message}]}
    return JSONResponse(body, status_code=error.status, headers=error.headers)


async def for_status(request: Request, error: Exception) -> Response:
    """Return the answer to a path or method that does not exist."""
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "UNKNOWN")
    body = {"errors": [{"code": code, "message": error.detail}]}
    return JSONResponse(body, status_code=error.status_code, headers=error.headers)
