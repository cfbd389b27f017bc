"""Credentials for registries: their values, and where a client looks for them."""

from collections.abc import Sequence
from typing import Protocol

from keynet.frozen import frozen
from keynet.registry.address import registry_name
from keynet.secret import Secret

__all__ = ["Auth", "Credential", "CredentialSource", "FixedSource", "sources_of"]


@frozen
class Credential:
    """User and password, or an identity token (``identity``: the password is one)."""

    username: str
    password: Secret
    identity: bool = False


class CredentialSource(Protocol):
    """A place that may hold credentials."""

    async def find(self, registry: str, repository: str) -> Credential | None:
        """Look up exactly ``registry`` (host[:port]); ``repository`` may be ""."""
        ...


@frozen
class FixedSource:
    """One credential for one registry (host[:port])."""

    registry: str
    credential: Credential

    async def find(self, registry: str, repository: str) -> Credential | None:
        """Return the credential for exactly this host[:port]."""
        del repository
        return self.credential if registry_name(self.registry) == registry else None


# User and password, a credential, or sources that are asked in order. None in its place: the
# logins that docker, podman, buildah and skopeo stored.
Auth = tuple[str, str | Secret] | Credential | Sequence[CredentialSource]


def sources_of(auth: Auth | None, registry: str) -> tuple[CredentialSource, ...]:
    """Return the sources that a client of ``registry`` (host[:port]) asks, in order."""
    if auth is None:
        # Reading stored logins loads more than a client with its own credentials needs.
        from keynet.registry.auth.stored_logins import default_sources

        return default_sources()
    if isinstance(auth, Credential):
        return (FixedSource(registry, auth),)
    match tuple(auth):
        case (str() as username, str() | Secret() as password):
            secret = password if isinstance(password, Secret) else Secret(password)
            return (FixedSource(registry, Credential(username, secret)),)
        case sources:
            return tuple(source for source in sources if not isinstance(source, str | Secret))
