"""A real docker-registry process: plain or TLS; open, htpasswd or bearer tokens."""

import contextlib
import json
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from .certificates import Authority, Certificate, make_authority
from .machine import need
from .processes import free_port, http_answers, running
from .tokens import ISSUER, SERVICE, TokenServer, token_server, write_roots

__all__ = ["Auth", "RegistryServer", "running_registry"]

Auth = Literal["open", "basic", "token"]


@dataclass(frozen=True, slots=True)
class RegistryServer:
    """One running registry; ``host`` is host:port, ``ca`` None without TLS."""

    host: str
    port: int
    folder: Path
    auth: Auth
    username: str
    password: str = field(repr=False)
    ca: Authority | None
    tokens: TokenServer | None
    log: Path

    @property
    def url(self) -> str:
        """The address with its scheme."""
        return f"{'https' if self.ca else 'http'}://{self.host}"

    @property
    def token_hosts(self) -> list[str]:
        """The token server as a client has to declare it: it is at another port."""
        return [urlsplit(self.tokens.realm).netloc] if self.tokens is not None else []

    def requests(self) -> list[str]:
        """Return ``METHOD /path`` of every request so far."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [line.split('"')[1] for line in lines if '" ' in line and " HTTP/" in line]


@contextlib.contextmanager
def running_registry(
    folder: Path,
    *,
    tls: bool = False,
    auth: Auth = "open",
    username: str = "robot$550e8400e29b41d4a716446655440000",
    authority: Authority | None = None,
) -> Iterator[RegistryServer]:
    """Serve an empty registry below ``folder`` until the block ends.

    Args:
        authority: Signs the TLS certificate; a new one is made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ca = (authority or make_authority(folder)) if tls or auth == "token" else None
    certificate = ca.issue(folder) if ca else None
    password = f"kt-{secrets.token_urlsafe(24)}"
    with contextlib.ExitStack() as stack:
        tokens = None
        if auth == "token":
            assert certificate is not None
            users = {username: password}
            tokens = stack.enter_context(token_server(users, certificate, tls=tls))
        port = free_port()
        config = folder / "config.yml"
        config.write_text(
            json.dumps(
                {
                    "version": "0.1",
                    "log": {"level": "info", "accesslog": {"disabled": False}},
                    "storage": {
                        "filesystem": {"rootdirectory": str(folder / "storage")},
                        "delete": {"enabled": True},
                    },
                    "http": _http(port, certificate if tls else None),
                    **_auth(folder, auth, username, password, tokens),
                }
            )
        )
        log = folder / "registry.log"
        argv = [need("docker-registry"), "serve", str(config)]
        stack.enter_context(running(argv, log=log, ready=http_answers(port)))
        yield RegistryServer(
            host=f"127.0.0.1:{port}",
            port=port,
            folder=folder,
            auth=auth,
            username="" if auth == "open" else username,
            password="" if auth == "open" else password,
            ca=ca if tls else None,
            tokens=tokens,
            log=log,
        )


def _http(port: int, certificate: Certificate | None) -> dict[str, object]:
    http: dict[str, object] = {"addr": f"127.0.0.1:{port}", "secret": secrets.token_hex(16)}
    if certificate is not None:
        http["tls"] = {"certificate": str(certificate.cert), "key": str(certificate.key)}
    return http


def _auth(
    folder: Path, auth: Auth, username: str, password: str, tokens: TokenServer | None
) -> dict[str, object]:
    if auth == "basic":
        line = subprocess.run(
            [need("htpasswd"), "-iBn", username],
            input=password.encode(),
            check=True,
            capture_output=True,
        ).stdout
        (folder / "htpasswd").write_bytes(line)
        return {"auth": {"htpasswd": {"realm": "keynet", "path": str(folder / "htpasswd")}}}
    if tokens is not None:
        roots = write_roots(folder, tokens.certificate)
        token = {"realm": tokens.realm, "service": SERVICE, "issuer": ISSUER}
        return {"auth": {"token": {**token, "rootcertbundle": str(roots)}}}
    return {}
