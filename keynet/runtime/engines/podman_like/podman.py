"""podman, local or remote: where its invocation differs from buildah's. Pure."""

import os
from collections.abc import Iterator
from dataclasses import replace

from keynet.runtime.engines.podman_like import podman_args
from keynet.runtime.engines.podman_like.dialect import Dialect, Facts, Invocation
from keynet.runtime.probing.reasons import Guide
from keynet.text import N_

__all__ = ["PODMAN"]


def _prefix(invocation: Invocation) -> tuple[str, ...]:
    runtime = ("--runtime", invocation.runtime) if invocation.runtime else ()
    return (invocation.binary, *podman_args.store_flags(invocation), *runtime)


def _build_flags(invocation: Invocation) -> tuple[str, ...]:
    return ()


def _invocations(plain: Invocation, facts: Facts) -> Iterator[Invocation]:
    """Yield runtimes and isolations; a remote service chooses its runtime itself."""
    if wanted := os.environ.get("BUILDAH_ISOLATION"):
        yield replace(plain, isolation=wanted)
    yield from [plain] if facts.remote else facts.with_runtimes(plain)
    yield replace(plain, isolation="chroot")


PODMAN = Dialect(
    guide=Guide(
        "podman",
        package="podman",
        after_subids="podman system migrate",
        reset="podman system reset",
        known=(
            (
                r"(?:unable to|cannot) connect to podman|podman socket|CONTAINER_HOST"
                r"|dial (?:unix|tcp)",
                N_(
                    "Start the service that CONTAINER_HOST or the podman connection names (podman "
                    "system service), or remove that setting: podman system connection list"
                ),
            ),
        ),
    ),
    info=("info", "--format", "json"),
    prefix=_prefix,
    build_flags=_build_flags,
    invocations=_invocations,
    rm_flags=("--force",),
    prune="podman image prune",
    has_service=True,
    mounts_since=(4, 0),
    heredocs_since=(4, 8),
)
