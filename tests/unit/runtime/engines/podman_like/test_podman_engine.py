"""podman and buildah as hosts: what is read of their answers, and which error each failure is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import (
    ContainerNotFound,
    EngineError,
    EngineUnavailable,
    LocalImageNotFound,
    NetworkNotFound,
)
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine, read_system
from keynet.runtime.workspace.labels import Labels
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

RECORDED = Path(__file__).parents[4] / "fakes" / "engine_output"
PODMAN_HERE = PodmanEngine(PODMAN)
BUILDAH_HERE = PodmanEngine(BUILDAH)
NETWORK = {
    "name": "keynet-network",
    "id": "abc",
    "driver": "bridge",
    "created": "2026-11-28T10:00:00.5Z",
    "labels": {"keynet.managed": "true"},
}
OTHER = {"name": "podman", "id": "def", "driver": "bridge"}
OF_PODMAN_3 = {
    "cniVersion": "0.4.0",
    "name": "keynet-network",
    "plugins": [{"type": "bridge"}, {"type": "portmap"}],
    "args": {"podman_labels": {"keynet.managed": "true"}},
}


LISTED = json.dumps([NETWORK])


@pytest.mark.medium
def test_versions_with_and_without_a_service(machine: Machine) -> None:
    alone = {"Client": {"Version": "4.3.1", "APIVersion": "4.3.1"}}
    machine.install("podman", Answer("version *", json.dumps(alone)))
    assert PODMAN_HERE.version().server == "4.3.1"
    both = {"Client": {"Version": "5.4.0"}, "Server": {"Version": "4.3.1", "APIVersion": "4"}}
    machine.install("podman", Answer("version *", json.dumps(both)))
    found = PODMAN_HERE.version()
    assert (found.client, found.server, found.server_api) == ("5.4.0", "4.3.1", "4")
    machine.install("buildah", Answer("version --json", '{"version": "1.28.2"}'))
    assert BUILDAH_HERE.version().client == "1.28.2"


@pytest.mark.medium
@pytest.mark.parametrize("engine", [PODMAN_HERE, BUILDAH_HERE])
def test_a_store_that_cannot_be_used_is_unavailable(machine: Machine, engine: PodmanEngine) -> None:
    said = 'Error: User-selected graph driver "overlay" overwritten by graph driver "vfs"'
    machine.install(engine.name, Answer("*", "", said, 125))
    for ask in (engine.ping, engine.system, lambda: engine.image_id("x")):
        with pytest.raises(EngineUnavailable, match="graph driver") as raised:
            ask()
        assert "STORAGE_DRIVER" in raised.value.hint


@pytest.mark.medium
def test_a_service_that_does_not_answer_is_unavailable(machine: Machine) -> None:
    said = (
        "Cannot connect to Podman. Please verify your connection\n"
        'Error: unable to connect to Podman socket: Get "http://d/_ping": dial unix /x: connect'
    )
    machine.install("podman", Answer("*", "", said, 125))
    for ask in (
        PODMAN_HERE.ping,
        PODMAN_HERE.version,
        PODMAN_HERE.networks,
        PODMAN_HERE.containers,
        lambda: PODMAN_HERE.container("x"),
        lambda: PODMAN_HERE.ensure_network("x"),
    ):
        with pytest.raises(EngineUnavailable) as raised:
            ask()
        assert "CONTAINER_HOST" in raised.value.hint


@pytest.mark.parametrize("release", [12, 13])
def test_host_facts_of_both_generations_are_read(release: int) -> None:
    podman, buildah = (
        read_system(
            name, json.loads((RECORDED / f"info-debian-{release}-{name}.json").read_text()), "1.0"
        )
        for name in ("podman", "buildah")
    )
    for facts in (podman, buildah):
        assert (facts.architecture, facts.rootless, facts.remote) == ("amd64", False, False)
        assert (facts.storage_driver, facts.runtime) == ("overlay", "crun")
        assert (facts.memory > 2**30, facts.cgroup_version > 0) == (True, True)
        assert facts.store.startswith("/")
    assert podman.limits == {"cpus", "memory", "pids"}


def test_limits_without_root_on_cgroups_v1_cannot_be_enforced() -> None:
    host = {
        "cgroupVersion": "v1",
        "cgroupControllers": ["cpu", "memory"],
        "security": {"rootless": True},
    }
    assert read_system("podman", {"host": host}, "4").limits == frozenset()
    host["cgroupVersion"] = "v2"
    assert read_system("podman", {"host": host}, "4").limits == {"cpus", "memory"}
    assert read_system("podman", {"host": {"cgroupControllers": None}}, "4").limits == frozenset()


@pytest.mark.medium
@pytest.mark.parametrize("listed", [NETWORK, OF_PODMAN_3])
def test_networks_of_every_generation_are_read(machine: Machine, listed: dict[str, object]) -> None:
    machine.install("podman", Answer("network ls *", json.dumps([OTHER, listed])))
    [found] = PODMAN_HERE.networks()
    assert (found.name, found.driver, found.attachable) == ("keynet-network", "bridge", True)
    assert len(PODMAN_HERE.networks(managed=False)) == 2
    with pytest.raises(NetworkNotFound, match="podman has no network x"):
        PODMAN_HERE.network("x")


@pytest.mark.medium
def test_a_network_is_made_once_with_labels(machine: Machine) -> None:
    made = machine.home / "made"
    program = machine.install(
        "podman",
        Answer("network ls *", also=f"[ -e {made} ] && echo '{LISTED}'"),
        Answer("network create *", "keynet-network\n", also=f": > {made}"),
    )
    assert PODMAN_HERE.ensure_network("keynet-network", Labels.now()).id == "abc"
    assert PODMAN_HERE.ensure_network("keynet-network").id == "abc"
    created = [call.arguments for call in program.calls if "create" in call.arguments]
    assert len(created) == 1
    assert created[0][:4] == ["network", "create", "--driver=bridge", "--label=keynet.managed=true"]


@pytest.mark.medium
def test_one_that_another_process_has_just_made_is_taken(machine: Machine) -> None:
    made = machine.home / "made"
    machine.install(
        "podman",
        Answer("network ls *", also=f"[ -e {made} ] && echo '{LISTED}'"),
        Answer(
            "network create *",
            "",
            "Error: network name x already exists",
            125,
            also=f": > {made}",
        ),
    )
    assert PODMAN_HERE.ensure_network("keynet-network").id == "abc"


@pytest.mark.medium
def test_a_list_is_asked_for_again_while_a_network_is_removed(machine: Machine) -> None:
    seen = machine.home / "seen"
    seen = machine.home / "seen"
    machine.install(
        "podman",
        Answer("network ls *", also=f"[ -e {seen} ] && echo '{LISTED}' && exit 0; "
               f": > {seen}; echo 'Error: open x.json: no such file' >&2; exit 125"),
    )  # fmt: skip
    assert len(PODMAN_HERE.networks()) == 1


@pytest.mark.medium
def test_containers_are_read(machine: Machine) -> None:
    listed = {"Names": ["w"], "Id": "c1", "Image": "i", "State": "exited", "Labels": None}
    inspected = {
        "Name": "w",
        "Id": "c1",
        "ImageName": "i",
        "State": {"Status": "exited"},
        "Config": {"Labels": {"keynet.managed": "true"}},
    }
    machine.install(
        "podman",
        Answer("ps *", json.dumps([listed])),
        Answer("container inspect *", json.dumps([inspected])),
        Answer("rm --force --volumes --time 0 -- c1", "", "Error: no such container", 1),
    )
    [found] = PODMAN_HERE.containers()
    assert (found.name, found.id, found.state, found.managed) == ("w", "c1", "exited", None)
    assert PODMAN_HERE.container("w").managed is not None
    # It has just ended, and was started with --rm.
    PODMAN_HERE.remove_container("w")


@pytest.mark.medium
def test_what_is_missing_is_an_error_of_its_own(machine: Machine) -> None:
    for name in ("podman", "buildah"):
        machine.install(
            name, Answer("ps *"), Answer("containers *"), Answer("*", "[]", "Error: no such", 125)
        )
    with pytest.raises(ContainerNotFound, match="podman has no container -x"):
        PODMAN_HERE.container("-x")
    for engine in (PODMAN_HERE, BUILDAH_HERE):
        with pytest.raises(LocalImageNotFound, match="has no image alpine"):
            engine.image_id("alpine")


def test_buildah_has_neither_networks_nor_containers(machine: Machine) -> None:
    machine.install("buildah")
    for ask in (
        BUILDAH_HERE.networks,
        BUILDAH_HERE.containers,
        lambda: BUILDAH_HERE.ensure_network("x"),
        lambda: BUILDAH_HERE.container("x"),
        lambda: BUILDAH_HERE.remove_container("x"),
        lambda: BUILDAH_HERE.remove_network("x"),
    ):
        with pytest.raises(EngineError, match="buildah builds images") as raised:
            ask()
        assert "docker or podman" in raised.value.hint


@pytest.mark.medium
def test_the_store_and_the_runtime_of_builds_are_used(machine: Machine) -> None:
    program = machine.install("podman", Answer("*"))
    invocation = Invocation("podman", runtime="/r", root="/a", runroot="/b", driver="overlay")
    replace(PODMAN_HERE, invocation=invocation).ping()
    assert program.verbs == [
        "--root /a --runroot /b --storage-driver overlay --runtime /r ps --quiet"
    ]
