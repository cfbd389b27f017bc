"""That a registry took the saved login a while ago, kept between pushes.

To ask takes several round trips and 0.1 s for loading the registry client, before anything else
can begin. An account that was refused since is told by the push itself, and then asked about again.
"""

import contextlib
import hashlib
import json
import time
from pathlib import Path
from typing import Final

import platformdirs

from keynet.plan import RegistryAccess

__all__ = ["Acceptance"]


class Acceptance:
    """Remember that a registry took this account of the login in this file; best effort.

    Args:
        login: Where the password was read; None when it came from elsewhere, which is never
            remembered: a password leaves no trace of itself.
    """

    MINUTES: Final = 10

    def __init__(self, access: RegistryAccess, login: Path | None) -> None:
        self._mark = None if login is None else _mark(access, login)

    def holds(self) -> bool:
        """Tell whether it was taken in the last ``MINUTES``."""
        if self._mark is None:
            return False
        try:
            age_s = time.time() - self._mark.stat().st_mtime
        except OSError:
            return False
        return 0 <= age_s < 60 * self.MINUTES

    def note(self) -> None:
        """Remember that it was taken just now."""
        if self._mark is not None:
            with contextlib.suppress(OSError):
                self._mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._mark.touch(mode=0o600)

    def forget(self) -> None:
        """Ask again next time."""
        if self._mark is not None:
            with contextlib.suppress(OSError):
                self._mark.unlink()


def _mark(access: RegistryAccess, login: Path) -> Path | None:
    """Name an empty file after all that decides; a login that was written anew is another."""
    try:
        saved = login.stat()
    except OSError:
        return None
    decides = [access.host, access.username, str(access.ca_cert), access.insecure]
    decides += [str(login.absolute()), saved.st_ino, saved.st_size, saved.st_mtime_ns]
    name = hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:32]
    return Path(platformdirs.user_cache_dir("keynet")) / "accepted" / name
