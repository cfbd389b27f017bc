"""docker as a host: what is read of its answers, and which error each failure is."""

import json
from pathlib import Path

import pytest

from keynet.errors import (
    ContainerNotFound,
    EngineError,
    EngineUnavailable,
    LocalImageNotFound,
    NetworkNotFound,
)
from keynet.runtime.engines.docker.docker_engine import DockerEngine, read_system
from keynet.runtime.workspace.labels import Labels
from tests.fakes.engine import Answer, EngineProgram
from tests.unit.conftest import Machine

RECORDED = Path(__file__).parents[4] / "fakes" / "engine_output"
ENGINE = DockerEngine()
VERSION = Answer(
    "version *",
    json.dumps(
        {
            "Client": {"Version": "28.2.2", "ApiVersion": "1.41"},
            "Server": {"Version": "20.10.24", "ApiVersion": "1.41"},
        }
    ),
)
NETWORK = {
    "Name": "keynet-network",
    "Id": "abc",
    "Driver": "bridge",
    "Attachable": True,
    "Created": "2026-11-28T10:00:00.5Z",
    "Labels": {"keynet.managed": "true", "keynet.created": "2026-11-28T10:00:00Z"},
}
CONTAINER = {
    "Name": "/workspace_1",
    "Id": "c1",
    "Config": {"Image": "alpine", "Labels": {"keynet.managed": "true", "a": "b,c=d"}},
    "State": {"Status": "running"},
}
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"


def install(machine: Machine, *answers: Answer) -> EngineProgram:
    return machine.install("docker", *answers)


@pytest.mark.medium
def test_client_and_server_have_versions_of_their_own(machine: Machine) -> None:
    install(machine, VERSION)
    found = ENGINE.version()
    assert (found.client, found.server, found.server_api) == ("28.2.2", "20.10.24", "1.41")
    assert ENGINE.ping() > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "hint"),
    [
        (NO_DAEMON, "systemctl start docker"),
        ("error during connect: Get http://x: dial tcp: no such host", "systemctl start docker"),
        (
            "Got permission denied while trying to connect to the Docker daemon socket at "
            "unix:///var/run/docker.sock: dial unix: connect: permission denied",
            "usermod -aG docker",
        ),
    ],
)
def test_a_daemon_that_does_not_answer_is_unavailable(
    machine: Machine, said: str, hint: str
) -> None:
    client = json.dumps({"Client": {"Version": "1"}, "Server": None})
    install(
        machine,
        Answer("version *", client, said, 1),
        Answer("* inspect *", "[]", said, 1),
        Answer("*", "", said, 1),
    )
    for ask in (
        ENGINE.ping,
        ENGINE.version,
        ENGINE.networks,
        ENGINE.containers,
        lambda: ENGINE.network("n"),
        lambda: ENGINE.ensure_network("n"),
        lambda: ENGINE.container("c"),
        lambda: ENGINE.image_id("i"),
        lambda: ENGINE.remove_container("c"),
    ):
        with pytest.raises(EngineUnavailable) as raised:
            ask()
        assert hint in raised.value.hint


def test_a_program_that_is_missing_is_unavailable(machine: Machine) -> None:
    del machine
    with pytest.raises(EngineUnavailable, match="not installed") as raised:
        ENGINE.ping()
    assert "docker.io" in raised.value.hint


@pytest.mark.medium
def test_a_daemon_that_hangs_is_unavailable_after_the_time(machine: Machine) -> None:
    install(machine, Answer("*", also="exec /bin/sleep 30"))
    with pytest.raises(EngineUnavailable, match="did not answer"):
        ENGINE.ping(0.1)
    with pytest.raises(EngineUnavailable, match="did not answer"):
        DockerEngine(timeout_s=0.1).networks()


@pytest.mark.medium
def test_podmans_emulation_is_not_taken_for_docker(machine: Machine) -> None:
    install(machine, Answer("version *", '{"Client": {"Version": "4.3.1"}}'))
    with pytest.raises(EngineUnavailable, match="emulation"):
        ENGINE.ping()


@pytest.mark.parametrize("text", ["", "null", "[]", "{", '{"Server": 3}', '{"Server": []}'])
def test_an_answer_that_is_not_one_is_unavailable(machine: Machine, text: str) -> None:
    install(machine, Answer("version *", text))
    with pytest.raises(EngineUnavailable):
        ENGINE.ping()


def test_host_facts_of_both_generations_are_read() -> None:
    old, new = (
        read_system(
            json.loads((RECORDED / f"info-debian-{release}-docker.json").read_text()),
            "unix:///run/docker.sock",
        )
        for release in (12, 13)
    )
    assert (old.version[:5], new.version[:3]) == ("20.10", "26.")
    for facts in (old, new):
        assert (facts.engine, facts.architecture, facts.remote) == ("docker", "amd64", False)
        assert (facts.cpus > 0, facts.memory > 2**30, facts.cgroup_version > 0) == (True,) * 3
        assert facts.limits == {"cpus", "memory", "pids"}
        assert facts.store.startswith("/")
    assert read_system({}, "tcp://host:1").remote
    strange = read_system({"NCPU": "x", "MemTotal": [], "Warnings": 3, "CgroupVersion": {}}, "")
    assert (strange.cpus, strange.memory, strange.cgroup_version) == (0, 0, 0)


def test_info_without_a_daemon_is_unavailable(machine: Machine) -> None:
    install(machine, Answer("info *", (RECORDED / "info-docker-no-daemon.json").read_text()))
    with pytest.raises(EngineUnavailable, match="Cannot connect"):
        ENGINE.system()


@pytest.mark.medium
def test_a_network_is_made_once_with_labels_and_attachable(machine: Machine) -> None:
    program = install(
        machine,
        Answer("network ls *", "", also=f"[ -e {machine.home}/made ] && echo abc"),
        Answer("network create *", "abc\n", also=f": > {machine.home}/made"),
        Answer(
            "network inspect *", json.dumps([NETWORK]), also=f"[ -e {machine.home}/made ] || exit"
        ),
    )
    made = ENGINE.ensure_network("keynet-network", Labels.now("w"))
    assert (made.id, made.driver, made.attachable) == ("abc", "bridge", True)
    assert made.managed is not None
    ENGINE.ensure_network("keynet-network")
    created = [call.arguments for call in program.calls if "create" in call.arguments]
    assert len(created) == 1
    assert created[0][2:4] == ["--driver=bridge", "--attachable"]
    assert "--label=keynet.managed=true" in created[0]
    assert "--label=keynet.workspace.id=w" in created[0]
    assert created[0][-2:] == ["--", "keynet-network"]


@pytest.mark.medium
def test_a_network_that_the_daemon_refuses_is_an_error_with_its_words(machine: Machine) -> None:
    install(
        machine,
        Answer("network ls *"),
        Answer(
            "network create *",
            "",
            "Error response from daemon: could not find an available, non-overlapping IPv4 address "
            "pool among the defaults to assign to the network",
            1,
        ),
    )
    with pytest.raises(EngineError, match="non-overlapping") as raised:
        ENGINE.ensure_network("n")
    assert "docker network prune" in raised.value.hint


@pytest.mark.medium
def test_a_name_that_only_looks_alike_is_another_network(machine: Machine) -> None:
    program = install(
        machine,
        Answer("network ls *", "abc\n"),
        Answer("network inspect *", json.dumps([NETWORK])),
    )
    with pytest.raises(NetworkNotFound):
        ENGINE.network("keynet.network")
    assert r"name=^keynet\.network$" in program.verbs[1]


@pytest.mark.medium
def test_containers_are_read_whole(machine: Machine) -> None:
    install(
        machine,
        Answer("ps *", "c1\n"),
        Answer("container inspect *", json.dumps([CONTAINER])),
        Answer("rm --force --volumes -- c1"),
    )
    [found] = ENGINE.containers()
    assert (found.name, found.image, found.state) == ("workspace_1", "alpine", "running")
    assert found.labels["a"] == "b,c=d"
    ENGINE.remove_container("workspace_1")


@pytest.mark.medium
def test_a_container_that_ends_meanwhile_is_removed(machine: Machine) -> None:
    gone = machine.home / "gone"
    install(
        machine,
        Answer("rm *", "", "Error: No such container: c1", 1, also=f": > {gone}"),
        Answer(
            "container inspect *",
            also=f"[ -e {gone} ] || echo '{json.dumps([CONTAINER])}'",
        ),
    )
    ENGINE.remove_container("workspace_1")


@pytest.mark.medium
def test_what_is_missing_is_an_error_of_its_own(machine: Machine) -> None:
    install(machine, VERSION, Answer("*", "", "Error: No such thing", 1))
    with pytest.raises(ContainerNotFound, match="docker has no container -x"):
        ENGINE.container("-x")
    with pytest.raises(ContainerNotFound):
        ENGINE.remove_container("x")
    with pytest.raises(LocalImageNotFound, match="docker has no image alpine") as raised:
        ENGINE.image_id("alpine")
    assert "docker pull alpine" in raised.value.hint


@pytest.mark.medium
def test_an_images_id_has_no_algorithm(machine: Machine) -> None:
    install(machine, Answer("image inspect *", "sha256:0123\n"))
    assert ENGINE.image_id("alpine") == "0123"
