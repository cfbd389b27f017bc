"""Keys and certificates of a sandbox: private CA, server, signer of tokens.

They are kept in the data folder, so that a CA trusted once is still trusted after a restart.
"""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keynet.files import atomic
from keynet.frozen import frozen

__all__ = ["KeyPair", "server_certificate", "token_signer"]

_LIFE: Final = timedelta(days=825)  # the longest that Apple's TLS accepts for a server certificate
_RENEW_BEFORE: Final = timedelta(days=7)


@frozen
class KeyPair:
    """A certificate and its private key, as PEM files and as objects."""

    certificate_file: Path
    key_file: Path
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def token_signer(folder: Path) -> KeyPair:
    """Return the key that signs registry tokens; created at first use."""
    return _loaded(folder, "token") or _made(folder, "token", "keynet sandbox tokens", None, [])


def server_certificate(folder: Path, address: str) -> tuple[KeyPair, Path]:
    """Return a certificate for an IP address and localhost, and the CA's file."""
    ca = _loaded(folder, "ca") or _made(folder, "ca", "keynet sandbox CA", None, [])
    names = [x509.IPAddress(ip_address(address)), x509.DNSName("localhost")]
    server = _loaded(folder, "server")
    if server is None or not _serves(server, ca, names):
        server = _made(folder, "server", address, ca, names)
    return server, ca.certificate_file


def _loaded(folder: Path, name: str) -> KeyPair | None:
    certificate_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    if not certificate_file.exists() or not key_file.exists():
        return None
    certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if (
        not isinstance(key, ec.EllipticCurvePrivateKey)
        or key.public_key() != certificate.public_key()
        or certificate.not_valid_after_utc - _RENEW_BEFORE < datetime.now(UTC)
    ):
        return None
    return KeyPair(certificate_file, key_file, certificate, key)


def _serves(server: KeyPair, ca: KeyPair, names: list[x509.GeneralName]) -> bool:
    held = server.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return server.certificate.issuer == ca.certificate.subject and list(held.value) == names


def _made(
    folder: Path, name: str, title: str, issuer: KeyPair | None, names: list[x509.GeneralName]
) -> KeyPair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    now = datetime.now(UTC)
    authority = issuer.certificate.subject if issuer else subject
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .add_extension(_key_usage(signs_certificates=issuer is None), critical=True)
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName(names), critical=False
        ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    key_file, certificate_file = folder / f"{name}.key", folder / f"{name}.crt"
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    atomic.write(key_file, key_pem)
    certificate_pem = certificate.public_bytes(serialization.Encoding.PEM)
    atomic.write(certificate_file, certificate_pem, mode=0o644)
    return KeyPair(certificate_file, key_file, certificate, key)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
