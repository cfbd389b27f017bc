"""How docker's daemon runs containers: its flags, its pulls, its messages."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from keynet.process import shell
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.engines.docker import docker_volumes
from keynet.runtime.engines.docker.docker_args import Invocation
from keynet.runtime.engines.docker.docker_engine import DockerEngine
from keynet.runtime.engines.docker.docker_host import GUIDE
from keynet.runtime.engines.questions import Questions
from keynet.runtime.probing.cache_key import stamp
from keynet.runtime.workspace import remembered_host
from keynet.runtime.workspace.container_run import ContainerCommands
from keynet.text import N_

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess

__all__ = ["container_commands", "gpu_flags"]

_KNOWN: Final = (
    (
        "could not select device driver|nvidia-container-cli|unknown or invalid runtime name",
        N_(
            "Install NVIDIA's driver and nvidia-container-toolkit on the machine of docker's "
            "daemon, then: nvidia-ctk runtime configure --runtime=docker. Or run without --gpus."
        ),
    ),
    (
        "bind source path does not exist|invalid mount config",
        N_("The source of --mount must exist on the machine of docker's daemon."),
    ),
    ("network .* not found", N_("List the networks with: docker network ls")),
    (
        "no space left on device",
        N_("Free some space on the disk of docker's images: docker system df"),
    ),
)


def container_commands(
    invocation: Invocation, timeout_s: float, endpoint: str
) -> ContainerCommands:
    """Return how this docker runs containers.

    Args:
        timeout_s: Of each answer.
        endpoint: The daemon's address.
    """
    guide = replace(GUIDE, known=(*_KNOWN, *GUIDE.known))
    host = DockerEngine(invocation.binary, timeout_s)
    questions = Questions(guide, (invocation.binary,), timeout_s=timeout_s)
    return ContainerCommands(
        questions,
        host,
        pull=partial(_pull, invocation),
        gpu_flags=gpu_flags,
        system=partial(_system, host, endpoint),
        prepared=partial(docker_volumes.opened, questions),
    )


def _system(host: DockerEngine, endpoint: str) -> SystemFacts:
    ask = partial(host.system_at, endpoint)
    if not endpoint.startswith("unix:///"):
        return ask()
    # A daemon that was started again has another socket.
    identity = (host.binary, endpoint, stamp(endpoint.removeprefix("unix://")))
    return remembered_host.system(host.name, identity, ask)


def gpu_flags(gpus: str) -> tuple[str, ...]:
    """Return docker's flags for ``all``, or for the numbers or ids of some GPUs."""
    wanted = gpus if gpus == "all" else f'"device={gpus}"'
    return ("--gpus", wanted)


def _pull(
    invocation: Invocation, image: str, access: RegistryAccess | None, on_line: shell.OnLine
) -> str:
    # Most runs pull nothing.
    from keynet.runtime.build import store_images
    from keynet.runtime.engines.docker import docker_args
    from keynet.runtime.engines.docker.logins.docker_login import private_config

    with private_config(access) as config:
        finished = shell.run(
            shell.Command(
                (invocation.binary, "pull", image),
                environment=docker_args.environment(invocation, config),
            ),
            timeout_s=None,
            on_stdout=on_line,
            on_stderr=on_line,
        )
    return store_images.failure(finished)
