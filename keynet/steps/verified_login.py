"""Remember between pushes that a registry has accepted the saved login.

Verifying a login takes several round trips, and 0.1 s to import the registry client, before
anything else can begin. A single connect is enough to know that the registry is reachable. If the
account was revoked meanwhile, the push fails, and the next push verifies the login again.
"""

import contextlib
import hashlib
import json
import socket
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from keynet.files import places
from keynet.net.proxies import proxy_for
from keynet.plan import RegistryAccess

__all__ = ["VerifiedLogin"]

_CONNECT_S: Final = 1.0


class VerifiedLogin:
    """One login of a registry, and whether it was verified recently.

    Best effort: without the cache folder, every push verifies the login.

    Args:
        login: The file of the saved login. None if the password came from the environment: such
            a login is not remembered, so that nothing derived from it is stored.
    """

    VALID_MINUTES: Final = 10

    def __init__(self, access: RegistryAccess, login: Path | None) -> None:
        self._access = access
        self._marker = None if login is None else _marker_path(access, login)

    def still_valid(self) -> bool:
        """Report whether it was verified recently and the registry is reachable."""
        with contextlib.suppress(OSError):
            return (
                self._marker is not None and self._fresh(self._marker) and _connects(self._access)
            )
        return False

    def remember(self) -> None:
        """Remember that the login was verified now, and remove expired entries."""
        if self._marker is None:
            return
        with contextlib.suppress(OSError):
            places.make_private(self._marker.parent)
            self._marker.touch(mode=0o600)
            for other in self._marker.parent.iterdir():
                if not self._fresh(other):
                    other.unlink()

    def forget(self) -> None:
        """Verify the login again next time."""
        if self._marker is not None:
            with contextlib.suppress(OSError):
                self._marker.unlink()

    def _fresh(self, marker: Path) -> bool:
        return 0 <= time.time() - marker.stat().st_mtime < 60 * self.VALID_MINUTES


def _marker_path(access: RegistryAccess, login: Path) -> Path | None:
    """Return the path of the marker file of this registry, account and login.

    A login file that was written again has another marker. None if the file is unreadable.
    """
    try:
        saved = login.stat()
    except OSError:
        return None
    identity = [access.host, access.username, str(access.ca_cert), access.insecure]
    identity += sorted(access.token_hosts)
    identity += [str(login.absolute()), saved.st_ino, saved.st_size, saved.st_mtime_ns]
    name = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]
    return places.cache() / "accepted" / name


def _connects(access: RegistryAccess) -> bool:
    """Report whether the registry accepts connections; False behind a proxy."""
    scheme, default = ("http", 80) if access.insecure else ("https", 443)
    try:
        parts = urlsplit(f"//{access.host}")
        host, port = parts.hostname or "", parts.port or default
        if proxy_for(scheme, host, port) is not None:
            return False
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except (OSError, ValueError):
        return False
    return True
