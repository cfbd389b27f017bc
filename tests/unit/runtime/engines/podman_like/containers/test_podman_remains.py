"""What builds have left in a store of podman or buildah: working containers and images."""

import json
from pathlib import Path

import pytest

from keynet.errors import EngineError
from keynet.files import owners
from keynet.runtime.engines.podman_like import working_containers
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.containers import podman_remains
from keynet.runtime.engines.podman_like.containers.podman_remains import PodmanRemains
from keynet.runtime.remains import Kind
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

OWNER = "0123456789abcdef01234567"


def _container(store: Path, name: str, *secrets: str) -> None:
    folder = store / "overlay-containers" / name / "userdata"
    folder.mkdir(parents=True)
    state = {"container-name": f"{name}-working", "CommonBuildOpts": {"Secrets": list(secrets)}}
    (folder / "buildah.json").write_text(json.dumps(state))


def _buildah(machine: Machine, store: Path, *answers: Answer) -> PodmanRemains:
    info = {
        "host": {"arch": "amd64"},
        "store": {"GraphDriverName": "overlay", "GraphRoot": str(store)},
    }
    images = f"localhost/keynet/p:build-{OWNER}-ab 5 MB\nlocalhost/keynet/p:latest 6 MB\n"
    machine.install(
        "buildah",
        *answers,
        Answer("*info", json.dumps(info)),
        Answer("*images *", images),
        Answer("*rm *"),
    )
    (found,) = podman_remains.stores(BUILDAH, str(machine.programs / "buildah"))
    return found


@pytest.mark.medium
def test_containers_are_told_by_the_marker_of_their_build(machine: Machine, tmp_path: Path) -> None:
    _container(tmp_path, "mine", "id=x,src=/y", f"id=keynet-build,src=/a b/marker-{OWNER}")
    _container(tmp_path, "users", "id=mine,src=/home/u/token")
    _container(tmp_path, "older", "id=keynet-build,src=/tmp/private/marker")
    _container(tmp_path, "none")
    (tmp_path / "overlay-containers" / "broken" / "userdata").mkdir(parents=True)
    container, build, cache = _buildah(machine, tmp_path).find()
    assert (container.kind, container.id, container.owner) == (Kind.BUILD, "mine", OWNER)
    assert (container.name, container.engine) == ("mine-working", "buildah")
    assert container.created is not None
    assert (build.owner, build.size, cache.owner) == (OWNER, 5_000_000, None)


def test_the_marker_of_this_process_has_its_token(tmp_path: Path) -> None:
    flag = working_containers.marker_flag(tmp_path)
    _container(tmp_path, "mine", flag.removeprefix("--secret="))
    (found,) = working_containers.find_all(str(tmp_path), "overlay")
    assert len(found.owner) == 24
    assert Path(flag.partition("src=")[2]).exists()


@pytest.mark.medium
def test_a_container_that_stays_is_an_error(machine: Machine, tmp_path: Path) -> None:
    _container(tmp_path, "mine", f"id=keynet-build,src=/a/marker-{OWNER}")
    refused = Answer("rm *", stderr="Error: layer is in use", status=1)
    buildah = _buildah(machine, tmp_path, refused)
    with pytest.raises(EngineError, match="layer is in use"):
        buildah.remove([each for each in buildah.find() if each.kind is Kind.BUILD])


@pytest.mark.medium
def test_an_image_that_stays_is_an_error_with_its_reason(machine: Machine, tmp_path: Path) -> None:
    said = (
        f"Error: 1 error occurred:\n\t* image localhost/keynet/p:build-{OWNER}-ab is in use\n\n\n"
    )
    buildah = _buildah(machine, tmp_path, Answer("*rmi *", stderr=said, status=1))
    with pytest.raises(EngineError, match=r"could not remove its images: image .* is in use"):
        buildah.remove([each for each in buildah.find() if each.kind is Kind.IMAGE])


@pytest.mark.medium
def test_an_image_that_is_gone_already_is_none(machine: Machine, tmp_path: Path) -> None:
    said = (
        f"Error: 1 error occurred:\n\t* localhost/keynet/p:build-{OWNER}-ab: image not known\n\n\n"
    )
    listed = Answer("*images *", f"localhost/keynet/p:build-{OWNER}-ab 5 MB\n")
    gone = Answer("*rmi *", stderr=said, status=1)
    buildah = _buildah(machine, tmp_path, listed, gone)
    (image,) = buildah.find()
    after = _buildah(
        machine, tmp_path, Answer("*images *", "localhost/keynet/p:latest 6 MB\n"), gone
    )
    after.remove([image])


@pytest.mark.medium
def test_a_container_that_is_gone_already_is_none(machine: Machine, tmp_path: Path) -> None:
    _container(tmp_path, "mine", f"id=keynet-build,src=/a/marker-{OWNER}")
    gone = f"{tmp_path}/overlay-containers"
    refused = Answer("rm *", status=1, also=f"/bin/rm -r {gone}")
    buildah = _buildah(machine, tmp_path, refused)
    buildah.remove([each for each in buildah.find() if each.kind is Kind.BUILD])


@pytest.mark.medium
def test_an_engine_without_facts_is_an_error(machine: Machine, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="valid JSON"):
        _buildah(machine, tmp_path, Answer("info", "no")).find()


def _listed(store: Path, **metadata: str) -> None:
    """List containers as the stores of both generations do; "" is what builds have."""
    listed = [{"id": name, "metadata": text} for name, text in metadata.items()]
    (store / "overlay-containers").mkdir(exist_ok=True)
    (store / "overlay-containers" / "containers.json").write_text("[]")
    (store / "overlay-containers" / "volatile-containers.json").write_text(json.dumps(listed))


def test_a_builder_may_end_where_each_container_has_its_record(tmp_path: Path) -> None:
    _listed(tmp_path, stays="", users='{"name":"web"}')
    may_end = working_containers.ending(str(tmp_path))
    assert may_end is not None
    assert may_end()
    _listed(tmp_path, stays="", users="", made="")
    assert not may_end()
    for name in ("users", "made"):
        _container(tmp_path, name)
    assert may_end()
    (tmp_path / "overlay-containers" / "containers.json").write_text("half")
    assert may_end()
    # The next test asks about all stores of this process.
    _listed(tmp_path)


def test_the_builders_of_a_process_are_known_by_its_stores(tmp_path: Path) -> None:
    assert working_containers.ending("") is None
    assert working_containers.noted("f" * 24) is None
    assert working_containers.ending(str(tmp_path)) is not None
    may_end = working_containers.noted(owners.token())
    assert may_end is not None
    assert may_end()
    _listed(tmp_path, made="")
    assert not may_end()
