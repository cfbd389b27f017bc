"""Send layers while others are still made: a first push does not wait for the last one.

Only packages that are new to this machine take time, so nothing is begun for any others. What goes
wrong is raised by the push, and what was sent for a build that fails is the registry's to remove.
"""

import threading
from collections.abc import Iterable, Sequence

from keynet.direct.layers import mounting
from keynet.direct.sent_bytes import SentBytes
from keynet.events import BlobStarted, Emit, Event
from keynet.files import places
from keynet.oci.descriptor import Descriptor
from keynet.oci.image import Image, Layer
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.process.event_loop import EventLoop
from keynet.registry.account_client import open_client
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.blob_sending import BlobSending
from keynet.registry.transfer.push_image import push_image

__all__ = ["EarlySending"]


class EarlySending:
    """Layers on their way to the image's own repository; close it while the loop runs.

    Args:
        mount_from: Repositories of the same registry that may hold layers.
    """

    def __init__(
        self,
        loop: EventLoop,
        target: Reference,
        access: RegistryAccess,
        mount_from: Sequence[str] = (),
    ) -> None:
        self._loop = loop
        self._target = target
        self._access = access
        self._mount_from = mount_from
        self._held = _HeldEvents()
        self._sent = SentBytes(self._held)
        self._begun: tuple[RegistryClient, BlobSending] | None = None

    @property
    def begun(self) -> bool:
        """Whether a layer was offered."""
        return self._begun is not None

    def offer(self, layers: Iterable[Layer]) -> None:
        """Begin to send layers of the image, unless that has begun; returns at once."""
        self._loop.run(self._begin(layers))

    def follow(self, emit: Emit) -> SentBytes:
        """Pass events on from now, what has happened first; return what counts the bytes."""
        self._held.release(emit)
        return self._sent

    async def push(self, image: Image) -> Descriptor:
        """Send what is left of the image, and its manifest; see ``push_image``.

        Raises:
            RegistryError: The registry refuses or fails, or has done so before.
        """
        assert self._begun is not None
        client, sending = self._begun
        return await push_image(
            client, image, self._target, emit=self._sent, known_missing=True, begun=sending
        )

    def close(self) -> None:
        """Cancel what is still on its way, and close the connections."""
        if self._begun is not None:
            self._loop.run(self._close(*self._begun))

    async def _begin(self, layers: Iterable[Layer]) -> None:
        if self._begun is None:
            client = open_client(self._target.registry, self._access, self._sent)
            sending = BlobSending(
                client,
                self._target.repository,
                emit=self._sent,
                mount_from=self._mount_from,
                # The name is that of a new upload key: nothing is there.
                new_repository=True,
            )
            self._begun = client, sending
        folder = places.cache() / "direct" / "mounts"
        placed = [mounting.placed(each, self._target.registry, folder) for each in layers]
        self._begun[1].begin(placed)

    async def _close(self, client: RegistryClient, sending: BlobSending) -> None:
        await sending.cancel()
        await client.aclose()


class _HeldEvents:
    """An Emit that keeps where each blob is, until there is somebody to show it."""

    def __init__(self) -> None:
        # Events come from the thread of the loop.
        self._lock = threading.Lock()
        self._started: dict[str, Event] = {}
        self._latest: dict[str, Event] = {}
        self._others: list[Event] = []
        self._emit: Emit | None = None

    def __call__(self, event: Event) -> None:
        with self._lock:
            if self._emit is not None:
                self._emit(event)
                return
            blob = getattr(event, "blob", None)
            if not isinstance(blob, str):
                self._others.append(event)
            elif isinstance(event, BlobStarted):
                self._started[blob] = event
            else:
                self._latest[blob] = event

    def release(self, emit: Emit) -> None:
        with self._lock:
            for event in (*self._others, *self._started.values(), *self._latest.values()):
                emit(event)
            self._emit = emit
