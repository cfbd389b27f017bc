"""A registry some of whose answers a test replaces, as a gateway in front of it would."""

from collections.abc import Callable

import httpx

__all__ = ["Answers", "Overriding"]

Answers = Callable[[httpx.Request], httpx.Response | None]


class Overriding(httpx.AsyncBaseTransport):
    """Ask ``answers`` first; what it leaves goes to ``behind``."""

    def __init__(self, behind: httpx.AsyncBaseTransport, answers: Answers) -> None:
        self._behind = behind
        self._answers = answers

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._answers(request)
        return answer or await self._behind.handle_async_request(request)
