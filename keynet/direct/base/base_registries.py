"""The registries that a base image is read from: its mirrors, then its own.

What has a digest is verified by it, whoever sends it. A mirror that fails or lacks something is
passed over; the error of the last one, the image's own registry, counts.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import field, replace
from typing import ClassVar, Final, TypeVar

from keynet.direct.base.base_source import read_base
from keynet.direct.base.registries_conf import RegistriesConf, Source
from keynet.errors import KeynetError
from keynet.events import Emit, LogLine
from keynet.frozen import frozen
from keynet.net.retry import Retries
from keynet.oci.base_config import Looked
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.registry.account_client import open_client
from keynet.registry.client import RegistryClient
from keynet.registry.kept_documents import KeptDocuments
from keynet.registry.transfer.pull_image import RemoteLayer
from keynet.text import _, fill

__all__ = ["BaseRegistries", "Open"]

# A mirror that does not answer is not waited for: the next source may.
_FEW: Final = Retries(attempts=2)

Open = Callable[[Source], RegistryClient]
_Result = TypeVar("_Result")


class BaseRegistries:
    """The registries of base images; close them.

    Args:
        conf: Names mirrors and what short names mean.
        access: Of the platform's registry, which has an account of keynet's own.
        open_: Opens a client, once for each registry; for tests.
    """

    def __init__(
        self,
        conf: RegistriesConf,
        access: RegistryAccess | None,
        emit: Emit,
        open_: Open | None = None,
    ) -> None:
        self._conf = conf
        self._access = access
        self._emit = emit
        self._open = open_ or self._opened
        self._clients: dict[tuple[str, bool, bool], RegistryClient] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def client(self, source: Source) -> RegistryClient:
        """Return the client of a source's registry."""
        key = source.reference.registry, source.insecure, source.followed
        if key not in self._clients:
            self._clients[key] = self._open(source)
        return self._clients[key]

    async def pinned(self, base: Reference, written: str = "") -> Reference:
        """Return a base by the digest that its tag has now; without one if no registry has it.

        Args:
            written: As the user wrote it, see ``RegistriesConf.sources``.

        Raises:
            RegistryError: No registry can be asked.
            ValidationError: The configuration blocks it.
        """
        if base.digest is not None:
            return base

        async def head(source: Source) -> Digest | None:
            there = source.reference
            found = await self.client(source).head_manifest(there.repository, there.identifier)
            return None if found is None else found.digest

        digest = await self._first(self._conf.sources(base, written), head)
        return base if digest is None else base.with_digest(digest)

    async def facts(self, base: Reference, written: str, wanted: Platform) -> Looked | None:
        """Return what a base image is for a platform; None if no registry has it.

        Raises:
            RegistryError, ValidationError: See ``pinned``.
        """

        from keynet.registry.base_lookup import look

        async def asked(source: Source) -> Looked | None:
            kept = KeptDocuments.here()
            return await look(self.client(source), source.reference, wanted, kept)

        return await self._first(self._conf.sources(base, written), asked)

    async def image(self, base: Reference, written: str, platform: Platform) -> Image:
        """Return a base image; its layers are read from the first registry that has them.

        Raises:
            NotFound: No registry has it, or none has it for the platform.
            RegistryError, ValidationError: See ``pinned`` and ``read_base``.
        """
        sources = self._conf.sources(base, written)

        async def read(source: Source) -> Image:
            return await read_base(self.client(source), source.reference, platform)

        image = await self._first(sources, read)
        assert image is not None
        if len(sources) == 1:
            return image
        places = tuple(sources)
        return replace(
            image,
            layers=tuple(
                _MirroredLayer(layer.descriptor, layer.diff_id, layer.origin, places, self.client)
                for layer in image.layers
            ),
        )

    async def _first(
        self, sources: Sequence[Source], ask: Callable[[Source], Awaitable[_Result | None]]
    ) -> _Result | None:
        """Return the first result; None if each registry has nothing of the name."""
        for number, source in enumerate(sources, 1):
            why = _("it has no such image")
            try:
                found = await ask(source)
            except KeynetError as error:
                if number == len(sources):
                    raise
                why, found = error.message, None
            if found is not None:
                return found
            if number < len(sources):
                text = fill(_("Skipping {source}: {why}"), source=source.reference.name, why=why)
                self._emit(LogLine(text, "base"))
        return None

    def _opened(self, source: Source) -> RegistryClient:
        registry, access = source.reference.registry, self._access
        retries = _FEW if source.followed else None
        own = access if access is not None and access.host == registry else None
        if source.insecure and own is None:
            return RegistryClient(registry, insecure=True, retries=retries)
        return open_client(registry, own, retries=retries)


@frozen
class _MirroredLayer:
    """A layer that is in several registries."""

    descriptor: Descriptor
    diff_id: Digest
    origin: Reference | None
    sources: tuple[Source, ...]
    client: Open = field(repr=False, compare=False)
    checks_digest: ClassVar[bool] = True

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Read the bytes as stored, from byte 0 at every call, verified at the end.

        Raises:
            NotFound: No registry has it.
            KeynetError: A registry failed after it had begun.
        """
        for number, source in enumerate(self.sources, 1):
            begun = False
            try:
                async with aclosing(self._at(source).chunks()) as chunks:
                    async for chunk in chunks:
                        begun = True
                        yield chunk
            except KeynetError:
                if begun or number == len(self.sources):
                    raise
            else:
                return

    def _at(self, source: Source) -> RemoteLayer:
        place = source.reference
        return RemoteLayer(
            self.descriptor,
            self.diff_id,
            Reference(place.registry, place.repository),
            client=self.client(source),
        )
