"""Base images without the internet: made once a machine, served as if from Docker Hub."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .machine import CHECKOUT, cache_folder, locked, need
from .registry import RegistryServer

__all__ = ["Hub", "Variant", "base_archive", "copy_to_registry", "fill_hub"]

Variant = Literal["slim", "bare", "arm64", "busybox", "stub"]
# Those that every hub has.
NAMES: dict[Variant, str] = {
    "slim": "library/python:3.11-slim",
    "bare": "library/debian-python:bare",
    "busybox": "library/busybox:latest",
    "stub": "library/python-stub:latest",
}


@dataclass(frozen=True, slots=True)
class Hub:
    """A registry that stands for Docker Hub.

    ``registries_conf`` goes into CONTAINERS_REGISTRIES_CONF: podman, buildah and skopeo then
    find ``python:3.11-slim`` by its short name; ``mirror`` is dockerd's --registry-mirror.
    """

    registry: RegistryServer
    mirror: str
    registries_conf: Path

    def reference(self, variant: Variant) -> str:
        """Return the full name, for engines that do not know the mirror."""
        return f"{self.registry.host}/{NAMES[variant]}"


def base_archive(variant: Variant) -> Path:
    """Return an OCI archive of that base; made by scripts/base-image when it is the first time."""
    path = cache_folder() / f"{variant}.oci.tar"
    with locked(f"base-{variant}"):
        # A stub changes with what builds ask of it, and takes no time.
        if variant == "stub" or not path.exists():
            script = CHECKOUT / "scripts" / "base-image"
            argv = ["/usr/bin/python3", str(script), "--variant", variant]
            subprocess.run(argv, check=True, capture_output=True)
    return path


def copy_to_registry(archive: Path, registry: RegistryServer, name: str) -> None:
    """Push an OCI archive as ``name`` with skopeo; an open registry only."""
    verify = "--dest-tls-verify=false"
    argv = [need("skopeo"), "--insecure-policy", "copy", "--quiet", verify]
    argv += [f"oci-archive:{archive}", f"docker://{registry.host}/{name}"]
    subprocess.run(argv, check=True, capture_output=True)


def fill_hub(registry: RegistryServer, folder: Path, *variants: Variant) -> Hub:
    """Put base images into an open registry and write the configuration that finds them."""
    for variant in variants or tuple(NAMES):
        copy_to_registry(base_archive(variant), registry, NAMES[variant])
    conf = folder / "registries.conf"
    conf.write_text(
        'unqualified-search-registries = ["docker.io"]\n'
        'short-name-mode = "permissive"\n'
        "[[registry]]\n"
        'prefix = "docker.io"\n'
        'location = "docker.io"\n'
        "[[registry.mirror]]\n"
        f'location = "{registry.host}"\n'
        "insecure = true\n"
        # The hub by its own name, plain http.
        f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n'
    )
    conf.chmod(0o644)
    return Hub(registry, registry.url, conf)
