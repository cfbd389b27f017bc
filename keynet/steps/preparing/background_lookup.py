"""Ask registries about base images while the rest of a build is prepared.

Best effort: a registry that does not answer soon, or not to this account, is not known, and
stops nothing. The engine may have its own copy, a mirror or another login.
"""

import asyncio
import contextlib
import hashlib
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from typing import TYPE_CHECKING, Final, TypeAlias

from keynet.errors import KeynetError
from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess

if TYPE_CHECKING:
    from keynet.registry.base_lookup import Looked

__all__ = ["UNKNOWN", "Answer", "BackgroundLookup", "Unknown", "has_registry", "remember", "seen"]

# How long a caller waits for an answer at most; then how long the thread may live without one.
_WAIT_S: Final = 2.0
_CONNECT_S: Final = 2.0
_READ_S: Final = 5.0
_TOTAL_S: Final = 30.0
_MOST_DOCUMENTS: Final = 64


class Unknown:
    """The answer of a registry that did not answer."""


UNKNOWN: Final = Unknown()
Answer: TypeAlias = "Looked | Unknown | None"


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
        """Begin to look for an image; do nothing if that has begun already."""
        if has_registry(base) and (base, wanted) not in self._running:
            self._running[base, wanted] = _Lookup(base, wanted, self._access)

    def result(self, base: Reference, wanted: Platform) -> Answer:
        """Return what the registry has; None: no image of that name."""
        self.start(base, wanted)
        lookup = self._running.get((base, wanted))
        return UNKNOWN if lookup is None else lookup.result(self._wait_s)


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
        try:
            self._future.set_result(asyncio.run(self._look(base, wanted, access)))
        except BaseException as error:  # noqa: BLE001 - raised to whoever waits
            self._future.set_exception(error)

    async def _look(
        self, base: Reference, wanted: Platform, access: RegistryAccess | None
    ) -> Answer:
        try:
            async with asyncio.timeout(_TOTAL_S):
                return await _ask(base, wanted, access)
        except (KeynetError, TimeoutError, OSError):
            return UNKNOWN


def has_registry(base: Reference) -> bool:
    """Report whether an image can be in a registry; podman calls its own images localhost/…."""
    return base.registry != "localhost"


def seen(name: str) -> bool:
    """Report whether the engine had its own copy of an image the last time."""
    cache = _seen()
    return cache is not None and cache.get(_key(name)) is not None


def remember(name: str) -> None:
    """Remember that the engine has its own copy of an image."""
    cache = _seen()
    if cache is not None and cache.get(_key(name)) is None:
        with contextlib.suppress(OSError):
            cache.put(_key(name), b"")


async def _ask(base: Reference, wanted: Platform, access: RegistryAccess | None) -> "Looked | None":
    from keynet.net.retry import Retries
    from keynet.registry.base_lookup import look
    from keynet.registry.client import RegistryClient
    from keynet.registry.http.exchange import Timeouts

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
        timeout=Timeouts(_CONNECT_S, _READ_S, _READ_S),
        retries=Retries(attempts=1),
    )
    async with client:
        return await look(client, base, wanted, _cache("document", _MOST_DOCUMENTS))


def _seen() -> DiskCache | None:
    return _cache("seen", _MOST_DOCUMENTS)


def _cache(stem: str, most: int) -> DiskCache | None:
    try:
        return DiskCache(places.cache() / "bases", stem, most)
    except KeynetError:
        return None


def _key(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
