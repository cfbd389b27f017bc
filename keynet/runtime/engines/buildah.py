"""buildah: root or rootless, without a daemon; what is its own, pure."""

import os
from collections.abc import Iterator
from dataclasses import replace

from keynet.runtime.engine import Invocation
from keynet.runtime.engines import podman_args
from keynet.runtime.engines.dialect import Dialect, Facts

__all__ = ["BUILDAH"]


def _prefix(way: Invocation) -> tuple[str, ...]:
    return (way.binary, *podman_args.store_flags(way))


def _build_flags(way: Invocation) -> tuple[str, ...]:
    return ("--runtime", way.runtime) if way.runtime else ()


def _ways(way: Invocation, facts: Facts) -> Iterator[Invocation]:
    """Yield isolations from the strongest to the one that needs least of the host."""
    if wanted := os.environ.get("BUILDAH_ISOLATION"):
        yield replace(way, isolation=wanted)
    contained = "rootless" if facts.rootless else "oci"
    yield replace(way, isolation=contained)
    for runtime in facts.other_runtimes:
        yield replace(way, isolation=contained, runtime=runtime)
    yield replace(way, isolation="chroot")


BUILDAH = Dialect(
    name="buildah",
    prefix=_prefix,
    build_flags=_build_flags,
    ways=_ways,
    mounts_since=(1, 24),
    repository="Name",
    inspect_user=("--type", "image", "--format", "{{.OCIv1.Config.User}}"),
)
