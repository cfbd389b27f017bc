"""The environment of the programs that keynet starts: its own, without folders they cannot use.

``su``, ``sudo``, containers and CI runners leave variables that name folders of other users, or
folders that do not exist. Python falls back to the next one; the engines, written in Go, fail.
"""

import os
from collections.abc import Mapping

from keynet.files import places

__all__ = ["for_programs"]


def for_programs(own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with each folder that cannot be used replaced or left out."""
    variables = dict(own)
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
