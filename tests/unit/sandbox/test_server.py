"""The sandbox with a stand-in for its registry, and what it refuses before it starts."""

import fcntl
import os
import signal
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from keynet.errors import Interrupted, KeynetError, UsageError
from keynet.sandbox.server import Options, Sandbox, serve
from tests.tables import table


def started(sandbox: Sandbox) -> None:
    raise AssertionError("it must not start")


@table(
    ("address", "word"),
    [
        ("192.0.2.1", "Other machines"),
        ("0.0.0.0", "means all"),
        ("::", "means all"),
        ("localhost", "not an IP address"),
        ("example.com", "not an IP address"),
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
        serve(Options(tmp_path / "data", registry="docker-registry"), started)
    assert "apt install docker-registry" in caught.value.hint


@pytest.mark.medium
def test_a_registry_that_ends_at_once_shows_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-registry"
    program.write_text("#!/bin/sh\necho 'configuration error: no luck'; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(KeynetError, match="no luck") as caught:
        serve(Options(tmp_path / "data", registry="docker-registry"), started)
    assert "registry.log" in caught.value.hint


def test_the_registry_does_not_see_keynets_own_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "docker-registry"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/seen; exit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("KEYNET_API_TOKEN", "token-of-the-platform")
    monkeypatch.setenv("REGISTRY_HTTP_SECRET", "of-another-registry")
    monkeypatch.setenv("SOMETHING", "else")
    with pytest.raises(KeynetError):
        serve(Options(tmp_path / "data", registry="docker-registry"), started)
    seen = (tmp_path / "seen").read_text()
    assert "SOMETHING=else" in seen
    assert not [word for word in ("KEYNET_", "of-the-platform", "REGISTRY_") if word in seen]


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
    with pytest.raises(UsageError, match="store its data"):
        serve(Options(tmp_path / "file"), started)


def test_a_registry_whose_files_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "registry").write_text("")
    with pytest.raises(KeynetError, match="cannot use its files") as caught:
        serve(Options(tmp_path / "data"), started)
    assert "--data" in caught.value.hint


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a stand-in that logs where it listens; return the file that ends it."""
    stop = tmp_path / "stop"
    program = tmp_path / "bin" / "docker-registry"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\necho 'level=info msg=\"listening on 127.0.0.1:5555, tls\"'\n"
        f"while [ ! -e {stop} ]; do sleep 0.05; done\nexit 7\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return stop


def served(options: Options, then: Callable[[], None]) -> None:
    """Serve, ask once from a thread, then act; the answer must be there."""
    found: list[Sandbox] = []
    statuses: list[int] = []

    def ask(sandbox: Sandbox) -> None:
        context = ssl.create_default_context(cafile=sandbox.ca_cert) if sandbox.ca_cert else None
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            opener.open(f"{sandbox.server_url}/v1/projects/trainable", timeout=120)
        except urllib.error.HTTPError as e:
            statuses.append(e.code)
            e.close()
        finally:
            then()

    def ready(sandbox: Sandbox) -> None:
        found.append(sandbox)
        thread.start()

    thread = threading.Thread(target=lambda: ask(found[0]))
    try:
        serve(options, ready)
    finally:
        thread.join()
        assert statuses == [401]


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.parametrize("tls", [False, True])
def test_it_serves_until_it_is_interrupted(tmp_path: Path, registry: Path, tls: bool) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(Interrupted):
        served(Options(tmp_path / "data", tls=tls), interrupt)
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert after == before
    assert (tmp_path / "data" / "ca.crt").exists() == tls


@pytest.mark.slow
def test_it_ends_when_its_registry_ends(tmp_path: Path, registry: Path) -> None:
    with pytest.raises(KeynetError, match="status 7") as caught:
        served(Options(tmp_path / "data", registry="docker-registry"), registry.touch)
    assert not isinstance(caught.value, Interrupted)


@pytest.mark.slow
def test_a_port_of_the_last_start_that_is_taken_is_given_up(tmp_path: Path, registry: Path) -> None:
    seen: list[str] = []

    def remember(sandbox: Sandbox) -> None:
        seen.append(sandbox.server_url)
        raise KeyboardInterrupt

    for _start in range(2):
        with pytest.raises(KeyboardInterrupt):
            serve(Options(tmp_path / "data"), remember)
    assert seen[0] == seen[1]
    taken = int(seen[0].split(":")[2].partition("/")[0])
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        other.listen()
        with pytest.raises(KeyboardInterrupt):
            serve(Options(tmp_path / "data"), remember)
    assert seen[2] != seen[0]
