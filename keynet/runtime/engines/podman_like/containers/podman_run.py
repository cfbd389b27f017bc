"""How podman runs containers: its flags, its pulls, its messages."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from keynet.oci.reference import Reference
from keynet.process import shell
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.engines.podman_like import podman_host
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation
from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine
from keynet.runtime.engines.questions import Questions
from keynet.runtime.probing.ulimits import lower_limits
from keynet.runtime.workspace import remembered_host
from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.container_run import ContainerCommands
from keynet.runtime.workspace.mounts import mounted_at
from keynet.text import N_

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess

__all__ = ["container_commands", "disk_flags", "gpu_flags", "ulimit_flags"]

_SHORT_NAME: Final = "did not resolve to an alias"
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  in the container
# As podman and docker have it by default.
_SHM: Final = "rw,nosuid,nodev,noexec,mode=1777,size=64m"
# Otherwise it waits ten seconds for the program to end.
_AT_ONCE: Final = ("--time", "0")
# As podman has them for containers of root.
_ULIMITS: Final = (
    (resource.RLIMIT_NOFILE, 1_048_576),
    (resource.RLIMIT_NPROC, 4_194_304),
)
_KNOWN: Final = (
    (
        "unresolvable CDI devices|CDI device injection failed|nvidia.com/gpu",
        N_(
            "Install NVIDIA's driver and nvidia-container-toolkit, then: nvidia-ctk cdi generate "
            "--output=/etc/cdi/nvidia.yaml. Or run without --gpus."
        ),
    ),
    (
        "could not find (?:pasta|slirp4netns)",
        N_(
            "Install the program that connects rootless containers: apt-get install passt "
            "slirp4netns. Or run without a network: --network none"
        ),
    ),
    (
        "netavark|slirp4netns|pasta|aardvark|setting up .*network|CNI",
        N_("The container's network cannot be set up here. Run without one: --network none"),
    ),
    ("no such file or directory.*mount|statfs ", N_("The source of --mount must exist.")),
    (
        # The second is podman 5's database.
        "no space left on device|disk is full",
        N_("Free some space on the disk of podman's images: podman system df"),
    ),
)


def container_commands(
    dialect: Dialect, invocation: Invocation, timeout_s: float
) -> ContainerCommands | None:
    """Return how this podman runs containers; None for buildah, which has no limits for them.

    Args:
        timeout_s: Of each answer.
    """
    if not dialect.runs_containers:
        return None
    prefix = dialect.prefix(invocation)
    guide = replace(dialect.guide, known=(*_KNOWN, *dialect.guide.known))
    host = PodmanEngine(dialect, invocation, timeout_s)
    return ContainerCommands(
        Questions(guide, prefix, timeout_s=timeout_s),
        host,
        pull=partial(_pull, invocation, prefix),
        gpu_flags=gpu_flags,
        system=partial(_system, host),
        flags=partial(_run_flags, remote=invocation.remote),
        remove=("rm", "--force", "--volumes", *_AT_ONCE),
    )


def _run_flags(run: ContainerRun, *, remote: bool) -> tuple[str, ...]:
    return (*(() if remote else ulimit_flags()), *disk_flags(run))


def _system(host: PodmanEngine) -> SystemFacts:
    if host.invocation.remote:
        return host.system()
    identity = (host.invocation, [*podman_host.settings()])
    return remembered_host.system(host.name, identity, host.system)


def ulimit_flags() -> tuple[str, ...]:
    """Return limits within this process's own ones, where those are lower than podman's defaults.

    podman would raise them, which only a process with CAP_SYS_RESOURCE may.
    """
    low = any(
        hard != resource.RLIM_INFINITY and hard < default
        for hard, default in ((resource.getrlimit(kind)[1], most) for kind, most in _ULIMITS)
    )
    return tuple(f"--ulimit={limit}" for limit in lower_limits()) if low else ()


def disk_flags(run: ContainerRun) -> tuple[str, ...]:
    """Return what keeps the volumes of a read-only run on the disk.

    podman 5 mounts memory on /tmp as well as the volume, and either may be above the other.
    Without that memory it makes /dev/shm read-only, which processes that share memory need.
    """
    if not run.limits.read_only:
        return ()
    shared = any(mounted_at(each) == _SHARED_MEMORY for each in run.mounts)
    return ("--read-only-tmpfs=false", *(() if shared else (f"--tmpfs={_SHARED_MEMORY}:{_SHM}",)))


def gpu_flags(gpus: str) -> tuple[str, ...]:
    """Return the CDI devices for ``all``, or for the numbers or ids of some GPUs."""
    return tuple(f"--device=nvidia.com/gpu={each}" for each in gpus.split(","))


def _pull(
    invocation: Invocation,
    prefix: tuple[str, ...],
    image: str,
    access: RegistryAccess | None,
    on_line: shell.OnLine,
) -> str:
    # Most runs pull nothing.
    from keynet.runtime.build import store_images
    from keynet.runtime.engines.podman_like import podman_args
    from keynet.runtime.engines.podman_like.podman_login import private_auth

    with contextlib.ExitStack() as stack:
        flags: tuple[str, ...] = ()
        if access is not None:
            auth = stack.enter_context(private_auth(access))
            remote = invocation.remote
            how = podman_args.remote_auth_flags if remote else podman_args.auth_flags
            flags = tuple(how(auth))

        def pull(name: str) -> shell.Finished:
            command = shell.Command((*prefix, "pull", *flags, name))
            return shell.run(command, timeout_s=None, on_stderr=on_line)

        finished = pull(image)
        if _SHORT_NAME in finished.stderr:
            # Docker Hub's, as docker reads it.
            finished = pull(str(Reference.parse(image)))
    return store_images.failure(finished)
