"""What the sandbox refuses before it starts anything."""

import fcntl
import os
import socket
from pathlib import Path

import pytest

from keynet.errors import KeynetError, UsageError
from keynet.sandbox.server import Options, Sandbox, serve


def started(sandbox: Sandbox) -> None:
    raise AssertionError("it must not start")


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("192.0.2.1", "Other machines"),
        ("0.0.0.0", "stands for all"),
        ("::", "stands for all"),
        ("localhost", "no IP address"),
        ("example.com", "no IP address"),
    ],
)
def test_an_address_that_others_reach_is_refused(tmp_path: Path, address: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        serve(Options(tmp_path / "data", address=address), started)
    assert not (tmp_path / "data").exists()


def test_data_in_use_is_left_alone(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with pytest.raises(KeynetError, match="Another sandbox"):
            serve(Options(tmp_path), started)
    finally:
        os.close(lock)
    assert [p.name for p in tmp_path.iterdir()] == ["lock"]


def test_a_missing_registry_program_is_named_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeynetError, match="docker-registry") as caught:
        serve(Options(tmp_path / "data"), started)
    assert "apt install docker-registry" in caught.value.hint


def test_a_registry_that_ends_at_once_shows_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-registry"
    program.write_text("#!/bin/sh\necho 'configuration error: no luck'; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(KeynetError, match="no luck") as caught:
        serve(Options(tmp_path / "data"), started)
    assert "registry.log" in caught.value.hint


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(KeynetError, match=str(port)) as caught:
            serve(Options(tmp_path / "data", port=port), started)
    assert "--port" in caught.value.hint


def test_a_data_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="keep its data"):
        serve(Options(tmp_path / "file"), started)
