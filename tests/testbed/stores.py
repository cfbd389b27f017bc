"""Engine stores of a test run's own, so that the machine's are left alone."""

import os
from dataclasses import dataclass
from pathlib import Path

from .images import Hub

__all__ = ["Store", "make_store", "store_variables"]


@dataclass(frozen=True, slots=True)
class Store:
    """Root's podman and buildah store below a test's folder; ``environment`` points there."""

    root: Path
    environment: dict[str, str]


def make_store(folder: Path, hub: Hub | None = None, *, driver: str = "overlay") -> Store:
    """Write a storage.conf for a new, empty store below ``folder``."""
    variables = store_variables(folder, driver=driver)
    # The machine's logins, which podman and buildah read, are left alone, too.
    logins = folder / "logins"
    logins.mkdir(mode=0o700, exist_ok=True)
    variables["XDG_RUNTIME_DIR"] = str(logins)
    if hub is not None:
        variables["CONTAINERS_REGISTRIES_CONF"] = str(hub.registries_conf)
    return Store(folder, {**os.environ, **variables})


def store_variables(folder: Path, *, driver: str = "overlay") -> dict[str, str]:
    """Make the store's folder and return the variable by which engines find it."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "storage.conf"
    graph, run = folder / "graph", folder / "run"
    conf.write_text(f'[storage]\ndriver = "{driver}"\ngraphroot = "{graph}"\nrunroot = "{run}"\n')
    return {"CONTAINERS_STORAGE_CONF": str(conf)}
