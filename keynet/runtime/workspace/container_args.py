"""One run of an image as a value, and its argv, which docker and podman spell alike. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from keynet.frozen import frozen
from keynet.runtime.workspace.labels import OWNER, Labels
from keynet.runtime.workspace.limits import Limits
from keynet.runtime.workspace.mounts import mounted_at

__all__ = [
    "OUTPUT",
    "THROW_AWAY",
    "ContainerRun",
    "is_read_by_clients",
    "label_flags",
    "run_arguments",
]

# Writable for the time of a run, on the engine's disk and not in memory.
THROW_AWAY: Final = ("/tmp", "/workspace")  # noqa: S108  in the container
OUTPUT: Final = "/output"

# Variables that the engines' own programs read: their values must not reach those.
_READ_BY_CLIENTS: Final = re.compile(
    r"PATH|HOME|USER|TMPDIR|SHELL|LANG|LC_.*|LD_.*|GO.*|XDG_.*|DOCKER_.*|BUILDKIT_.*|BUILDAH_.*"
    r"|CONTAINERS?_.*|_CONTAINERS_.*|PODMAN_.*|STORAGE_.*|SSL_.*|REGISTRY_.*|NETAVARK_.*|CNI_.*"
    r"|SSH_.*|DBUS_.*|NOTIFY_SOCKET|LISTEN_.*|(?:HTTPS?|FTP|ALL|NO)_PROXY|KEYNET_.*",
    re.IGNORECASE,
)


@frozen
class ContainerRun:
    """One run of an image in a container of its own.

    ``command`` replaces the image's; empty for the image's own. ``environment`` may have
    passwords. ``mounts`` are spelled as for ``--mount``. ``output`` is the folder in the
    container whose content is copied out at the end, "" for none. ``owner`` is the token of
    keynet's process (``files.owners``). ``user`` and ``working_folder`` are the image's own, "" for
    the engine's default. ``volumes_from`` is the container that holds ``volumes``, "" for new ones.
    """

    image: str
    name: str
    labels: Labels
    limits: Limits = field(default_factory=Limits)
    network: str = "none"
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mounts: tuple[str, ...] = ()
    gpus: str = ""
    output: str = ""
    owner: str = ""
    user: str = ""
    working_folder: str = ""
    volumes_from: str = ""

    @property
    def volumes(self) -> list[str]:
        """Return where the container gets writable folders that go with it."""
        taken = {mounted_at(each) for each in self.mounts}
        wanted = dict.fromkeys([*THROW_AWAY, *([self.output] if self.output else [])])
        return [each for each in wanted if each not in taken]


def run_arguments(
    run: ContainerRun,
    *,
    engine_flags: Iterable[str] = (),
    env_file: Path | None = None,
    enforced: Collection[str] = ("cpus", "memory"),
) -> tuple[str, ...]:
    """Return the arguments of ``run``. Variables are passed by name, their values are not here.

    Args:
        engine_flags: What this engine needs besides, such as those for GPUs.
        env_file: Has the variables that the engine's own program would read itself.
        enforced: The limits that the host knows: ``cpus``, ``memory``.
    """
    limits = run.limits
    arguments = ["run", "--name", run.name, *label_flags(run)]
    # It would be a second program within the limits, and podman without systemd complains of it.
    arguments.append("--no-healthcheck")
    # A missing image was pulled before, with credentials, or the run has failed.
    arguments += ["--pull", "never", "--network", run.network]
    if limits.cpus is not None and "cpus" in enforced:
        arguments += ["--cpus", f"{limits.cpus:g}"]
    if limits.memory is not None and "memory" in enforced:
        arguments += ["--memory", f"{limits.memory}b"]
    if limits.read_only:
        arguments.append("--read-only")
    if limits.privileged:
        arguments.append("--privileged")
    else:
        arguments += ["--cap-drop", "ALL"]
        for option in limits.security_options:
            arguments += ["--security-opt", option]
    if run.volumes_from:
        arguments.append(f"--volumes-from={run.volumes_from}")
    else:
        arguments += [f"--volume={each}" for each in run.volumes]
    for mount in run.mounts:
        arguments += ["--mount", mount]
    if env_file is not None:
        arguments += ["--env-file", str(env_file)]
    for name in sorted(run.environment):
        if not is_read_by_clients(name):
            arguments += ["--env", name]
    return (*arguments, *engine_flags, "--", run.image, *run.command)


def label_flags(run: ContainerRun) -> tuple[str, ...]:
    """Return the labels of a run's containers as arguments."""
    owner = (f"--label={OWNER}={run.owner}",) if run.owner else ()
    return (*run.labels.flags(), *owner)


def is_read_by_clients(name: str) -> bool:
    """Report whether an engine's program may read this variable for itself."""
    return _READ_BY_CLIENTS.fullmatch(name) is not None
