"""Open a client with keynet's account at a registry, else with this machine's stored logins."""

from collections.abc import Sequence

from keynet.events import Emit, ignore
from keynet.net.retry import Retries
from keynet.plan import RegistryAccess
from keynet.registry.client import RegistryClient

__all__ = ["open_client"]


def open_client(
    registry: str,
    access: RegistryAccess | None,
    emit: Emit = ignore,
    *,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,
    retries: Retries | None = None,
) -> RegistryClient:
    """Return a client with this account, else with the logins stored on this machine.

    The caller closes it; for ``timeout`` and ``retries`` see ``RegistryClient``.
    """
    auth = None
    if access is not None and access.password is not None:
        auth = access.username, access.password
    plain = access is not None and access.insecure
    return RegistryClient(
        f"http://{registry}" if plain else registry,
        auth=auth,
        ca_cert=access.ca_cert if access is not None else None,
        insecure=plain,
        token_hosts=access.token_hosts if access is not None else token_hosts,
        emit=emit,
        timeout=timeout,
        retries=retries,
        sign_in=access.sign_in if auth is not None and access is not None else None,
    )
