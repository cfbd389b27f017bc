"""Create a private DOCKER_CONFIG for one command, with one more login.

A push neither depends on docker's stored login nor changes it. The user's own logins are copied,
so that private base images can be pulled. So are those of DOCKER_AUTH_CONFIG, which docker would
prefer to the private folder.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keynet.files import folder_parents, places
from keynet.files.living_folders import living
from keynet.runtime.build import authfiles

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess

__all__ = ["docker_folder", "private_config"]

_HUB: Final = "docker.io"
_HUB_IN_DOCKER: Final = "https://index.docker.io/v1/"
# What the docker client reads next to config.json: contexts, plugins, buildx's builders, and the
# certificates for DOCKER_TLS_VERIFY.
_LINKED: Final = ("contexts", "cli-plugins", "buildx", "ca.pem", "cert.pem", "key.pem")


@contextlib.contextmanager
def private_config(access: RegistryAccess | None) -> Iterator[Path | None]:
    """Create a folder (0700) for DOCKER_CONFIG, and remove it in any case.

    Yields None without ``access``: docker then uses the user's own folder.
    """
    if access is None:
        yield None
        return
    with living(authfiles.KIND, folder_parents.runtime()) as folder:
        authfiles.write(folder / "config.json", _config(access))
        for part in _LINKED:
            own = docker_folder() / part
            if os.path.exists(own):  # noqa: PTH110  False where it is hidden from this user
                (folder / part).symlink_to(own.resolve())
        yield folder


def docker_folder() -> Path:
    """Return the user's own docker configuration folder, which may not exist."""
    return Path(os.environ.get("DOCKER_CONFIG") or places.home() / ".docker")


def _config(access: RegistryAccess) -> dict[str, Any]:
    config = dict(authfiles.read(docker_folder() / "config.json"))
    given = authfiles.given()
    added = dict(authfiles.mapping(given.get("auths")))
    if access.username:
        host = _HUB_IN_DOCKER if access.host == _HUB else access.host
        added[host] = authfiles.entry(access)
    helpers = authfiles.mapping(config.get("credHelpers"))
    helpers = helpers | authfiles.mapping(given.get("credHelpers"))
    if not added and helpers == config.get("credHelpers", {}):
        return config
    config["auths"] = authfiles.mapping(config.get("auths")) | added
    helpers = {name: helper for name, helper in helpers.items() if name not in added}
    if config.get("credsStore"):
        # An empty helper selects the file. The store for all hosts would hide the entries.
        helpers |= dict.fromkeys(added, "")
    if helpers:
        config["credHelpers"] = helpers
    else:
        config.pop("credHelpers", None)
    return config
