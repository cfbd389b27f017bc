"""Ask registries about base images while the rest of a build is prepared.

Best effort: a registry that does not answer soon, or not to this account, is not known, and
stops nothing. The engine may have its own copy, a mirror or another login.
"""

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import Final, TypeAlias

from keynet.errors import KeynetError
from keynet.oci.base_config import Looked
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.steps.preparing import remembered_bases

__all__ = ["UNKNOWN", "Answer", "BackgroundLookup", "Unknown", "has_registry"]

# How long a caller waits for an answer at most; then how long the thread may live without one.
_WAIT_S: Final = 2.0
_CONNECT_S: Final = 2.0
_READ_S: Final = 5.0
_TOTAL_S: Final = 30.0


class Unknown:
    """The answer of a registry that did not answer."""


UNKNOWN: Final = Unknown()
Answer: TypeAlias = Looked | Unknown | None


class BackgroundLookup:
    """Lookups in registries, one for each image, in threads that end by themselves.

    Args:
        access: The platform's registry, which has an account of keynet's own.
        wait_s: The longest wait in ``result``.
    """

    def __init__(self, access: RegistryAccess | None, *, wait_s: float = _WAIT_S) -> None:
        self._access = access
        self._wait_s = wait_s
        self._running: dict[tuple[Reference, Platform], _Lookup] = {}

    def start(self, base: Reference, wanted: Platform) -> None:
        """Begin to look for an image, unless that has begun already or is known."""
        if (
            has_registry(base)
            and (base, wanted) not in self._running
            and remembered_bases.answer(base, wanted) is None
        ):
            self._running[base, wanted] = _Lookup(base, wanted, self._access)

    def result(self, base: Reference, wanted: Platform) -> Answer:
        """Return what the registry has; None: no image of that name."""
        known = remembered_bases.answer(base, wanted)
        if known is not None:
            return known
        self.start(base, wanted)
        lookup = self._running.get((base, wanted))
        found = UNKNOWN if lookup is None else lookup.result(self._wait_s)
        if isinstance(found, Looked) and found.facts is not None:
            remembered_bases.keep_answer(base, wanted, found)
        return found


class _Lookup:
    """One lookup, in a thread with an event loop of its own.

    Nobody waits for its end, and nothing interrupts it: httpx leaves sockets open when it is
    cancelled in a TLS handshake, and a name server that does not answer blocks its thread.
    """

    def __init__(self, base: Reference, wanted: Platform, access: RegistryAccess | None) -> None:
        self._future: Future[Answer] = Future()
        threading.Thread(
            target=self._run, args=(base, wanted, access), name="keynet-lookup", daemon=True
        ).start()

    def result(self, wait_s: float) -> Answer:
        try:
            return self._future.result(wait_s)
        except TooLate:
            return UNKNOWN

    def _run(self, base: Reference, wanted: Platform, access: RegistryAccess | None) -> None:
        # Most pushes look nothing up, and need no event loop until the image is pushed.
        import asyncio

        try:
            self._future.set_result(asyncio.run(self._look(base, wanted, access)))
        except BaseException as error:  # noqa: BLE001 - raised to whoever waits
            self._future.set_exception(error)

    async def _look(
        self, base: Reference, wanted: Platform, access: RegistryAccess | None
    ) -> Answer:
        import asyncio

        try:
            async with asyncio.timeout(_TOTAL_S):
                return await _ask(base, wanted, access)
        except (KeynetError, TimeoutError, OSError):
            return UNKNOWN


def has_registry(base: Reference) -> bool:
    """Report whether an image can be in a registry; podman calls its own images localhost/…."""
    return base.registry != "localhost"


async def _ask(base: Reference, wanted: Platform, access: RegistryAccess | None) -> Looked | None:
    from keynet.net.retry import Retries
    from keynet.registry.base_lookup import look
    from keynet.registry.client import RegistryClient
    from keynet.registry.http.exchange import Timeouts
    from keynet.registry.kept_documents import KeptDocuments

    own = access is not None and access.host == base.registry
    auth = None
    if own and access is not None and access.password is not None:
        auth = access.username, access.password
    plain = own and access is not None and access.insecure
    client = RegistryClient(
        f"http://{base.registry}" if plain else base.registry,
        auth=auth,
        ca_cert=access.ca_cert if access is not None else None,
        insecure=plain,
        token_hosts=access.token_hosts if access is not None else (),
        timeout=Timeouts(_CONNECT_S, _READ_S, _READ_S),
        retries=Retries(attempts=1),
    )
    async with client:
        return await look(client, base, wanted, KeptDocuments.here())
