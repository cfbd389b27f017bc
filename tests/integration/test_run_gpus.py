"""``keynet run --gpus`` by the engines' own means: CDI and NVIDIA's hook, which stand for GPUs."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.daemon import running_dockerd
from tests.testbed.images import Hub
from tests.testbed.program import PATH, HostSetup

from .runs import NEWER, OLDER, ROOTLESS, Runner, left, placed, run

DEVICES = {"0": "/dev/null", "1": "/dev/zero"}
SHOW = ("sh", "-c", "env | grep ^GPU_ | sort; ls /dev | grep ^nvidia")
HOOK = "nvidia-container-runtime-hook"


@pytest.fixture
def setup(request: pytest.FixtureRequest, runner: Runner) -> HostSetup:
    return runner(request.param)


def specification(*, nodes: bool) -> str:
    """Return what ``nvidia-ctk cdi generate`` writes on a machine with two GPUs.

    Args:
        nodes: With devices, whose files on the host are others; without root it cannot be done.
    """

    def device(name: str, numbers: Sequence[str]) -> dict[str, Any]:
        edits: dict[str, Any] = {"env": [f"GPU_{name}=yes"]}
        if nodes:
            edits["deviceNodes"] = [
                {"path": f"/dev/nvidia{number}", "hostPath": DEVICES[number]} for number in numbers
            ]
        return {"name": name, "containerEdits": edits}

    devices = [device("all", [*DEVICES]), *(device(number, [number]) for number in DEVICES)]
    return json.dumps({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": devices})


@contextmanager
def specified(setup: HostSetup, text: str) -> Iterator[HostSetup]:
    """Yield the setup with a specification in /etc/cdi, of which other programs see nothing."""
    user = "/usr/bin/setpriv"
    prefix = list(setup.prefix)
    enter = prefix[: prefix.index(user)] if user in prefix else prefix
    key = f"cdi-{os.urandom(4).hex()}"
    if enter:
        # The newer root is the tests' own.
        write = 'mkdir -p /etc/cdi; cat >"$0"'
        file = f"/etc/cdi/{key}.json"
        assert setup.run([*enter, "sh", "-c", write, file], stdin=text).returncode == 0
        yield setup
        setup.run([*enter, "rm", file])
        return
    upper, work = (setup.home.parent / f"{key}.{each}" for each in ("upper", "work"))
    for folder in (upper / "cdi", work):
        folder.mkdir(parents=True)
    (upper / "cdi/nvidia.json").write_text(text)
    overlay = f"lowerdir=/etc,upperdir={upper},workdir={work}"
    mount = 'mount -t overlay -o "$0" none /etc && exec "$@"'
    yield replace(setup, prefix=["unshare", "--mount", "sh", "-c", mount, overlay])


@pytest.mark.parametrize("setup", [OLDER[1], NEWER[1], ROOTLESS[1]], indirect=True)
def test_podman_takes_the_devices_of_the_specification(setup: HostSetup) -> None:
    nodes = "rootless" not in setup.name
    with specified(setup, specification(nodes=nodes)) as gifted:
        for gpus, numbers in (("all", "01"), ("1", "1"), ("0,1", "01")):
            done = run(gifted, "--gpus", gpus, "--network", "none", "busybox", "--", *SHOW)
            variables = [f"GPU_{each}=yes" for each in gpus.split(",")]
            seen = [f"nvidia{number}" for number in numbers] if nodes else []
            assert done.stdout.split() == [*variables, *seen], done.stderr
            assert f"GPUs {gpus} (--gpus)" in done.stderr
        refused = run(gifted, "--gpus", "7", "--network", "none", "busybox", "--", "true")
        assert refused.returncode in (125, 126), refused.stderr
        assert "nvidia.com/gpu=7" in refused.stderr
        assert "nvidia-ctk cdi generate" in refused.stderr
    assert left(setup) == ""


@pytest.mark.parametrize("setup", [OLDER[0], NEWER[0]], indirect=True)
def test_docker_calls_its_hook_with_the_devices(
    setup: HostSetup, bed: Path, hub: Hub, request: pytest.FixtureRequest
) -> None:
    folder = bed / f"hook-{os.urandom(4).hex()}"
    folder.mkdir()
    called = folder / "called"
    # docker's daemon looks for it when it starts.
    (folder / HOOK).write_text(f'#!/bin/sh\necho "$@" >>{called}\n')
    (folder / HOOK).chmod(0o755)
    place = placed(setup, request)

    def with_hook(argv: Sequence[str]) -> list[str]:
        return place(["env", f"PATH={folder}:{PATH}", *argv])

    with running_dockerd(folder / "docker", mirror=hub.mirror, place=with_hook) as daemon:
        gifted = replace(setup, environment={**setup.environment, "DOCKER_HOST": daemon.host})
        for number, gpus in enumerate(("all", "0,1", "GPU-8f41")):
            done = run(gifted, "--gpus", gpus, "--network", "none", "busybox", "--", "env")
            assert f"NVIDIA_VISIBLE_DEVICES={gpus}" in done.stdout.splitlines(), done.stderr
            assert called.read_text().split() == ["prestart"] * (number + 1)
        assert left(gifted) == ""
