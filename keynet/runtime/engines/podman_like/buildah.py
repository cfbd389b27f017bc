"""buildah, without a daemon: where its invocation differs from podman's. Pure."""

import os
from collections.abc import Iterator
from dataclasses import replace

from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.dialect import Dialect, Facts, Invocation
from keynet.runtime.probing.reasons import Guide

__all__ = ["BUILDAH"]


def _prefix(invocation: Invocation) -> tuple[str, ...]:
    return (invocation.binary, *podman_args.store_flags(invocation))


def _build_flags(invocation: Invocation) -> tuple[str, ...]:
    return ("--runtime", invocation.runtime) if invocation.runtime else ()


def _invocations(plain: Invocation, facts: Facts) -> Iterator[Invocation]:
    """Yield isolations, from the strongest to the least demanding."""
    if wanted := os.environ.get("BUILDAH_ISOLATION"):
        yield replace(plain, isolation=wanted)
    contained = "rootless" if facts.rootless else "oci"
    yield from facts.with_runtimes(replace(plain, isolation=contained))
    yield replace(plain, isolation="chroot")


BUILDAH = Dialect(
    guide=Guide("buildah", package="buildah", reset="buildah unshare rm -rf FOLDER"),
    prefix=_prefix,
    build_flags=_build_flags,
    invocations=_invocations,
    prune="buildah prune",
    mounts_since=(1, 24),
    heredocs_since=(1, 33),
    repository="Name",
    ping=("containers", "--quiet"),
    version_json=("--json",),
    image_id=("inspect", "--type", "image", "--format", "{{.FromImageID}}"),
    runs_containers=False,
)
