"""A private certificate authority, made with openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .machine import need

__all__ = ["Authority", "Certificate", "make_authority"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its key, both PEM files."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Authority:
    """A CA that nothing on this machine trusts; ``folder`` holds ca.crt alone (``--cert-dir``)."""

    folder: Path
    cert: Path
    key: Path

    def issue(self, folder: Path, name: str = "server", host: str = "127.0.0.1") -> Certificate:
        """Sign a server certificate for ``host``, 127.0.0.1 and localhost."""
        request, cert, key = (folder / f"{name}.{end}" for end in ("csr", "crt", "key"))
        extensions = folder / f"{name}.ext"
        names = f"DNS:localhost,IP:127.0.0.1,{'IP' if host[0].isdigit() else 'DNS'}:{host}"
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")
        _openssl("req", "-new", *_new_key(key), "-subj", f"/CN={host}", "-out", str(request))
        _openssl(
            *("x509", "-req", "-in", str(request), "-CA", str(self.cert), "-CAkey", str(self.key)),
            *("-set_serial", "0x" + _serial(name, host), "-days", "2"),
            *("-extfile", str(extensions), "-out", str(cert)),
        )
        return Certificate(cert, key)


def make_authority(folder: Path, name: str = "keynet test CA") -> Authority:
    """Make a CA of two days below ``folder``."""
    public = folder / "ca"
    public.mkdir(parents=True)
    cert, key = public / "ca.crt", folder / "ca.key"
    _openssl(
        *("req", "-x509", "-new", *_new_key(key), "-subj", f"/CN={name}", "-days", "2"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", str(cert)),
    )
    return Authority(public, cert, key)


def _new_key(path: Path) -> tuple[str, ...]:
    return ("-newkey", "rsa:2048", "-nodes", "-keyout", str(path))


def _serial(name: str, host: str) -> str:
    return f"{name}@{host}".encode().hex()[:38]


def _openssl(*arguments: str) -> None:
    subprocess.run([need("openssl"), *arguments], check=True, capture_output=True)
