"""The client of one registry: blobs, manifests, tags, catalog, referrers.

What lists and reads is imported when it is called: a push only sends.

Source: OCI distribution-spec 1.1.
"""

from collections.abc import AsyncGenerator, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from keynet.events import BlobSkipped, Emit, ignore
from keynet.net.retry import Retries
from keynet.net.sign_in import SignIn
from keynet.net.token_hosts import declared
from keynet.oci.descriptor import Descriptor, Digest
from keynet.registry import blobs, manifests
from keynet.registry.address import Registry
from keynet.registry.auth.credential_sources import Auth, sources_of
from keynet.registry.http.exchange import ListLimits, Timeouts
from keynet.registry.http.session import Session
from keynet.registry.http.tls import CERTS_D, CaCert, ClientCertificate, trust_of
from keynet.registry.http.transport import HttpTransport, Transport
from keynet.registry.lists import referrers
from keynet.registry.manifests import Manifest
from keynet.registry.transfer import looks
from keynet.registry.transfer.blob_policy import BlobPolicy
from keynet.registry.transfer.blob_source import Source, once
from keynet.registry.transfer.upload import Upload

__all__ = ["CaCert", "Manifest", "RegistryClient"]


class RegistryClient:
    """Talk to one registry; use it as ``async with``.

    Args:
        registry: ``host[:port]``, or with ``https://`` or ``http://`` in front. Without a scheme
            https is tried first, and http only on loopback or when ``insecure``.
        auth: User and password, a credential, or sources that are asked in order; by default the
            logins that docker, podman, buildah and skopeo stored. An empty list: none.
        ca_cert: PEM file of CAs that are trusted in addition to the system's.
        insecure: Allow plain http, and TLS without checking certificates.
        token_hosts: Further hosts, ``host`` or ``host:port``, that may be given the credentials
            in exchange for tokens.
        certs_d: Folders in the engines' layout, for more CAs and client certificates.
        timeout: Seconds that a read or write may make no progress, or seconds by phase.
        retries: Limits on repeated attempts.
        lists: Limits on lists; a longer one is an error.
        sign_in: Shared by clients of the same registry with the same credentials: what one has
            learned about signing in, the others need not ask.
        transport: Replaces the network, for tests.

    Raises:
        UsageError: The registry's address, a certificate or a time limit cannot be used.
    """

    def __init__(
        self,
        registry: str,
        *,
        auth: Auth | None = None,
        ca_cert: CaCert = None,
        client_cert: ClientCertificate | None = None,
        insecure: bool = False,
        token_hosts: Sequence[str] = (),
        certs_d: Sequence[Path] = CERTS_D,
        emit: Emit = ignore,
        timeout: float | Timeouts = 300,
        retries: Retries | None = None,
        lists: ListLimits | None = None,
        sign_in: SignIn | None = None,
        transport: HttpTransport | None = None,
    ) -> None:
        address = Registry.parse(registry, insecure=insecure, token_hosts=declared(token_hosts))
        trust = trust_of(address.name, certs_d, ca_cert, client_cert, unverified=insecure)
        self.registry = address.name
        self._emit = emit
        if not isinstance(timeout, Timeouts):
            timeout = Timeouts(read_s=timeout, write_s=timeout)
        self._transport = Transport(address, trust, timeout, transport)
        sources = sources_of(auth, address.name)
        self._session = Session(
            address, sources, self._transport, retries or Retries(), lists, sign_in
        )
        self._policy = BlobPolicy()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def ping(self) -> None:
        """Check that a registry answers and accepts the credentials.

        Raises:
            RegistryUnreachable: No answer.
            RegistryDenied: The credentials are refused.
            RegistryError: The answer is not a registry's.
        """
        from keynet.registry.http.ping import ping

        await ping(self._session)

    async def catalog(self, *, page_size: int = 1000) -> list[str]:
        """List every repository, in the registry's order.

        Raises:
            RegistryDenied, NotFound, RegistryError: The registry offers no list.
        """
        from keynet.registry.lists import catalog

        return await catalog.repositories(self._session, page_size)

    async def tags(self, repository: str, *, page_size: int = 1000) -> list[str]:
        """List every tag of a repository, in the registry's order."""
        from keynet.registry.lists import listing

        return await listing.tags(self._session, repository, page_size)

    async def get_manifest(self, repository: str, identifier: str | Digest) -> Manifest:
        """Read a manifest or index by tag or digest, its digest verified.

        Raises:
            NotFound: The registry has none of that name.
            DigestMismatch: The bytes do not have the digest that was asked for or announced.
            ValidationError: It contradicts itself.
        """
        return await manifests.get(self._session, repository, identifier)

    async def head_manifest(self, repository: str, identifier: str | Digest) -> Descriptor | None:
        """Return what a tag or digest points to; None: the registry has none."""
        return await manifests.find(self._session, repository, identifier)

    async def look_for_manifest(
        self, repository: str, identifier: str | Digest
    ) -> Descriptor | None:
        """Return what a tag or digest points to before a push; None: none, or it does not tell.

        Raises:
            RegistryUnreachable: There is no registry at the address.
        """
        return await looks.find_manifest(self._session, self._policy, repository, identifier)

    @property
    def looks_denied(self) -> bool:
        """Whether the registry refused to say what it has, so that it may refuse everything."""
        return self._policy.looks_denied

    async def put_manifest(
        self, repository: str, identifier: str | Digest, content: bytes, media_type: str
    ) -> tuple[Descriptor, bool]:
        """Store exactly these bytes under a tag or their digest.

        Returns:
            What was stored, and whether the registry lists it as a referrer of its
            ``subject`` by itself (``OCI-Subject``).
        """
        return await manifests.put(self._session, repository, identifier, content, media_type)

    async def referrers(
        self, repository: str, subject: Digest, *, artifact_type: str | None = None
    ) -> list[Descriptor]:
        """List what refers to a manifest, through the API or the fallback tag.

        Args:
            artifact_type: Only those of this type.
        """
        return await referrers.find(self._session, repository, subject, artifact_type)

    async def has_referrers_api(self, repository: str) -> bool:
        """Report whether the registry has the referrers API; the repository need not exist.

        Raises:
            RegistryError: It cannot be known: the registry refuses, or it failed.
        """
        return await referrers.has_api(self._session, repository)

    async def attach(
        self, repository: str, subject: Digest, content: bytes, media_type: str
    ) -> Descriptor:
        """Store a manifest with a ``subject``, and list it in the fallback tag where needed."""
        return (await self.attach_all(repository, subject, [content], media_type))[0]

    async def attach_all(
        self, repository: str, subject: Digest, contents: Sequence[bytes], media_type: str
    ) -> list[Descriptor]:
        """Store several manifests with the same ``subject``; see ``attach``.

        A registry without the referrers API gets the fallback tag once for all of them.
        """
        return await referrers.attach(self._session, repository, subject, contents, media_type)

    async def delete_manifest(self, repository: str, digest: Digest) -> bool:
        """Delete a manifest with all its tags; False: it was absent."""
        return await manifests.delete(self._session, repository, digest)

    async def delete_blob(self, repository: str, digest: Digest) -> bool:
        """Delete a blob; False: it was absent."""
        return await blobs.delete(self._session, repository, digest)

    async def head_blob(self, repository: str, digest: Digest) -> int | None:
        """Return the size of a blob in bytes; -1 when not reported, None when it is absent."""
        return await blobs.find(self._session, repository, digest)

    def get_blob(
        self, repository: str, descriptor: Descriptor, *, start: int = 0
    ) -> AsyncGenerator[bytes, None]:
        """Read a blob, resumed after a lost connection; close the generator to stop early.

        Args:
            start: The first byte to read. Unless it is 0, the digest is not checked.

        Raises:
            DigestMismatch: Before the last bytes; do not use those that came before.
        """
        from keynet.registry.transfer import download

        return download.read_blob(self._session, repository, descriptor, start)

    async def upload(
        self,
        repository: str,
        descriptor: Descriptor,
        source: Source,
        *,
        mount_from: Sequence[str] = (),
        chunk_size: int | None = None,
        emit: Emit | None = None,
        checked: bool = False,
        look: bool = True,
        mount_first: bool = False,
    ) -> bool:
        """Send one blob unless the registry already holds it; False: nothing was sent.

        Args:
            source: Called for each reading, from byte 0.
            mount_from: Other repositories of this registry that may hold it.
            checked: The source itself raises when its bytes do not have the digest; they are
                not hashed a second time.
            look: Ask first whether the registry holds it.
            mount_first: Ask only where it cannot be mounted: a request less in a new repository.

        Raises:
            DigestMismatch: The source's bytes are not what the descriptor says.
        """
        emit = emit or self._emit
        origins = [other for other in mount_from if other != repository]
        holds = partial(looks.holds_blob, self._session, self._policy, repository, descriptor)
        later = mount_first and any(self._policy.mounts_from(repository, each) for each in origins)
        if look and not later and await holds():
            emit(BlobSkipped(str(descriptor.digest), descriptor.size))
            return False
        upload = Upload(
            self._session,
            repository,
            descriptor,
            source,
            policy=self._policy,
            emit=emit,
            chunk_size=chunk_size,
            checked=checked,
        )
        return not await upload.run(origins, holds if look and later else None)

    async def upload_bytes(
        self,
        repository: str,
        media_type: str,
        content: bytes,
        *,
        emit: Emit | None = None,
        look: bool = True,
    ) -> Descriptor:
        """Send these bytes as one blob unless the registry already holds it."""
        descriptor = Descriptor.of(media_type, content)
        await self.upload(repository, descriptor, lambda: once(content), emit=emit, look=look)
        return descriptor

    def expect_mounts(self, repository: str, sources: Iterable[str]) -> None:
        """Ask for one token to mount from all these repositories, not for one for each."""
        scopes = (f"repository:{each}:pull" for each in sources)
        self._session.expect([f"repository:{repository}:pull,push", *scopes])

    async def mount(self, repository: str, digest: Digest, source: str) -> bool:
        """Have the registry take a blob from another repository; False: it does not."""
        return await blobs.mount(self._session, repository, digest, source)
