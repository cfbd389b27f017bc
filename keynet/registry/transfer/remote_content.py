"""A repository as the source or the target of a copy.

Source: OCI distribution-spec, "Pull", "Push".
"""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import field

from keynet.errors import RegistryError, RegistryUnreachable
from keynet.events import Emit, ignore
from keynet.frozen import frozen
from keynet.oci.content import Root
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Blob, Image
from keynet.oci.index_entries import images_of
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry import manifests
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.blob_source import Resumable
from keynet.registry.transfer.pull_image import read_image, require_image
from keynet.registry.transfer.select_image import select_manifest

__all__ = ["RemoteBlob", "RemoteSource", "RemoteTarget", "send_blob"]


@frozen
class RemoteBlob:
    """A blob that is still in its registry; ``chunks`` needs the client to be open."""

    descriptor: Descriptor
    origin: Reference
    client: RegistryClient = field(repr=False, compare=False)

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Read the bytes as stored, from byte 0 at every call, verified before the last."""
        return self.client.get_blob(self.origin.repository, self.descriptor)

    def __call__(self) -> AsyncGenerator[bytes, None]:
        """Read the bytes; see ``chunks``."""
        return self.chunks()

    def resume(self, offset: int) -> AsyncGenerator[bytes, None]:
        """Read the bytes from ``offset``; the reader of the others checks the digest."""
        return self.client.get_blob(self.origin.repository, self.descriptor, start=offset)


async def send_blob(
    client: RegistryClient,
    repository: str,
    blob: Blob,
    *,
    mount_from: Sequence[str] = (),
    emit: Emit = ignore,
) -> None:
    """Store a blob unless it is there: mounted from its origin, else streamed.

    Args:
        mount_from: Further repositories of this registry that may hold it.
    """
    origins = list(mount_from)
    if blob.origin is not None and blob.origin.registry == client.registry:
        origins.insert(0, blob.origin.repository)
    await client.upload(
        repository,
        blob.descriptor,
        blob if isinstance(blob, Resumable) else blob.chunks,
        mount_from=origins,
        emit=emit,
        # Some blobs hash themselves while they are read.
        checked=getattr(blob, "checks_digest", False) is True,
    )


class RemoteSource:
    """An image in a registry, and everything else of its repository by digest."""

    def __init__(self, client: RegistryClient, reference: Reference) -> None:
        self._client = client
        self._reference = reference
        self._repository = reference.repository
        self._read: dict[Digest, bytes] = {}

    @property
    def name(self) -> str:
        """The reference."""
        return str(self._reference)

    async def root(self, platform: Platform | None, *, everything: bool) -> Root:
        """Find the image or, for everything, the index.

        Raises:
            NotFound: There is none of that name, or none for the platform.
        """
        reference = self._reference
        top = await self._client.get_manifest(
            self._repository, reference.digest or reference.identifier
        )
        chosen = top
        if not everything:
            chosen = await select_manifest(self._client, reference, top, platform)
        self._read[chosen.descriptor.digest] = chosen.content
        if chosen is top:
            return Root(top.descriptor)
        entries = [each for each in images_of(top.manifests or ()) if each.platform is not None]
        mine = [each.platform for each in entries if each.digest == chosen.descriptor.digest]
        available = tuple(each.platform for each in entries if each.platform is not None)
        return Root(chosen.descriptor, mine[0] if mine else None, available)

    async def image(self, root: Root) -> Image:
        """Return one image; its layers are read later.

        Raises:
            ValidationError: It is an artifact.
        """
        described = root.descriptor
        content = await self.document(described)
        manifest = manifests.read(content, described.media_type, described.digest)
        require_image(manifest, self._reference)
        return await read_image(self._client, self._reference, manifest)

    async def document(self, descriptor: Descriptor) -> bytes:
        """Return the exact bytes of a manifest."""
        known = self._read.get(descriptor.digest)
        if known is not None:
            return known
        return (await self._client.get_manifest(self._repository, descriptor.digest)).content

    def blob(self, descriptor: Descriptor) -> RemoteBlob:
        """Return a blob of the repository."""
        origin = Reference(self._reference.registry, self._repository)
        return RemoteBlob(descriptor, origin, self._client)

    async def referrers(self, subject: Digest) -> list[Descriptor]:
        """List what refers to a manifest, through the API or the fallback tag."""
        return await self._client.referrers(self._repository, subject)


class RemoteTarget:
    """A repository that images are copied into."""

    def __init__(
        self, client: RegistryClient, reference: Reference, *, emit: Emit = ignore
    ) -> None:
        self._client = client
        self._reference = reference
        self._repository = reference.repository
        self._emit = emit

    @property
    def name(self) -> str:
        """The reference."""
        return str(self._reference)

    async def holds(self, manifest: Descriptor, name: str | None) -> bool:
        """Report whether a tag, or the digest, leads to exactly this manifest.

        False also where the registry does not tell: what is stored again is the same.
        """
        found = await self._client.look_for_manifest(self._repository, name or manifest.digest)
        return found is not None and (found.digest, found.media_type) == (
            manifest.digest,
            manifest.media_type,
        )

    async def add_blob(self, blob: Blob) -> None:
        """Mount or stream a blob unless the repository has it."""
        await send_blob(self._client, self._repository, blob, emit=self._emit)

    async def add_manifest(self, content: bytes, manifest: Descriptor) -> None:
        """Store a manifest by its digest."""
        await self._client.put_manifest(
            self._repository, manifest.digest, content, manifest.media_type
        )

    async def add_root(self, content: bytes, manifest: Descriptor, name: str | None) -> None:
        """Store a manifest under a tag, or its digest."""
        await self._client.put_manifest(
            self._repository, name or manifest.digest, content, manifest.media_type
        )

    async def attached(self, subject: Digest) -> Collection[Digest]:
        """Return what refers to ``subject`` in this repository, as far as the registry tells."""
        try:
            found = await self._client.referrers(self._repository, subject)
        except RegistryUnreachable:
            raise
        except RegistryError:
            # It only saves work: what is attached again is the same.
            return set()
        return {entry.digest for entry in found}

    async def attach(self, subject: Digest, content: bytes, media_type: str) -> None:
        """Store a referrer; it is added to the fallback tag where there is no API."""
        await self._client.attach(self._repository, subject, content, media_type)
