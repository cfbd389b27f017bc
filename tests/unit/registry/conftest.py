"""What the registry's unit tests share: no waiting, and a client without a network."""

import asyncio
from collections.abc import Callable

import pytest

from keynet.net.retry import Retries
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.client import RegistryClient
from keynet.registry.http.transport import HttpTransport
from keynet.secret import Secret

USER, PASSWORD = "robot$keynet", "long-enough-password"


async def no_wait(seconds: float) -> None:
    await asyncio.sleep(0)


Connect = Callable[..., RegistryClient]


@pytest.fixture
def connect() -> Connect:
    """Make a client of registry.test over a wire, with the right credentials."""

    def make(
        transport: HttpTransport, *, host: str = "registry.test", **more: object
    ) -> RegistryClient:
        credential = Credential(USER, Secret(PASSWORD))
        settings: dict[str, object] = {
            "auth": [FixedSource(host.partition("://")[2] or host, credential)],
            "retries": Retries(sleep=no_wait),
            "transport": transport,
            "certs_d": (),
            **more,
        }
        make_client: Callable[..., RegistryClient] = RegistryClient
        return make_client(host, **settings)

    return make
