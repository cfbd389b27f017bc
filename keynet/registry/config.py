"""How to reach a registry, as one value."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keynet.events import Emit, ignore
from keynet.registry.address import Registry, registry_name
from keynet.registry.auth.authentication import Credential, CredentialSource, Fixed
from keynet.registry.auth.stored_logins import default_sources
from keynet.registry.client import RegistryClient
from keynet.registry.transport import Timeouts
from keynet.secret import Secret

__all__ = ["Auth", "RegistryConfig"]

# User and password; or sources that are asked in order, in place of the stored logins.
Auth = tuple[str, str | Secret] | Credential | Sequence[CredentialSource]


@dataclass(frozen=True, slots=True)
class RegistryConfig:
    """Reach one registry.

    Args:
        url: ``host[:port]`` or with ``https://`` or ``http://`` in front; https is tried first.
        timeout: Seconds that a read or write may make no progress; connecting has 10.
        auth: Credentials for this registry; without them the logins that docker, podman,
            buildah and skopeo stored.
        ca_cert: PEM file of CAs trusted besides the system's.
        insecure: Allow plain http and unverified TLS beyond loopback.
    """

    url: str
    timeout: float = 300
    auth: Auth | None = None
    ca_cert: str | os.PathLike[str] | None = None
    insecure: bool = False

    @property
    def base_url(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def host(self) -> str:
        """The registry's name as references have it: host[:port].

        Raises:
            UsageError: The URL is none, or has user and password in it.
        """
        return Registry.parse(self.base_url, insecure=self.insecure).name

    def client(self, emit: Emit = ignore) -> RegistryClient:
        """Make a client; nothing is connected yet, close it or use ``async with``.

        Raises:
            UsageError: The URL is none, has user and password in it, or the CA is no PEM file.
        """
        return RegistryClient(
            self.base_url,
            credentials=self._sources(),
            ca_cert=Path(self.ca_cert) if self.ca_cert is not None else None,
            insecure=self.insecure,
            emit=emit,
            timeouts=Timeouts(read_s=self.timeout, write_s=self.timeout),
        )

    def _sources(self) -> list[CredentialSource]:
        auth = self.auth
        if auth is None:
            return list(default_sources())
        if isinstance(auth, Credential):
            return [Fixed(registry_name(self.base_url), auth)]
        match tuple(auth):
            case (str() as username, str() | Secret() as password):
                secret = password if isinstance(password, Secret) else Secret(password)
                return [Fixed(registry_name(self.base_url), Credential(username, secret))]
            case sources:
                return [source for source in sources if not isinstance(source, str | Secret)]
