"""Whether a daemon is there."""

import socket
from pathlib import Path

import pytest

from keynet.runtime.engine import Unusable
from keynet.runtime.engines.docker import docker_host
from keynet.runtime.engines.podman_like import podman_host
from keynet.runtime.probing import endpoints


def _refusal(endpoint: str) -> Unusable | None:
    return endpoints.refusal(endpoint, docker_host.NAME, docker_host.ADVICE)


def test_a_socket_that_answers_is_no_refusal(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        refused = _refusal(f"unix://{path}")
        assert refused is not None
        assert "Connection refused" in refused.reason
        assert refused.endpoint == f"unix://{path}"
        server.listen()
        assert _refusal(f"unix://{path}") is None


def test_tcp_ports() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        refused = endpoints.refusal(address, "podman", podman_host.ADVICE)
        assert refused is not None
        assert "podman system service" in refused.fix
        server.listen()
        assert _refusal(address) is None


@pytest.mark.parametrize("endpoint", ["", "ssh://host", "npipe:////./pipe/docker"])
def test_addresses_that_need_a_program_are_not_tried(endpoint: str) -> None:
    assert _refusal(endpoint) is None


def test_an_address_that_is_none() -> None:
    refused = _refusal("tcp://host:99999999")
    assert refused is not None
    assert "not a valid address" in refused.reason
