"""TLS trust: the machine's store and further CAs, read once for all connections.

Reading the store takes 55 ms for each context: backend, registry and token server share one.
"""

import ssl
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from keynet.errors import UsageError
from keynet.text import _, fill, printable

__all__ = ["context", "has_store", "no_context"]

# A program talks to one or two platforms, a user of the library to some registries.
_KEPT: Final = 8
# Who needs a context while another thread makes it waits for that one.
_ONE_READS: Final = threading.Lock()

# A file's path, inode, size and time of change: a renewed CA is read again.
_State = tuple[str, int, int, int]


def context(ca_certs: Sequence[Path] = ()) -> ssl.SSLContext:
    """Return the context that trusts the machine's store and these PEM files.

    It is shared: do not change it. SSL_CERT_FILE and SSL_CERT_DIR replace the machine's store, as
    OpenSSL does.

    Raises:
        UsageError: A file is missing or is not a certificate; the message has its path.
    """
    states = tuple(_state(path) for path in (*_store(), *ca_certs))
    with _ONE_READS:
        return _read(tuple(ca_certs), states)


def no_context() -> ssl.SSLContext:
    """Return a context without any CA, for connections without TLS: it is made quickly."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def has_store() -> bool:
    """Report whether this machine has a store at all."""
    return any(path.exists() for path in _store())


def _store() -> list[Path]:
    paths = ssl.get_default_verify_paths()
    return [Path(path) for path in (paths.cafile, paths.capath) if path]


def _state(path: Path) -> _State | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return str(path), status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=_KEPT)
def _read(ca_certs: tuple[Path, ...], _states: tuple[_State | None, ...]) -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    for file in ca_certs:
        try:
            made.load_verify_locations(cafile=file)
        except OSError as error:
            raise UsageError(
                fill(
                    _("The CA certificate {file} cannot be used: {why}."),
                    file=file,
                    why=printable(error.strerror or error, 200),
                ),
                _("Use a PEM file that your user can read."),
            ) from error
    return made
