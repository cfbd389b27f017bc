"""``keynet sandbox`` as a process of its own: a whole platform for a test."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SandboxProcess", "running_sandbox"]

_END_WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A sandbox that answers; ``ready`` is the JSON line that it printed."""

    process: subprocess.Popen[str]
    server_url: str
    registry: str
    registry_url: str
    username: str
    password: str = field(repr=False)
    password_file: Path
    admin_password: str = field(repr=False)
    ca_cert: Path | None
    data: Path
    errors: Path

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(_END_WITHIN_S)

    def login(self, *arguments: str) -> list[str]:
        """Return the argv of a login that reads the password from standard input."""
        ca = ["--ca-cert", str(self.ca_cert)] if self.ca_cert else []
        keynet = [sys.executable, "-m", "keynet", "login", self.server_url]
        return [*keynet, "--username", self.username, "--password-stdin", *ca, *arguments]


@contextlib.contextmanager
def running_sandbox(data: Path, *arguments: str) -> Iterator[SandboxProcess]:
    """Serve a platform with its state in ``data`` until the block ends.

    Raises:
        AssertionError: It did not start; its errors are in the message.
    """
    errors = data.with_name(f"{data.name}.errors")
    argv = [sys.executable, "-m", "keynet", "sandbox", "--data", str(data), "--json", *arguments]
    with errors.open("w") as log:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the sandbox did not start:\n{errors.read_text()}"
        ready: dict[str, Any] = json.loads(line)
        yield SandboxProcess(
            process=process,
            server_url=ready["server_url"],
            registry=ready["registry"],
            registry_url=ready["registry_url"],
            username=ready["username"],
            password=ready["password"],
            password_file=Path(ready["password_file"]),
            admin_password=ready["admin"]["password"],
            ca_cert=Path(ready["ca_cert"]) if ready["ca_cert"] else None,
            data=Path(ready["data"]),
            errors=errors,
        )
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process.stdout is not None:
            process.stdout.close()
