"""Check that a daemon accepts connections: connect to its address, and close."""

import errno
import socket
from typing import Final
from urllib.parse import urlsplit

from keynet.frozen import frozen
from keynet.runtime.engine import Unusable
from keynet.runtime.probing.privileges import running_as_root, user_name
from keynet.text import _, fill, printable

__all__ = ["Advice", "refusal"]

_TIMEOUT_S: Final = 3.0
_TCP_PORTS: Final = {"http": 2375, "https": 2376, "tcp": 2375}


@frozen
class Advice:
    """How to start a daemon that does not answer, and how to get access to it.

    Both texts are marked with ``N_()`` and translated when they are shown; ``{run}`` asks to run
    a command as root, and ``{user}`` is this user's name. Without ``permission``, ``start`` is
    shown for both.
    """

    start: str
    permission: str = ""


def refusal(endpoint: str, name: str, advice: Advice) -> Unusable | None:
    """Return why this daemon cannot be used; None if it accepts connections.

    ``ssh://`` addresses, which need a program, and "" are not tried: they return None.
    """
    parts = urlsplit(endpoint)
    try:
        if parts.scheme == "unix":
            _connect_unix(parts.path)
        elif parts.scheme in _TCP_PORTS and parts.hostname:
            address = (parts.hostname, parts.port or _TCP_PORTS[parts.scheme])
            socket.create_connection(address, timeout=_TIMEOUT_S).close()
    except OSError as error:
        return _explain(error, endpoint, name, advice)
    except ValueError as error:
        return Unusable(
            name,
            fill(
                _("{endpoint} is not a valid address: {reason}"),
                endpoint=printable(endpoint, 200),
                reason=error,
            ),
            _filled(advice.start),
        )
    return None


def _filled(advice: str) -> str:
    return fill(_(advice), run=running_as_root(), user=user_name())


def _connect_unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_TIMEOUT_S)
        client.connect(path)


def _explain(error: OSError, endpoint: str, name: str, advice: Advice) -> Unusable:
    shown = printable(endpoint, 200)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unusable(
            name,
            fill(
                _("this user has no access to the daemon's socket {endpoint} (permission denied)"),
                endpoint=shown,
            ),
            _filled(advice.permission or advice.start),
            endpoint,
        )
    return Unusable(
        name,
        fill(
            _("its daemon is not running or not reachable at {endpoint} ({reason})"),
            endpoint=shown,
            reason=error.strerror or error,
        ),
        _filled(advice.start),
        endpoint,
    )
