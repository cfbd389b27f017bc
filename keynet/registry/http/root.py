"""The API's root, asked once a session how to sign in, by those who have credentials.

GHCR, GitLab and zot ask for credentials there only: elsewhere they tell anonymous readers that an
image is absent, and shorten lists. It costs no more than the refusal that other registries begin
with.

Source: OCI distribution-spec, "Determining Support".
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from keynet.errors import RegistryError
from keynet.net.retry import TEMPORARY_STATUSES, Budget, Retries
from keynet.registry.address import follow, origin_of
from keynet.registry.auth.authentication import Authorizer
from keynet.registry.http.exchange import Answer, Call
from keynet.text import _

__all__ = ["REDIRECTS", "ROOT", "Root"]

ROOT: Final = "/v2/"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Root:
    """The root of one registry.

    Args:
        send: Makes one exchange, without redirects.
        wait: Waits before the next try, or raises the error of an answer.
    """

    def __init__(
        self,
        auth: Authorizer,
        send: Callable[[Call], Awaitable[Answer]],
        wait: Callable[[Budget, Answer, str], Awaitable[None]],
        retries: Retries,
    ) -> None:
        self.asked = False
        self._auth = auth
        self._send = send
        self._wait = wait
        self._retries = retries
        self._lock = asyncio.Lock()

    async def offer_credentials(self, base: str, repository: str) -> bool:
        """Learn how to sign in, if there are credentials; report whether the root answered.

        Args:
            base: The URL in front of ``/v2/``.
            repository: Whose credentials count; "" for the registry as a whole.

        Raises:
            RegistryUnreachable: No answer; to be retried with the request that comes next.
        """
        if self.asked or self._auth.challenged_before:
            return False
        async with self._lock:
            if self.asked or not await self._auth.may_sign_in(repository):
                return False
            answer = await self._answer(f"{base}{ROOT}")
            if answer.status == 401:
                self._auth.learn(answer)
            self.asked = True
            return True

    async def _answer(self, url: str) -> Answer:
        """Return the root's own answer; what it redirects to elsewhere says nothing."""
        budget = Budget(self._retries)
        call, redirected = Call("GET", url), False
        while True:
            answer = await self._send(call)
            if answer.status in REDIRECTS and "location" in answer.headers and not redirected:
                target = _own(call.url, answer.headers["location"])
                if target is not None:
                    call, redirected = replace(call, url=target), True
                    continue
            if answer.status not in TEMPORARY_STATUSES:
                return answer
            try:
                await self._wait(budget, answer, _("sign in"))
            except RegistryError:
                # Without the root the requests may still be answered.
                return answer


def _own(current: str, location: str) -> str | None:
    """Return where a redirect on the same origin leads; None: elsewhere."""
    try:
        target = follow(current, location)
    except RegistryError:
        return None
    return target if origin_of(target) == origin_of(current) else None
