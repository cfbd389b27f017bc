"""What builds have left in docker: its containers that install, and images of one build."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keynet.errors import EngineError
from keynet.files import owners
from keynet.runtime.engines.docker.docker_remains import DockerRemains
from keynet.runtime.remains import Kind
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

OWNER = "0123456789abcdef01234567"


def _listed(name: str, state: str = "exited") -> str:
    return json.dumps(
        {
            "ID": "c1",
            "Names": name,
            "State": state,
            "CreatedAt": "2026-11-28 23:35:38 +0000 UTC",
            "Size": "1.2kB (virtual 88MB)",
        }
    )


def _docker(machine: Machine, containers: str, *more: Answer) -> DockerRemains:
    images = (
        f"localhost/keynet/p-1:build-{OWNER}-ab 5MB\n"
        "localhost/keynet/p-1:latest 6MB\n"
        "localhost/keynet/p-1:<none> 6MB\n"
        f"docker.io/library/p-1:build-{OWNER}-ab 5MB\n"
    )
    answers = (
        *more,
        Answer("ps *", containers),
        Answer("images *", images),
        Answer("rm *"),
        Answer("rmi *"),
    )
    machine.install("docker", *answers)
    return DockerRemains(str(machine.programs / "docker"))


@pytest.mark.medium
def test_names_tell_whose_they_are(machine: Machine) -> None:
    mine = f"keynet-packages-{OWNER}-ab"
    others = ["my-keynet-packages-x", "keynet-packages-1", f"x-keynet-packages-{OWNER}-ab"]
    docker = _docker(machine, "\n".join([_listed(mine, "running"), *map(_listed, others)]))
    container, build, cache = docker.find()
    assert (container.kind, container.name, container.owner) == (Kind.BUILD, mine, OWNER)
    assert (container.running, container.size) == (True, 1200)
    assert container.created == datetime(2026, 11, 28, 23, 35, 38, tzinfo=UTC)
    assert (build.kind, build.owner, build.size) == (Kind.IMAGE, OWNER, 5_000_000)
    assert (cache.name, cache.owner) == ("localhost/keynet/p-1:latest", None)


@pytest.mark.medium
def test_names_of_pushes_are_found_by_the_notes_of_their_processes(machine: Machine) -> None:
    name = f"registry.example/p-{os.urandom(4).hex()}/m:latest"
    listed = f"{name} 7MB\nregistry.example/mine:latest 8MB\n"
    docker = _docker(machine, "", Answer("images --filter *", listed))
    assert name not in {each.name for each in docker.find()}
    folder = Path(os.environ["XDG_RUNTIME_DIR"], f"keynet-{owners.KIND}-0123456789abcdef")
    folder.mkdir(mode=0o700)
    (folder / "notes").write_text(f"docker image {name}\nbuildah image {name}-2\n")
    (found,) = [each for each in docker.find() if each.name.startswith("registry.")]
    assert (found.name, found.owner, found.size) == (name, owners.of(folder), 7_000_000)


@pytest.mark.medium
def test_only_what_was_found_is_removed(machine: Machine) -> None:
    docker = _docker(machine, "")
    docker.remove(docker.find())
    program = machine.install("docker", Answer("rm *"), Answer("ps *"), Answer("images *"))
    docker = DockerRemains(str(machine.programs / "docker"))
    docker.remove([])
    assert program.calls == []


@pytest.mark.medium
def test_a_container_that_stays_is_an_error(machine: Machine) -> None:
    refused = Answer("rm *", stderr="Error: device or resource busy", status=1)
    docker = _docker(machine, _listed(f"keynet-packages-{OWNER}-ab"), refused)
    found = [each for each in docker.find() if each.kind is Kind.BUILD]
    with pytest.raises(EngineError, match="device or resource busy"):
        docker.remove(found)


@pytest.mark.parametrize("line", ["no JSON", "[]", "{}"])
def test_a_listing_of_another_form_is_an_error(machine: Machine, line: str) -> None:
    with pytest.raises(EngineError, match="unknown form"):
        _docker(machine, line).find()


def test_a_daemon_that_is_down_is_an_error(machine: Machine) -> None:
    down = Answer("ps *", stderr="Cannot connect to the Docker daemon", status=1)
    with pytest.raises(EngineError, match="Cannot connect"):
        _docker(machine, "", down).find()
