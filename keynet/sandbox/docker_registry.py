"""The sandbox's registry: a docker-registry process with bearer tokens."""

import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from keynet.errors import KeynetError
from keynet.files import atomic
from keynet.frozen import frozen
from keynet.process import programs
from keynet.process.environment import without_own
from keynet.sandbox import registry_tokens
from keynet.sandbox.authority import KeyPair
from keynet.text import _, fill, printable

__all__ = ["Registry", "running"]

# The name in Debian's package, and in the upstream image.
_PROGRAMS: Final = ("docker-registry", "registry")
_READY_WITHIN_S: Final = 20.0
_END_WITHIN_S: Final = 5.0
_LISTENING: Final = re.compile(r"listening on (\S+?):(\d+)(?:, tls)?\b")


@frozen
class Registry:
    """One running registry; ``host`` is host:port."""

    host: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running(
    folder: Path,
    *,
    address: str,
    port: int,
    realm: str,
    signer: KeyPair,
    certificate: KeyPair | None,
) -> Iterator[Registry]:
    """Serve the images below ``folder`` until the block ends.

    Args:
        port: The preferred port; any free one if it is in use or 0.
        realm: The token service's URL.
        certificate: For TLS; None for plain http.

    Raises:
        KeynetError: The program is not installed, or it exited.
    """
    program = _program()
    images = folder / "images"
    images.mkdir(exist_ok=True)
    for wanted in dict.fromkeys((port, 0)):
        config = _config(images, _at(address, wanted), realm, signer, certificate)
        file, log = folder / "registry.json", folder / "registry.log"
        atomic.write(file, json.dumps(config, indent=2))
        process = _started([program, "serve", str(file)], log)
        try:
            bound = _bound_port(process, log)
            if bound is not None:
                yield Registry(_at(address, bound), bound, process, log)
                return
        finally:
            _end(process)
    raise KeynetError(
        fill(_("The sandbox's registry did not start: {lines}"), lines=_last_lines(log)),
        fill(_("Its log: {log}"), log=log),
    )


def _program() -> str:
    for name in _PROGRAMS:
        found = programs.find(name)
        if found:
            return found
    raise KeynetError(
        _("The sandbox needs the program docker-registry, which is not installed."),
        _("On Debian and Ubuntu: apt install docker-registry"),
    )


def _config(
    images: Path,
    listen: str,
    realm: str,
    signer: KeyPair,
    certificate: KeyPair | None,
) -> dict[str, Any]:
    # A new secret at every start will do: no upload outlives the process.
    http: dict[str, Any] = {"addr": listen, "secret": secrets.token_hex(16)}
    if certificate is not None:
        http["tls"] = {
            "certificate": str(certificate.certificate_file),
            "key": str(certificate.key_file),
        }
    return {
        "version": "0.1",
        "log": {"level": "info", "formatter": "json", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(images)},
            "delete": {"enabled": True},
        },
        "http": http,
        "auth": {
            "token": {
                "realm": realm,
                "service": registry_tokens.SERVICE,
                "issuer": registry_tokens.ISSUER,
                "rootcertbundle": str(signer.certificate_file),
            }
        },
    }


def _at(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _started(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    # setpriv ends the registry if this process is killed and cannot clean up.
    guard = programs.find("setpriv")
    command = [guard, "--pdeathsig", "TERM", *argv] if guard else argv
    # REGISTRY_… variables would override the configuration.
    kept = without_own(os.environ).items()
    environment = {k: v for k, v in kept if not k.startswith(("REGISTRY_", "OTEL_"))}
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            # Ctrl-C on the terminal must reach only the sandbox, which then ends the registry.
            start_new_session=True,
        )


def _bound_port(process: subprocess.Popen[bytes], log: Path) -> int | None:
    """Wait until the registry logs its port; return None if it exited instead."""
    deadline = time.monotonic() + _READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        found = _LISTENING.search(log.read_text(errors="replace"))
        if found:
            return int(found[2])
        time.sleep(0.02)
    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_WITHIN_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_lines(log: Path) -> str:
    return printable(" ".join(log.read_text(errors="replace").splitlines()[-3:]), 600)
