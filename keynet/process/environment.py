"""The environment of the programs that keynet starts: what is theirs, and folders they can use.

KEYNET_… variables may hold the platform's token and the registry's password. An engine hands its
environment on: to credential helpers, to remote builders, to hooks of an OCI runtime.

``su``, ``sudo``, containers and CI runners leave variables that name folders of other users, or
folders that do not exist. Python falls back to the next one; the engines, written in Go, fail.
"""

import os
from collections.abc import Mapping
from typing import Final

from keynet.files import places
from keynet.process import programs

__all__ = ["for_programs", "without_own"]

_OWN: Final = "KEYNET_"


def for_programs(own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without keynet's own.

    Each folder that cannot be used is replaced or left out.
    """
    variables = without_own(own)
    if "TMPDIR" in own and not os.access(own["TMPDIR"], os.W_OK):
        del variables["TMPDIR"]
    if own.get("XDG_RUNTIME_DIR") and not places.is_own(own["XDG_RUNTIME_DIR"]):
        del variables["XDG_RUNTIME_DIR"]
    home = places.home()
    if not places.is_writable(home):
        # podman and buildah keep caches there; settings may still be read where they are.
        variables["HOME"] = str(places.data() / "home")
        places.make_private(places.data() / "home")
        for name, folder in (("XDG_CONFIG_HOME", ".config"), ("DOCKER_CONFIG", ".docker")):
            if os.access(home / folder, os.R_OK | os.X_OK):
                variables.setdefault(name, str(home / folder))
    return variables


def without_own(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that other programs may see: all but KEYNET_…, and a safe PATH."""
    foreign = {name: value for name, value in variables.items() if not name.startswith(_OWN)}
    return programs.with_safe_path(foreign)
