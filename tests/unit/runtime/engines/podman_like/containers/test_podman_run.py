"""The flags of podman's runs."""

import pytest

from keynet.runtime.engines.podman_like.containers.podman_run import container_commands, disk_flags
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.probing.reasons import known_fix
from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import Limits

NO_PASTA = (
    "Error: setting up Pasta: could not find pasta, the network namespace can't be configured: "
    'exec: "pasta": executable file not found in $PATH'
)
NO_TUN = '/usr/bin/slirp4netns failed: "open(/dev/net/tun): Permission denied"'
SHARED = "--tmpfs=/dev/shm:rw,nosuid,nodev,noexec,mode=1777,size=64m"


def _run(*mounts: str, read_only: bool = True) -> ContainerRun:
    limits = Limits(read_only=read_only)
    return ContainerRun("image:1", "workspace_x", Labels.now("x"), limits, mounts=mounts)


def test_no_memory_is_mounted_on_the_volumes_of_a_read_only_run() -> None:
    assert disk_flags(_run()) == ("--read-only-tmpfs=false", SHARED)
    assert disk_flags(_run(read_only=False)) == ()


@pytest.mark.parametrize("target", ["/dev/shm", "/dev/shm/"])
def test_shared_memory_of_the_users_own_stays(target: str) -> None:
    mount = f"type=tmpfs,target={target},tmpfs-size=1g"
    assert disk_flags(_run(mount)) == ("--read-only-tmpfs=false",)


@pytest.mark.parametrize(
    ("said", "fix"), [(NO_PASTA, "apt-get install passt"), (NO_TUN, "--network none")]
)
def test_a_network_that_cannot_be_set_up_has_a_fix(said: str, fix: str) -> None:
    commands = container_commands(PODMAN, Invocation("podman"), 30)
    assert commands is not None
    hint = known_fix(commands.questions.guide, said)
    assert fix in hint
    assert ("install" in hint) == (said == NO_PASTA)
