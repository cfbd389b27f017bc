"""What the registry's unit tests share: no waiting, and a client without a network."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from keynet.net.retry import Retries
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.client import RegistryClient
from keynet.registry.http.transport import HttpTransport
from keynet.secret import Secret
from tests.fakes.profiles import TOKEN_HOST
from tests.fakes.registry import MemoryRegistry

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
        settings: dict[str, Any] = {
            "auth": [FixedSource(host.partition("://")[2] or host, credential)],
            "retries": Retries(sleep=no_wait),
            "transport": transport,
            "certs_d": (),
            **more,
        }
        if MemoryRegistry.standard is not None and MemoryRegistry.standard.foreign_tokens:
            settings["token_hosts"] = [TOKEN_HOST, *settings.get("token_hosts", ())]
        make_client: Callable[..., RegistryClient] = RegistryClient
        return make_client(host, **settings)

    return make
