"""Images of the platform that was asked for, and of no other."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import EngineError
from keynet.events import Event, Notice, ignore
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Recipe
from keynet.runtime.build import store_images
from keynet.runtime.engine import Inspecting
from keynet.runtime.engines.docker.docker import Docker
from keynet.runtime.engines.podman_like.podman_like import PodmanLike
from keynet.runtime.lacking import cannot_emulate
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine
from tests.unit.runtime.engines.test_builders import (
    ACCESS,
    BUILD_LOG,
    QUIET,
    WRITE_ID,
    _docker,
    _engine,
    _inspected,
    _install_numpy,
    _own,
    plan,
)

__all__ = ["plan"]

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
NAMES = pytest.mark.parametrize("name", ["docker", "podman", "buildah"])


def _builder(machine: Machine, name: str) -> PodmanLike | Docker:
    made = _docker(machine) if name == "docker" else _engine(machine, name)
    return replace(made, engine=replace(made.engine, architecture="amd64"))


def _inspecting(name: str, first: str, then: str, marker: Path) -> Answer:
    """Answer with an image of the first architecture until ``marker`` exists."""
    shown = [_inspected(name, "", architecture) for architecture in (first, then)]
    return Answer(
        "*inspect *",
        also=f"if test -e {marker}; then echo '{shown[1]}'; else echo '{shown[0]}'; fi",
    )


@pytest.mark.medium
@NAMES
def test_an_image_of_the_right_platform_is_built_once(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    program = machine.install(
        name,
        Answer("build *", BUILD_LOG, also=WRITE_ID),
        Answer("*inspect *", _inspected(name, "")),
    )
    _builder(machine, name).build(plan, None, ignore, None)
    assert len(program.verbs) == 2
    assert program.verbs[0].startswith("build ")
    assert "--platform" not in program.verbs[0]


@pytest.mark.slow
@NAMES
def test_cached_layers_of_another_platform_are_built_again(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    marker = machine.home / "again"
    program = machine.install(
        name,
        _inspecting(name, "amd64", "arm64", marker),
        Answer("build *--no-cache*", BUILD_LOG, also=f": > {marker}; {WRITE_ID}"),
        Answer("build *", BUILD_LOG, also=WRITE_ID),
        *QUIET,
    )
    seen: list[Event] = []
    asked = replace(plan, platforms=(ARM64,))
    _builder(machine, name).build(asked, None, seen.append, None)
    builds = [verb for verb in program.verbs if verb.startswith("build")]
    assert ["--no-cache" in verb for verb in builds] == [False, True]
    assert all("--platform linux/arm64" in verb for verb in builds)
    assert any(isinstance(event, Notice) for event in seen)


@pytest.mark.slow
@NAMES
def test_an_image_that_stays_wrong_is_an_error(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    program = machine.install(
        name,
        Answer("*inspect *", _inspected(name, "", "arm64")),
        Answer("build *", BUILD_LOG, also=WRITE_ID),
        *QUIET,
    )
    with pytest.raises(
        EngineError, match="an image for linux/arm64, not for linux/amd64"
    ) as caught:
        _builder(machine, name).build(plan, None, ignore, None)
    assert "--platform" in caught.value.hint
    assert len([verb for verb in program.verbs if verb.startswith("build")]) == 2


def test_a_containerfile_that_names_a_platform_decides_itself(
    machine: Machine, plan: BuildPlan
) -> None:
    engine = _builder(machine, "buildah").engine
    own = replace(plan, recipe=_own(plan, "FROM --platform=linux/arm64 a\n"))
    assert store_images.expected_platform(own, engine) is None
    assert store_images.expected_platform(replace(plan, recipe=_own(plan)), engine) == AMD64
    assert store_images.expected_platform(plan, replace(engine, architecture="")) is None
    assert store_images.expected_platform(replace(plan, platforms=(ARM64,)), engine) == ARM64


@pytest.mark.slow
@NAMES
def test_a_store_answers_for_its_own_images(machine: Machine, plan: BuildPlan, name: str) -> None:
    program = machine.install(
        name,
        Answer("*inspect *known", _inspected(name, "app")),
        Answer("*inspect *odd", "not JSON"),
        Answer("*inspect *empty", "[]"),
        Answer("*inspect *", status=1),
        Answer("pull *good", "ok\n"),
        Answer("pull *", stderr="Error: manifest unknown\n", status=1),
    )
    builder = _builder(machine, name)
    assert isinstance(builder, Inspecting)
    assert builder.inspect("known") == BaseFacts(AMD64, user="app", environment={})
    assert [builder.inspect(each) for each in ("odd", "empty", "missing")] == [None, None, None]
    assert builder.fetch(plan, "good", ARM64, ACCESS, ignore) == ""
    assert "pull --platform linux/arm64" in program.verbs[-1]
    assert program.verbs[-1].endswith(" good")
    assert "manifest unknown" in builder.fetch(plan, "bad", ARM64, None, ignore)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_a_short_name_that_the_engine_does_not_resolve_is_docker_hubs(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    refused = 'Error: short-name "python:3.12" did not resolve to an alias and no …\n'
    kept = machine.home / "built"
    program = machine.install(
        name,
        Answer("pull * python:3.12", stderr=refused, status=125),
        Answer("pull python:3.12", stderr=refused, status=125),
        Answer("pull *"),
        Answer(
            "build *",
            BUILD_LOG,
            also='for each; do test "$last" = --file && '
            f'/bin/cat "$each" > {kept}; last=$each; done',
        ),
    )
    builder = _engine(machine, name)
    assert builder.fetch(plan, "python:3.12", AMD64, None, ignore) == ""
    assert program.verbs[-1].endswith("docker.io/library/python:3.12")
    facts = BaseFacts(AMD64, digest=Digest.of(b"m"))
    recipe = Recipe(Reference.parse("python:3.12"), ("python", "train.py"), base_name="python:3.12")
    short = replace(plan, recipe=recipe, base_facts=facts)
    builder.build(short, None, ignore, None)
    assert "FROM docker.io/library/python:3.12\n" in kept.read_text()
    # The engine's own copy needs no registry.
    builder.build(replace(short, base_facts=BaseFacts(AMD64)), None, ignore, None)
    assert "FROM python:3.12\n" in kept.read_text()


@pytest.mark.slow
def test_the_facts_of_a_base_spare_a_pull(machine: Machine, plan: BuildPlan) -> None:
    program = machine.install("buildah", Answer("build *", BUILD_LOG))
    facts = BaseFacts(AMD64, user="app", digest=Digest.of(b"m"))
    _engine(machine, "buildah").build(
        replace(_install_numpy(plan), base_facts=facts), None, ignore, None
    )
    assert [verb.split()[0] for verb in program.verbs] == ["build"]


def test_programs_of_another_platform_need_an_emulator(machine: Machine, plan: BuildPlan) -> None:
    engine = _builder(machine, "buildah").engine
    installing = replace(_install_numpy(plan), platforms=(Platform("linux", "riscv64"),))
    far = replace(engine, architecture="s390x")
    (reason,) = cannot_emulate(far, installing, own_kernel=True)
    assert "linux/riscv64" in reason
    assert "qemu-user-static" in reason
    assert "--platform" in reason
    own = replace(engine, architecture="riscv64")
    assert cannot_emulate(own, installing, own_kernel=True) == []
    # Without RUN nothing is started, and another host's kernel cannot be asked.
    copying = replace(plan, platforms=installing.platforms)
    assert cannot_emulate(engine, copying, own_kernel=True) == []
    assert cannot_emulate(far, installing, own_kernel=False) == []
    assert cannot_emulate(replace(engine, architecture=""), installing, own_kernel=True) == []


def test_the_kernel_of_a_virtual_machine_is_not_this_one(machine: Machine, plan: BuildPlan) -> None:
    installing = replace(_install_numpy(plan), platforms=(Platform("linux", "loong64"),))
    docker, podman = _docker(machine), _engine(machine, "podman")
    architecture = replace(docker.engine, architecture="amd64")
    for local in (replace(docker, engine=architecture), replace(podman, engine=architecture)):
        assert len(local.unsupported(installing)) == 1
    far = replace(docker.invocation, remote=True)
    assert replace(docker, engine=architecture, invocation=far).unsupported(installing) == []
    remote = replace(podman.invocation, remote=True)
    assert replace(podman, engine=architecture, invocation=remote).unsupported(installing) == []
    desktop = _builder(machine, "docker")
    endpoint = "unix:///home/u/.docker/desktop/docker.sock"
    desktop = replace(desktop, engine=replace(desktop.engine, endpoint=endpoint))
    assert desktop.unsupported(installing) == []


@pytest.mark.slow
def test_buildkit_gets_the_name_of_an_image_that_is_given_by_its_id(
    machine: Machine, plan: BuildPlan
) -> None:
    kept = machine.home / "built"
    keep = 'for each; do test "$last" = --file && '
    keep += f'/bin/cat "$each" > {kept}; last=$each; done'
    machine.install(
        "docker",
        Answer("image inspect *" + "a" * 12, "mine:1\nmine@sha256:x\n"),
        Answer("image inspect *", "\n"),
        Answer("build *", also=f"{keep}; {WRITE_ID}"),
    )
    recipe = Recipe(Reference.parse("x"), ("python", "train.py"), base_name="a" * 12)
    named, nameless = (
        replace(plan, recipe=replace(recipe, base_name=each * 12)) for each in ("a", "b")
    )
    buildkit = _docker(machine, "buildkit")
    assert buildkit.unsupported(named) == []
    buildkit.build(named, None, ignore, None)
    assert "FROM mine:1\n" in kept.read_text()
    (reason,) = buildkit.unsupported(nameless)
    assert "docker tag" in reason
    assert _docker(machine).unsupported(nameless) == []


@pytest.mark.medium
def test_onbuild_is_known_before_the_build(machine: Machine) -> None:
    image = {"Os": "linux", "Architecture": "amd64", "Config": {"OnBuild": ["RUN x"]}}
    machine.install("docker", Answer("image inspect *", json.dumps([image])))
    facts = _docker(machine).inspect("a")
    assert facts is not None
    assert facts.onbuild == ("RUN x",)
