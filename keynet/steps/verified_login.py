"""That a registry took the saved login a while ago, kept between pushes.

To ask takes several round trips and 0.1 s for loading the registry client, before anything else
can begin; one connect tells that the registry is there. An account that was refused since is told
by the push itself, and then asked about again.
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

__all__ = ["Acceptance"]

_CONNECT_S: Final = 1.0


class Acceptance:
    """Remember that a registry took this account of the login in this file; best effort.

    Args:
        login: Where the password was read; None when it came from elsewhere, which is never
            remembered: a password leaves no trace of itself.
    """

    MINUTES: Final = 10

    def __init__(self, access: RegistryAccess, login: Path | None) -> None:
        self._access = access
        self._mark = None if login is None else _mark(access, login)

    def holds(self) -> bool:
        """Tell whether it was taken in the last ``MINUTES`` and the registry is there now."""
        with contextlib.suppress(OSError):
            return self._mark is not None and self._fresh(self._mark) and _connects(self._access)
        return False

    def note(self) -> None:
        """Remember that it was taken just now, and nothing that is out of date."""
        if self._mark is None:
            return
        with contextlib.suppress(OSError):
            places.make_private(self._mark.parent)
            self._mark.touch(mode=0o600)
            for other in self._mark.parent.iterdir():
                if not self._fresh(other):
                    other.unlink()

    def forget(self) -> None:
        """Ask again next time."""
        if self._mark is not None:
            with contextlib.suppress(OSError):
                self._mark.unlink()

    def _fresh(self, mark: Path) -> bool:
        return 0 <= time.time() - mark.stat().st_mtime < 60 * self.MINUTES


def _mark(access: RegistryAccess, login: Path) -> Path | None:
    """Name an empty file after all that decides; a login that was written anew is another."""
    try:
        saved = login.stat()
    except OSError:
        return None
    decides = [access.host, access.username, str(access.ca_cert), access.insecure]
    decides += [str(login.absolute()), saved.st_ino, saved.st_size, saved.st_mtime_ns]
    name = hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:32]
    return places.cache() / "accepted" / name


def _connects(access: RegistryAccess) -> bool:
    """See that somebody takes connections there; behind a proxy that cannot be seen."""
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
