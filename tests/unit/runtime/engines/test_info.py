"""What the engines say of their hosts, as recorded."""

from pathlib import Path

import pytest

from keynet.runtime.engines.docker.docker_args import read_info as read_docker_info
from keynet.runtime.engines.podman_like.dialect import Facts, Invocation, read_info
from tests.tables import table

RECORDED = Path(__file__).parents[3] / "fakes" / "engine_output"


@table("generation", ["debian-12", "debian-13"])
@table("engine", ["podman", "buildah"])
def test_info_is_read(engine: str, generation: str) -> None:
    facts = read_info((RECORDED / f"info-{generation}-{engine}.json").read_text())
    assert facts.storage_driver == "overlay"
    assert facts.graph_root.startswith("/")
    assert facts.architecture == "amd64"
    assert facts.runtime == "crun"
    assert not facts.rootless
    assert not facts.remote


@table("text", ["", "{}", "[]", '{"host": []}', "null"])
def test_strange_info_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_info(text)


@pytest.mark.parametrize(
    ("default", "controllers", "order"),
    [
        ("crun", "", ["", "runc", "youki"]),
        ("crun", "hugetlb\n", ["runc", "youki", ""]),
        ("runc", "hugetlb\n", ["", "crun", "youki"]),
    ],
)
def test_crun_is_the_last_to_be_tried_where_control_groups_are_mixed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    default: str,
    controllers: str,
    order: list[str],
) -> None:
    for name in ("crun", "runc", "youki"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "cgroup.controllers"
    file.write_text(controllers)
    facts = Facts(False, "overlay", "/graph", "amd64", default)
    tried = facts.with_runtimes(Invocation("podman"), file)
    assert [Path(each.runtime).name for each in tried] == order
    unmixed = facts.with_runtimes(Invocation("podman"), tmp_path / "nothing")
    assert unmixed[0].runtime == ""


def test_dockers_info_is_read() -> None:
    old = read_docker_info((RECORDED / "info-debian-12-docker.json").read_text())
    assert old.version.startswith("20.10")
    assert "buildx" not in old.plugins
    new = read_docker_info((RECORDED / "info-debian-13-docker.json").read_text())
    assert new.version.startswith("26.")
    assert "buildx" in new.plugins
    assert new.architecture == "amd64"
    gone = read_docker_info((RECORDED / "info-docker-no-daemon.json").read_text())
    assert not gone.version
    assert "Cannot connect" in gone.errors[0]
    with pytest.raises(ValueError):
        read_docker_info("[]")
