"""The private folder of one push: credentials in each engine's form, removed afterwards.

A push never depends on an engine's stored login, and never changes it (SPEC 1.4). The
user's own entries stay, so that private base images still pull.
"""

import base64
import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from keynet.errors import UsageError
from keynet.files import limited_read, places
from keynet.net.hosts import is_loopback
from keynet.plan import RegistryAccess
from keynet.runtime.engine import RegistryAuth
from keynet.text import _, fill

__all__ = ["docker_folder", "registry_auth"]

_LARGEST: Final = 10_000_000
_HUB: Final = "docker.io"
_HUB_IN_DOCKER: Final = "https://index.docker.io/v1/"
# What the docker client looks for beside config.json: contexts, plugins, buildx's builders,
# and the certificates that DOCKER_TLS_VERIFY uses.
_LINKED: Final = ("contexts", "cli-plugins", "buildx", "ca.pem", "cert.pem", "key.pem")


@contextlib.contextmanager
def registry_auth(access: RegistryAccess) -> Iterator[RegistryAuth]:
    """Make the folder (0700) and remove it on every way out.

    Raises:
        UsageError: The CA certificate of ``access`` cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="keynet-auth-") as name:
        folder = Path(name)
        authfile = folder / "auth.json"
        _write(authfile, _containers_config(access))
        docker = folder / "docker"
        docker.mkdir(mode=0o700)
        _write(docker / "config.json", _docker_config(access))
        for part in _LINKED:
            own = docker_folder() / part
            if os.path.exists(own):  # noqa: PTH110  False where it is hidden from this user
                (docker / part).symlink_to(own.resolve())
        yield RegistryAuth(
            host=access.host,
            authfile=authfile,
            docker_config=docker,
            cert_dir=_cert_dir(access, folder),
            insecure=access.insecure or (access.ca_cert is None and is_loopback(access.host)),
        )


def docker_folder() -> Path:
    """Give the user's own docker configuration folder, which need not exist."""
    return Path(os.environ.get("DOCKER_CONFIG") or places.home() / ".docker")


def _containers_config(access: RegistryAccess) -> dict[str, Any]:
    auths: dict[str, Any] = {}
    helpers: dict[str, Any] = {}
    # Least important first: the engines read the others before docker's file.
    for path in reversed(_containers_authfiles()):
        config = _read(path)
        auths |= _mapping(config.get("auths"))
        helpers |= _mapping(config.get("credHelpers"))
    if access.username:
        helpers.pop(access.host, None)
        auths[access.host] = _entry(access)
    return {"auths": auths, "credHelpers": helpers} if helpers else {"auths": auths}


def _docker_config(access: RegistryAccess) -> dict[str, Any]:
    config = dict(_read(docker_folder() / "config.json"))
    if not access.username:
        return config
    host = _HUB_IN_DOCKER if access.host == _HUB else access.host
    config["auths"] = _mapping(config.get("auths")) | {host: _entry(access)}
    helpers = {k: v for k, v in _mapping(config.get("credHelpers")).items() if k != host}
    if config.get("credsStore"):
        # An empty helper means the file itself: the store for all hosts would hide the entry.
        helpers[host] = ""
    if helpers:
        config["credHelpers"] = helpers
    else:
        config.pop("credHelpers", None)
    return config


def _containers_authfiles() -> list[Path]:
    """List where podman and buildah look, the first match of a host wins."""
    explicit = os.environ.get("REGISTRY_AUTH_FILE")
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/containers/{os.getuid()}"
    config = os.environ.get("XDG_CONFIG_HOME") or places.home() / ".config"
    primary = Path(explicit) if explicit else Path(runtime) / "containers" / "auth.json"
    if not explicit and not os.environ.get("XDG_RUNTIME_DIR"):
        primary = Path(runtime) / "auth.json"
    return [primary, Path(config) / "containers" / "auth.json", docker_folder() / "config.json"]


def _entry(access: RegistryAccess) -> dict[str, str]:
    password = access.password.reveal() if access.password else ""
    return {"auth": base64.b64encode(f"{access.username}:{password}".encode()).decode()}


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
        fill(
            _("The CA certificate {path} cannot be read: {reason}."),
            path=path,
            reason=reason,
        ),
        _("Give the right file with: keynet login --ca-cert FILE"),
    )


def _read(path: Path) -> Mapping[str, Any]:
    """Read a foreign configuration file; one that is broken or hidden counts as empty.

    The engines themselves warn about it; a push needs only its own entry.
    """
    try:
        return _mapping(json.loads(limited_read.head(path, _LARGEST)))
    except (OSError, ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
