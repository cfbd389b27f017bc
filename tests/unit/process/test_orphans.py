"""Programs whose keynet is gone: found by token and command line, and ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from keynet.files.owners import VARIABLE
from keynet.process import orphans

TOKEN = "0123456789abcdef01234567"
_SLEEP = "import time; print('up', flush=True); time.sleep(600)"
_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_SLEEP}"


@contextmanager
def program(
    code: str = _SLEEP,
    *,
    token: str = TOKEN,
    argument: str = f"--secret=src=/x/marker-{TOKEN}",
    session: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code, argument],
        env={**os.environ, VARIABLE: token},
        stdout=-1,
        text=True,
        process_group=None if session else 0,
        start_new_session=session,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def found(*dead: str) -> list[int]:
    return [each.process.pid for each in orphans.find(lambda owner: owner in dead)]


@pytest.mark.medium
@pytest.mark.parametrize(
    "argument",
    [
        f"--secret=src=/x/marker-{TOKEN}",
        f"localhost/keynet/a:build-{TOKEN}-ab",
        "--authfile=/run/keynet-auth-0123456789abcdef/auth.json",
    ],
)
def test_a_program_of_a_dead_owner_is_found_and_ended(argument: str) -> None:
    with program(argument=argument) as process:
        assert found("f" * 24) == []
        assert found(TOKEN) == [process.pid]
        (orphan,) = orphans.find(lambda owner: owner == TOKEN)
        assert orphan.command.startswith("python")
        assert abs(orphan.started - time.time()) < 60
        orphans.end([orphan], lambda _owner: None)
        assert process.wait(10) == -signal.SIGTERM
    assert found(TOKEN) == []


@pytest.mark.slow
def test_a_program_that_does_not_listen_is_killed() -> None:
    with program(_DEAF) as process:
        orphans.end(orphans.find(lambda owner: owner == TOKEN), lambda _owner: None)
        assert process.wait(10) == -signal.SIGKILL


def test_helpers_that_serve_others_too_are_not_found() -> None:
    with program(argument="serve"), program(session=True), program(token="no token"):
        assert found(TOKEN) == []
