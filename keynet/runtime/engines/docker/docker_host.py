"""docker on this host: the settings that decide how it runs, and advice.

Every push imports this module, so it imports nothing heavy.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keynet.files import limited_read
from keynet.runtime.engines.docker.logins.docker_login import docker_folder
from keynet.runtime.probing.cache_key import stamp, variables
from keynet.runtime.probing.endpoints import Advice
from keynet.runtime.probing.privileges import as_root
from keynet.runtime.probing.reasons import Guide
from keynet.text import N_, _, fill, stacked

__all__ = ["ADVICE", "GUIDE", "NAME", "restart", "settings"]

NAME: Final = "docker"
_LARGEST: Final = 10_000_000
ADVICE: Final = Advice(
    start=N_(
        "{run} systemctl start docker\n"
        "Or correct DOCKER_HOST, or select another context: docker context ls"
    ),
    permission=N_(
        "{run} usermod -aG docker {user}\n"
        "Then log in again. Or use rootless docker, podman or buildah."
    ),
)


def restart(endpoint: str = "") -> str:
    """Word how to restart a daemon that does not answer.

    Args:
        endpoint: Its address; "" is that of DOCKER_HOST.
    """
    address = endpoint or os.environ.get("DOCKER_HOST", "")
    if address.startswith(f"unix:///run/user/{os.geteuid()}/"):
        commands = ("systemctl --user restart docker", "journalctl --user -u docker")
        restarting = fill(_("Run: {command}"), command=commands[0])
    else:
        commands = ("systemctl restart docker", "journalctl -u docker")
        restarting = as_root(commands[0])
    return stacked(restarting, fill(_("Its log: {command}"), command=commands[1]))


GUIDE: Final = Guide(
    NAME,
    package="docker.io",
    reset="docker system prune",
    known=(
        (r"permission denied while trying to connect", ADVICE.permission),
        (r"cannot connect to the docker daemon|error during connect", ADVICE.start),
        (
            r"non-overlapping IPv4 address pool|address pools have been fully subnetted",
            N_("Remove networks that nothing uses: docker network prune"),
        ),
    ),
    restart=restart,
)

_VARIABLES: Final = (
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS_VERIFY",
)


def settings() -> Iterator[object]:
    """Yield what decides how docker runs; see ``EngineCandidate.settings``."""
    yield from variables(_VARIABLES)
    folder = docker_folder()
    found: object = None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        found = json.loads(limited_read.head(folder / "config.json", _LARGEST))
    chosen = found if isinstance(found, dict) else {}
    # The rest of config.json (logins, formats of tables) does not matter for that.
    yield [chosen.get(each) for each in ("currentContext", "cliPluginsExtraDirs")]
    yield stamp(str(folder / "cli-plugins"))
    context = os.environ.get("DOCKER_CONTEXT") or chosen.get("currentContext")
    if isinstance(context, str):
        place = hashlib.sha256(context.encode()).hexdigest()
        yield stamp(str(folder / "contexts" / "meta" / place / "meta.json"))
    if builder := os.environ.get("BUILDX_BUILDER"):
        own = Path(os.environ.get("BUILDX_CONFIG") or folder / "buildx")
        yield stamp(str(own / "instances" / builder))
