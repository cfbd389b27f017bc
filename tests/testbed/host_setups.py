"""Every host setup that keynet is tested on: engine, user and generation."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .daemon import Dockerd
from .images import Hub
from .newer import PYTHON, NewerRoot
from .program import PATH, HostSetup
from .stores import store_variables
from .user import OrdinaryUser

__all__ = ["HostSetups"]


@dataclass(frozen=True, slots=True)
class HostSetups:
    """Makes setups; ``get`` returns a session fixture by name, so that only what is used starts."""

    folder: Path
    source: Path
    hub: Hub
    get: Callable[[str], object]

    def named(self, name: str) -> HostSetup:
        """Return the setup of that name: [newer-][rootless-]ENGINE, or docker-legacy, -buildkit."""
        newer = name.startswith("newer-")
        kind = name.removeprefix("newer-")
        builder = kind.removeprefix("rootless-").partition("-")[0]
        variables = {
            "PATH": PATH,
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(self.get("newer_source") if newer else self.source),
            "PYTHONDONTWRITEBYTECODE": "1",
            "CONTAINERS_REGISTRIES_CONF": str(self.hub.registries_conf),
        }
        if newer:
            # Said with every command otherwise, where a test reads what an engine prints.
            variables["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"
        python = PYTHON if newer else str(self.get("host_python"))
        if kind.startswith("rootless-"):
            return self._of_user(name, builder, python, variables, newer=newer)
        home = self._home(name)
        variables |= {"HOME": str(home), "XDG_RUNTIME_DIR": str(self._home(f"{name}-run"))}
        if builder == "docker":
            daemon = self.get("newer_dockerd" if newer else "dockerd")
            assert isinstance(daemon, Dockerd)
            variables["DOCKER_HOST"] = daemon.host
            if not newer:
                variables["DOCKER_BUILDKIT"] = "1" if kind.endswith("buildkit") else "0"
        else:
            variables |= store_variables(self.folder / name)
        return HostSetup(name, builder, python, home, variables, self._enter(newer))

    def _of_user(
        self, name: str, builder: str, python: str, variables: dict[str, str], *, newer: bool
    ) -> HostSetup:
        user = self.get("newer_user" if newer else "user")
        assert isinstance(user, OrdinaryUser)
        home = user.home / name
        subprocess.run(user.argv(["mkdir", "-p", str(home)]), check=True)
        ids = [f"--reuid={user.uid}", f"--regid={user.gid}", "--init-groups"]
        prefix = [*self._enter(newer), "/usr/bin/setpriv", *ids, "--"]
        # Each rootless setup has a home of its own: the engines' stores are below it.
        environment = {**user.environment(variables), "HOME": str(home), "PATH": PATH}
        return HostSetup(name, builder, python, home, environment, prefix)

    def _enter(self, newer: bool) -> list[str]:
        if not newer:
            return []
        root = self.get("newer")
        assert isinstance(root, NewerRoot)
        return root.enter()

    def _home(self, name: str) -> Path:
        home = self.folder / f"home-{name}"
        home.mkdir(mode=0o700, exist_ok=True)
        return home
