"""How to reach a registry, as one value."""

from collections.abc import Sequence
from dataclasses import field

from keynet.events import Emit, ignore
from keynet.frozen import frozen
from keynet.net.retry import Retries
from keynet.registry.address import Registry
from keynet.registry.auth.credential_sources import Auth
from keynet.registry.client import CaCert, RegistryClient
from keynet.registry.http.exchange import ListLimits, Timeouts

__all__ = ["Auth", "RegistryConfig"]


@frozen
class RegistryConfig:
    """How to reach one registry.

    Args:
        url: ``host[:port]`` or with ``https://`` or ``http://`` in front; https is tried first.
        timeout: Seconds that a read or write may make no progress (connecting has 10), or
            seconds by phase.
        auth: Credentials for this registry; by default the logins that docker, podman, buildah
            and skopeo stored.
        ca_cert: PEM file of CAs trusted in addition to the system's.
        insecure: Allow plain http and unverified TLS beyond loopback.
        token_hosts: Further hosts, ``host`` or ``host:port``, that may be given the credentials
            in exchange for tokens.
        retries: How often, and after what delays, a request is made again.
        lists: Limits on lists of tags, repositories and referrers.
    """

    url: str
    timeout: float | Timeouts = 300
    auth: Auth | None = None
    ca_cert: CaCert = None
    insecure: bool = False
    token_hosts: Sequence[str] = ()
    retries: Retries = field(default_factory=Retries)
    lists: ListLimits = field(default_factory=ListLimits)

    @property
    def base_url(self) -> str:
        """The URL without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def host(self) -> str:
        """The registry's name as references have it: host[:port].

        Raises:
            UsageError: The URL is not valid, or has user and password in it.
        """
        return Registry.parse(self.base_url, insecure=self.insecure).name

    def client(self, emit: Emit = ignore) -> RegistryClient:
        """Return a client, not connected yet; close it or use ``async with``.

        Raises:
            UsageError: The URL is not valid, has user and password in it, or the CA's file
                cannot be used.
        """
        return RegistryClient(
            self.base_url,
            auth=self.auth,
            ca_cert=self.ca_cert,
            insecure=self.insecure,
            token_hosts=self.token_hosts,
            emit=emit,
            timeout=self.timeout,
            retries=self.retries,
            lists=self.lists,
        )
