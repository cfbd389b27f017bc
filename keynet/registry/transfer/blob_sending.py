"""Send the blobs of one image into a repository, each only where the registry lacks it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from keynet.events import Emit
from keynet.oci.descriptor import Digest
from keynet.oci.image import Layer
from keynet.registry.client import RegistryClient
from keynet.registry.concurrent_work import run_together

__all__ = ["CONCURRENCY", "BlobSending"]

CONCURRENCY: Final = 4

# So few bytes are sent as quickly as a question about them is answered.
_SMALL: Final = 64 * 1024


class BlobSending:
    """The blobs of one image on their way; those that were believed to be there are remembered.

    Args:
        mount_from: Repositories of the same registry that may hold layers, in addition to the
            layers' own ``origin``.
        concurrency: Layers sent at the same time.
        chunk_size: Bytes in one upload request; see ``keynet.registry.transfer.upload.Upload``.
        new_repository: It probably holds nothing yet: what can be mounted and what is small is
            not looked for first.
    """

    def __init__(
        self,
        client: RegistryClient,
        repository: str,
        *,
        emit: Emit,
        mount_from: Sequence[str] = (),
        concurrency: int = CONCURRENCY,
        chunk_size: int | None = None,
        new_repository: bool = False,
    ) -> None:
        self._client = client
        self._repository = repository
        self._mount_from = mount_from
        self._emit = emit
        self._gate = asyncio.Semaphore(concurrency)
        self._chunk_size = chunk_size
        self._new = new_repository
        self._not_sent: set[Digest] = set()
        self._begun: dict[Digest, asyncio.Task[None]] = {}

    def begin(self, layers: Iterable[Layer]) -> None:
        """Begin to send layers, in tasks of the running loop, before the whole image is known.

        ``send`` waits for them, and raises what they raise; ``cancel`` ends them.
        """
        named = {layer.descriptor.digest: layer for layer in layers}
        new = {digest: layer for digest, layer in named.items() if digest not in self._begun}
        self._expect(new.values())
        for digest, layer in new.items():
            task = asyncio.ensure_future(self._send_layer(layer))
            # Nobody may come to ask: then asyncio would print the error.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._begun[digest] = task

    async def cancel(self) -> None:
        """Cancel what was begun and is not done."""
        for task in self._begun.values():
            task.cancel()
        await asyncio.gather(*self._begun.values(), return_exceptions=True)

    async def send(self, layers: Iterable[Layer], config: bytes, config_type: str) -> None:
        """Send what the registry lacks."""
        # To mount takes one request, while the others have to be opened, filled and closed.
        ordered = sorted(layers, key=lambda layer: bool(self._origins(layer)))
        self._expect(ordered)
        first = self._client.looks_denied
        if first:
            # Where nothing is allowed, one refusal is enough.
            await self._send_config(config, config_type)
        jobs = [self._finish(layer) for layer in ordered]
        await run_together(jobs if first else [self._send_config(config, config_type), *jobs])

    async def send_all_the_same(
        self, layers: Iterable[Layer], config: bytes, config_type: str
    ) -> None:
        """Send what the registry was believed to have."""
        missing, self._not_sent = self._not_sent, set()
        jobs = [
            self._send_layer(each, look=False)
            for each in layers
            if each.descriptor.digest in missing
        ]
        await run_together([*jobs, self._send_config(config, config_type, look=False)])

    def _expect(self, layers: Iterable[Layer]) -> None:
        origins = {each for layer in layers for each in self._origins(layer)}
        if origins:
            self._client.expect_mounts(self._repository, sorted(origins))

    async def _finish(self, layer: Layer) -> None:
        begun = self._begun.get(layer.descriptor.digest)
        await (self._send_layer(layer) if begun is None else begun)

    async def _send_layer(self, layer: Layer, *, look: bool = True) -> None:
        origins = self._origins(layer) if look else []
        size = layer.descriptor.size
        async with self._gate:
            sent = await self._client.upload(
                self._repository,
                layer.descriptor,
                layer.chunks,
                mount_from=origins,
                chunk_size=self._chunk_size,
                emit=self._emit,
                # Some layers hash themselves while they are read.
                checked=getattr(layer, "checks_digest", False) is True,
                look=look and not (self._new and not origins and size <= _SMALL),
                mount_first=self._new,
            )
        if not sent:
            self._not_sent.add(layer.descriptor.digest)

    def _origins(self, layer: Layer) -> list[str]:
        """Return the repositories that a layer may be mounted from, the likeliest first."""
        origin = layer.origin
        own = [origin.repository] if origin and origin.registry == self._client.registry else []
        return [*own, *self._mount_from]

    async def _send_config(self, config: bytes, media_type: str, *, look: bool = True) -> None:
        async with self._gate:
            await self._client.upload_bytes(
                self._repository,
                media_type,
                config,
                emit=self._emit,
                look=look and not (self._new and len(config) <= _SMALL),
            )
