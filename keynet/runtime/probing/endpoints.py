"""Whether a daemon is there: one connect to its socket or port, nothing said to it."""

import errno
import socket
from typing import Final
from urllib.parse import urlsplit

from keynet.runtime.engine import Unusable
from keynet.text import _, fill, printable

__all__ = ["refusal"]

_TIMEOUT_S: Final = 3.0
_TCP_PORTS: Final = {"http": 2375, "https": 2376, "tcp": 2375}


def refusal(endpoint: str, name: str = "docker") -> Unusable | None:
    """Give why the daemon at this address cannot be used; None when it takes connections.

    Addresses that need a program of their own (``ssh://``) and "" are not tried.
    """
    parts = urlsplit(endpoint)
    try:
        if parts.scheme == "unix":
            _connect_unix(parts.path)
        elif parts.scheme in _TCP_PORTS and parts.hostname:
            address = (parts.hostname, parts.port or _TCP_PORTS[parts.scheme])
            socket.create_connection(address, timeout=_TIMEOUT_S).close()
    except OSError as error:
        return _explain(error, endpoint, name)
    except ValueError as error:
        return Unusable(
            name,
            fill(
                _("{endpoint} is no address: {reason}"),
                endpoint=printable(endpoint, 200),
                reason=error,
            ),
            _fix_address(name),
        )
    return None


def _connect_unix(path: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_TIMEOUT_S)
        client.connect(path)


def _explain(error: OSError, endpoint: str, name: str) -> Unusable:
    shown = printable(endpoint, 200)
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unusable(
            name,
            fill(
                _("this user may not use the daemon's socket {endpoint} (permission denied)"),
                endpoint=shown,
            ),
            _(
                "As root: usermod -aG docker USER, then log in anew; or use rootless docker, "
                "podman or buildah."
            ),
            endpoint,
        )
    reason = printable(error.strerror or error)
    return Unusable(
        name,
        fill(
            _("its daemon is not running: nothing answers at {endpoint} ({reason})"),
            endpoint=shown,
            reason=reason,
        ),
        _fix_address(name),
        endpoint,
    )


def _fix_address(name: str) -> str:
    if name == "podman":
        return _(
            "Start the service (podman system service), or mend CONTAINER_HOST or the default "
            "connection: podman system connection list"
        )
    return _(
        "Start it: systemctl start docker; or mend DOCKER_HOST or the context: docker context ls"
    )
