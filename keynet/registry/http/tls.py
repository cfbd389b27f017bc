"""TLS to a registry: private CAs, client certificates, the engines' certs.d folders.

Source: docker "Verify repository client with certificates"; containers-certs.d(5).
"""

import os
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keynet.errors import UsageError
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = [
    "CERTS_D",
    "CaCert",
    "ClientCertificate",
    "Trust",
    "context",
    "from_certs_d",
    "trust_of",
]

CaCert = str | os.PathLike[str] | None

CERTS_D: Final = (Path("/etc/containers/certs.d"), Path("/etc/docker/certs.d"))


@frozen
class ClientCertificate:
    """A certificate and its key, PEM; ``key`` None: the key is in the same file."""

    certificate: Path
    key: Path | None = None


@frozen
class Trust:
    """What a connection trusts and presents: further CAs, client certificates, no checks."""

    ca_certs: tuple[Path, ...] = ()
    client_certs: tuple[ClientCertificate, ...] = ()
    unverified: bool = False


def trust_of(
    registry: str,
    folders: Sequence[Path],
    ca_cert: CaCert,
    client_cert: ClientCertificate | None,
    *,
    unverified: bool,
) -> Trust:
    """Return what a client is given, and then what the engines' folders hold.

    Raises:
        UsageError: See ``from_certs_d``.
    """
    found = from_certs_d(registry, folders)
    return Trust(
        (*((Path(ca_cert),) if ca_cert is not None else ()), *found.ca_certs),
        (*((client_cert,) if client_cert is not None else ()), *found.client_certs),
        unverified,
    )


def from_certs_d(registry: str, folders: Sequence[Path] = CERTS_D) -> Trust:
    """Read ``FOLDER/host[:port]/``: ``*.crt`` are CAs, ``*.cert`` with ``*.key`` the client's.

    The first folder that exists counts, as in the engines.

    Raises:
        UsageError: A certificate without its key, or a folder that cannot be read.
    """
    for parent in folders:
        folder = parent / registry
        try:
            names = sorted(entry for entry in folder.iterdir() if entry.is_file())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UsageError(
                fill(
                    _("The certificates in {folder} cannot be read: {reason}."),
                    folder=folder,
                    reason=error.strerror,
                ),
                _("Let your user read that folder, or remove it."),
            ) from error
        clients: list[ClientCertificate] = []
        for certificate in (name for name in names if name.suffix == ".cert"):
            key = certificate.with_suffix(".key")
            if key not in names:
                raise UsageError(
                    fill(
                        _("{certificate} has no key: {key} is missing."),
                        certificate=certificate,
                        key=key.name,
                    ),
                    _("Put the key into the same folder, or remove the certificate."),
                )
            clients.append(ClientCertificate(certificate, key))
        cas = tuple(name for name in names if name.suffix == ".crt")
        return Trust(cas, tuple(clients))
    return Trust()


def context(base: ssl.SSLContext, trust: Trust) -> ssl.SSLContext:
    """Add CAs and client certificates to ``base`` and return it.

    Raises:
        UsageError: A file is missing or is not a certificate; the message has its path.
    """
    base.minimum_version = ssl.TLSVersion.TLSv1_2
    if trust.unverified:
        base.check_hostname = False
        base.verify_mode = ssl.CERT_NONE
    for path in trust.ca_certs:
        with _naming(path):
            base.load_verify_locations(cafile=path)
    for client in trust.client_certs:
        with _naming(client.certificate):
            # A key with a passphrase would make OpenSSL ask on the terminal.
            base.load_cert_chain(client.certificate, client.key, password=_no_passphrase)
    return base


def _no_passphrase() -> str:
    return ""


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or printable(error, 200)
        raise UsageError(
            fill(
                _("The certificate {path} cannot be used: {reason}."),
                path=path,
                reason=printable(reason, 200),
            ),
            _("Use a PEM file that your user can read."),
        ) from error
