"""podman: root or rootless, local or over CONTAINER_HOST; what is its own, pure."""

import os
from collections.abc import Iterator
from dataclasses import replace

from keynet.runtime.engine import Invocation
from keynet.runtime.engines import podman_args
from keynet.runtime.engines.dialect import Dialect, Facts

__all__ = ["PODMAN"]


def _prefix(way: Invocation) -> tuple[str, ...]:
    runtime = ("--runtime", way.runtime) if way.runtime else ()
    return (way.binary, *podman_args.store_flags(way), *runtime)


def _build_flags(way: Invocation) -> tuple[str, ...]:
    return ()


def _ways(way: Invocation, facts: Facts) -> Iterator[Invocation]:
    """Yield runtimes and isolations; a service elsewhere knows its own runtimes best."""
    if wanted := os.environ.get("BUILDAH_ISOLATION"):
        yield replace(way, isolation=wanted)
    yield way
    if not facts.remote:
        for runtime in facts.other_runtimes:
            yield replace(way, runtime=runtime)
    yield replace(way, isolation="chroot")


PODMAN = Dialect(
    name="podman",
    prefix=_prefix,
    build_flags=_build_flags,
    ways=_ways,
    rm_flags=("--force",),
    mounts_since=(4, 0),
    inspect_user=("--type", "image", "--format", "{{.Config.User}}"),
)
