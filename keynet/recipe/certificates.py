"""The certificate authorities that this host trusts, as one PEM text for the build."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import limited_read
from keynet.text import _, fill, printable

__all__ = ["bundle"]

# Where distributions keep the bundle that their package manager maintains.
_SYSTEM: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_VARIABLES: Final = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
_LARGEST: Final = 10_000_000
_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:TRUSTED )?CERTIFICATE-----\s[^-]*-----END (?:TRUSTED )?CERTIFICATE-----"
)


def bundle(
    environment: Mapping[str, str], pip_cert: str | None, system: tuple[str, ...] = _SYSTEM
) -> bytes | None:
    """Return what RUN steps must trust beyond pip's own authorities; None for nothing.

    A file named by a variable or by pip's settings is used as it is. The system's bundle
    is used together with pip's own authorities, and only when it has more than they.

    Raises:
        ContextInvalid: A named file cannot be read or has no certificate.
    """
    named = next((environment[name] for name in _VARIABLES if environment.get(name)), pip_cert)
    if named:
        return _joined(_named(Path(named)))
    if environment.get("SSL_CERT_DIR"):
        return _joined(
            block
            for directory in environment["SSL_CERT_DIR"].split(":")
            for block in _directory(Path(directory))
        )
    known = dict.fromkeys(_blocks(_pip_bundle()))
    present = next((Path(path) for path in system if Path(path).is_file()), None)
    if present is None:
        return None
    found = dict.fromkeys(_blocks(present))
    if found.keys() <= known.keys():
        return None
    return _joined(iter(known | found))


def _named(path: Path) -> Iterator[bytes]:
    try:
        blocks = list(_directory(path) if path.is_dir() else _blocks(path))
    except OSError as error:
        raise _unusable(path, printable(error.strerror or error)) from error
    if not blocks:
        raise _unusable(path, _("it has no PEM certificate"))
    yield from blocks


def _unusable(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("The CA certificates {path}, set on this machine, cannot be used: {reason}."),
            path=path,
            reason=reason,
        ),
        fill(_("Fix or unset {names} (or pip's setting cert)."), names=", ".join(_VARIABLES)),
    )


def _directory(path: Path) -> Iterator[bytes]:
    if not path.is_dir():
        return
    for file in sorted(path.iterdir()):
        if file.suffix in (".pem", ".crt", ".0", ".1") and file.is_file():
            yield from _blocks(file)


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the certificates of a file, each with the same line ends."""
    content = limited_read.read(path, _LARGEST)
    if content is None:
        raise _unusable(path, _("it is too large"))
    for match in _CERTIFICATE.finditer(content):
        yield b"\n".join(line.strip() for line in match[0].splitlines() if line.strip())


def _joined(blocks: Iterator[bytes]) -> bytes | None:
    unique = dict.fromkeys(blocks)
    return b"".join(block + b"\n" for block in unique) or None


def _pip_bundle() -> Path:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        return Path(str(distribution("pip").locate_file("pip/_vendor/certifi/cacert.pem")))
    except PackageNotFoundError as error:
        raise ContextInvalid(
            _("keynet's own dependency pip is not installed."),
            _(
                "Install keynet again: pipx reinstall keynet-cli\n"
                "or: uv tool install --reinstall keynet-cli"
            ),
        ) from error
