"""Create a private login file for one podman or buildah command.

It has the user's own logins and one more.

A push neither depends on the engine's stored login, which podman loses at a reboot and CI does not
have, nor changes it. The user's own logins are copied, so that private base images can be pulled.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from keynet.errors import UsageError
from keynet.files import folder_parents, limited_read, places
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.net.hosts import is_loopback
from keynet.plan import RegistryAccess
from keynet.runtime.build import authfiles
from keynet.runtime.engines.docker.logins.docker_login import docker_folder
from keynet.text import _, fill

__all__ = ["RegistryAuth", "private_auth"]

_LARGEST: Final = 10_000_000


@frozen
class RegistryAuth:
    """Credentials of one registry, as files in a private folder.

    ``cert_dir`` is None without a private CA; ``insecure`` allows plain http and unverified
    certificates.
    """

    host: str
    authfile: Path
    cert_dir: Path | None = None
    insecure: bool = False


@contextlib.contextmanager
def private_auth(access: RegistryAccess) -> Iterator[RegistryAuth]:
    """Create the folder (0700), and remove it in any case.

    Raises:
        UsageError: The CA certificate of ``access`` cannot be read.
    """
    with living(authfiles.KIND, folder_parents.runtime()) as folder:
        authfile = folder / "auth.json"
        authfiles.write(authfile, _config(access))
        yield RegistryAuth(
            host=access.host,
            authfile=authfile,
            cert_dir=_cert_dir(access, folder),
            insecure=access.insecure or (access.ca_cert is None and is_loopback(access.host)),
        )


def _config(access: RegistryAccess) -> dict[str, Any]:
    auths: dict[str, Any] = {}
    helpers: dict[str, Any] = {}
    # In reverse order: the first place that has an entry for a host wins.
    for config in (*map(authfiles.read, reversed(_authfiles())), authfiles.given()):
        auths |= authfiles.mapping(config.get("auths"))
        helpers |= authfiles.mapping(config.get("credHelpers"))
    own = dict(authfiles.mapping(authfiles.given().get("auths")))
    if access.username:
        own[access.host] = authfiles.entry(access)
    # A helper would hide the entry.
    helpers = {host: helper for host, helper in helpers.items() if host not in own}
    auths |= own
    return {"auths": auths, "credHelpers": helpers} if helpers else {"auths": auths}


def _authfiles() -> list[Path]:
    """Return the login files of podman and buildah, in the order of reading.

    Source: containers-auth.json(5).
    """
    explicit = os.environ.get("REGISTRY_AUTH_FILE")
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
    config = os.environ.get("XDG_CONFIG_HOME") or places.home() / ".config"
    primary = Path(explicit) if explicit else Path(runtime) / "containers" / "auth.json"
    if not explicit and not os.environ.get("XDG_RUNTIME_DIR"):
        primary = Path(runtime) / "auth.json"
    return [primary, Path(config) / "containers" / "auth.json", docker_folder() / "config.json"]


def _cert_dir(access: RegistryAccess, folder: Path) -> Path | None:
    if access.ca_cert is None:
        return None
    try:
        certificate = limited_read.read(access.ca_cert, _LARGEST)
    except OSError as error:
        raise _unreadable(access.ca_cert, error.strerror or str(error)) from error
    if certificate is None:
        raise _unreadable(access.ca_cert, _("it is too large"))
    directory = folder / "certs"
    directory.mkdir(mode=0o700)
    (directory / "ca.crt").write_bytes(certificate)
    return directory


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(
        fill(_("The CA certificate {path} cannot be read: {reason}."), path=path, reason=reason),
        _("Pass a readable file to: keynet login --ca-cert FILE"),
    )
