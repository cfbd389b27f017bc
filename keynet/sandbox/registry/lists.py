"""Lists of tags and of repositories, page by page.

Source: OCI distribution-spec 1.1, "Listing tags".
"""

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from keynet.frozen import frozen
from keynet.sandbox.registry.access import Guard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.error_answers import Refusal
from keynet.sandbox.registry.grammar import repository

__all__ = ["ListApi"]

_PAGE: Final = 1000


@frozen
class ListApi:
    """The endpoints."""

    disk: Disk
    guard: Guard

    async def version(self, request: Request) -> Response:
        """Answer GET /v2/."""
        self.guard.check(request, None)
        return JSONResponse({})

    async def tags(self, request: Request) -> Response:
        """Answer GET …/tags/list."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "pull")
        if not self.disk.exists(name):
            raise Refusal(404, "NAME_UNKNOWN", f"there is no repository {name}")
        return _page(request, "tags", self.disk.tags(name), {"name": name})

    async def catalog(self, request: Request) -> Response:
        """Answer GET /v2/_catalog."""
        self.guard.check(request, None, "*")
        return _page(request, "repositories", self.disk.names(), {})


def _page(request: Request, key: str, names: list[str], body: dict[str, str]) -> Response:
    asked = request.query_params.get("n", str(_PAGE))
    if not (asked.isascii() and asked.isdecimal()) or len(asked) > 9:
        raise Refusal(400, "PAGINATION_NUMBER_INVALID", "n must be a number")
    size, last = min(int(asked), _PAGE), request.query_params.get("last", "")
    rest = sorted((n for n in names if _order(n) > _order(last)), key=_order)
    shown, headers = rest[:size], {}
    if shown and len(rest) > size:
        following = urlencode({"n": size, "last": shown[-1]})
        headers["Link"] = f'<{request.url.path}?{following}>; rel="next"'
    return JSONResponse({**body, key: shown}, headers=headers)


def _order(name: str) -> tuple[str, str]:
    """Return the specification's order: without regard to case."""
    return name.lower(), name
