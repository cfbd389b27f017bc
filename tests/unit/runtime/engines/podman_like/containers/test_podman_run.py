"""The flags of podman's runs."""

import pytest

from keynet.runtime.engines.podman_like.containers.podman_run import disk_flags
from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import Limits

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
