"""Whatever httpx raises becomes an error of keynet, and what may be repeated is known."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from keynet.backend.http_errors import NoAnswer
from keynet.backend.transport import _mapped
from keynet.net.proxy_errors import ProxyStage
from tests.tables import table

NEVER_SENT = {httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout}


def _below(kind: type[httpx.RequestError]) -> Iterator[type[httpx.RequestError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


@table(
    "error",
    [
        *(kind("odd") for kind in _below(httpx.RequestError)),
        httpx.InvalidURL("odd"),
        httpx.StreamConsumed(),
        httpx.StreamClosed(),
        ssl.SSLError("odd"),
        UnicodeError("odd"),
    ],
)
def test_every_exception_of_httpx_becomes_a_backend_error(error: Exception) -> None:
    with pytest.raises(NoAnswer) as caught, _mapped("list", "https://api.test", ProxyStage(None)):
        raise error
    failure = caught.value
    assert "Cannot list: https://api.test did not answer" in failure.error.message
    assert failure.error.hint
    assert failure.__cause__ is error
    assert failure.sent is (type(error) not in NEVER_SENT)
    assert failure.temporary is isinstance(error, httpx.TransportError)
