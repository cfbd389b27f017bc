"""Packages are installed in a container for docker's legacy builder, and written once."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import BuildFailed, Interrupted
from keynet.events import Event, LogLine, ignore
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, ContextFile, Dependencies, Recipe
from keynet.runtime.build.layer_cache import CachedImage
from keynet.runtime.engine import WorkingEngine
from keynet.runtime.engines.docker import docker_args
from keynet.runtime.engines.docker.docker import Docker
from tests.fakes.engine import Answer, EngineProgram
from tests.unit.conftest import Machine

BASE = f"sha256:{'b' * 64}"
PACKAGES = "d" * 64
BUILT = "e" * 64
LOG = f"Step 1/2 : FROM x\nStep 2/2 : COPY context/ /workspace/\n ---> {BUILT[:12]}\n"
WRITE_ID = (
    f'while [ "$1" != --iidfile ]; do shift; done; printf sha256:{BUILT} > "$2"; '
    f"/bin/cat >/dev/null"
)


@pytest.fixture
def plan(machine: Machine) -> BuildPlan:
    context = machine.home / "project"
    context.mkdir()
    (context / "train.py").write_text("x")
    dependencies = Dependencies(None, {"requirements.txt": b"numpy\n"})
    base = Reference.parse("python:3.11-slim")
    recipe = Recipe(base, ("python", "train.py"), dependencies=dependencies)
    return BuildPlan(context, (ContextFile("train.py", 1),), recipe)


def _docker(machine: Machine) -> Docker:
    invocation = docker_args.Invocation(str(machine.programs / "docker"), "legacy")
    engine = WorkingEngine("docker", "20.10.24", "docker", architecture="amd64")
    return Docker(engine, invocation)


def _base(**config: object) -> str:
    image = {"Id": BASE, "Os": "linux", "Architecture": "amd64", "Config": config}
    return json.dumps([image])


def _installing(machine: Machine, *first: Answer, **config: object) -> EngineProgram:
    """Install a docker that can do all of it."""
    return machine.install(
        "docker",
        *first,
        Answer("image inspect *", _base(**config)),
        Answer("history *", status=1, stderr="No such image"),
        Answer("create *", "c0ffee\n"),
        Answer("container inspect *", _base(**config)),
        Answer("cp *"),
        Answer("start *", "keynet: uv installs\n"),
        Answer("commit *", f"sha256:{PACKAGES}\n"),
        Answer("rm *"),
        Answer("build *", LOG, also=WRITE_ID),
        Answer("tag *"),
        Answer("rmi *"),
    )


def _verbs(program: EngineProgram) -> list[str]:
    return [verb.split()[0] for verb in program.verbs]


def _called(program: EngineProgram, verb: str) -> list[str]:
    (call,) = [each for each in program.calls if each.arguments[0] == verb]
    return call.arguments


def _key(program: EngineProgram) -> str:
    (found,) = [each for each in _called(program, "create") if each.startswith("sha256:")][1:]
    return found


def _sent(program: EngineProgram, verb: str = "build") -> io.BytesIO:
    (call,) = [each for each in program.calls if each.arguments[0] == verb]
    return io.BytesIO(call.stdin)


def _containerfile(program: EngineProgram) -> str:
    with tarfile.open(fileobj=_sent(program)) as tar:
        file = tar.extractfile(".keynet-containerfile")
        assert file is not None
        return file.read().decode()


@pytest.mark.slow
def test_a_container_of_the_base_becomes_the_base_of_the_image(
    machine: Machine, plan: BuildPlan
) -> None:
    program = _installing(machine, User="1000")
    seen: list[Event] = []
    built = _docker(machine).build(plan, None, seen.append, None)
    wanted = ["image", "history", "create", "container", "cp", "start", "commit"]
    # The container is removed while the image is built.
    assert _verbs(program)[:7] == wanted
    assert sorted(_verbs(program)[7:]) == ["build", "image", "rm"]
    created = _called(program, "create")
    name = created[created.index("--name") + 1]
    assert created[created.index(BASE) - 2 :] == [
        *("--entrypoint", "", BASE, "python3", "-B", "/keynet/install.py", ""),
        *(_key(program), "--remove-build-files"),
    ]
    assert _called(program, "cp") == ["cp", "-", f"{name}:/"]
    assert _called(program, "commit") == ["commit", "--change", "USER 1000", name]
    assert _called(program, "rm") == ["rm", "--force", "--volumes", name]
    assert _containerfile(program).startswith(
        f"# Made by keynet. Dependencies come before the code, so that a change of the code "
        f"installs nothing.\nFROM {PACKAGES}\nENV PATH="
    )
    assert "COPY --from" not in _containerfile(program)
    assert built.stages == (PACKAGES[:12],)
    assert built.image_id == BUILT
    assert LogLine("keynet: uv installs", "build") in seen


@pytest.mark.slow
def test_the_build_files_are_sent_to_the_container_and_to_nothing_else(
    machine: Machine, plan: BuildPlan
) -> None:
    program = _installing(machine)
    _docker(machine).build(plan, None, ignore, None)
    with tarfile.open(fileobj=_sent(program, "cp")) as tar:
        members = {each.name: each for each in tar}
        requirements = tar.extractfile("keynet/requirements.txt")
        assert requirements is not None
        assert requirements.read() == b"numpy\n"
    assert members["keynet/uv"].mode == 0o755
    assert members["keynet/requirements.txt"].mode == 0o644
    assert members["keynet"].isdir()
    assert {each.partition("/")[0] for each in members} == {"keynet"}
    with tarfile.open(fileobj=_sent(program)) as tar:
        names = [each.name for each in tar if not each.isdir()]
    assert sorted(names) == [".dockerignore", ".keynet-containerfile", "context/train.py"]


def _found(program: EngineProgram, machine: Machine) -> EngineProgram:
    """Install a docker that has the packages of the call before."""
    layer = f"sha256:{PACKAGES} python3 -B /keynet/install.py  {_key(program)} --remove\n"
    return _installing(machine, Answer("history *", f"{layer}{BASE} scripts/base\n"))


@pytest.mark.slow
def test_the_packages_of_an_earlier_build_are_used(machine: Machine, plan: BuildPlan) -> None:
    before = _installing(machine)
    _docker(machine).build(plan, None, ignore, None)
    program = _found(before, machine)
    seen: list[Event] = []
    built = _docker(machine).build(plan, None, seen.append, None)
    assert _verbs(program) == ["image", "history", "build", "image"]
    assert _called(program, "history")[-1] == f"{built.project}:stage-1"
    assert f"\nFROM {PACKAGES}\n" in _containerfile(program)
    assert LogLine(" ---> Using cache", "build") in seen
    # So that the name stays on these packages.
    assert built.stages == (PACKAGES[:12],)


@pytest.mark.slow
@pytest.mark.parametrize("changed", ["requirements", "base", "no_cache"])
def test_other_packages_are_installed_again(
    machine: Machine, plan: BuildPlan, changed: str
) -> None:
    before = _installing(machine)
    _docker(machine).build(plan, None, ignore, None)
    key = _key(before)
    program = _found(before, machine)
    if changed == "no_cache":
        plan = replace(plan, no_cache=True)
    elif changed == "requirements":
        assert isinstance(plan.recipe, Recipe)
        other = replace(plan.recipe.dependencies, files={"requirements.txt": b"scipy\n"})
        plan = replace(plan, recipe=replace(plan.recipe, dependencies=other))
    else:
        inspected = _base().replace("b" * 64, "a" * 64)
        history = Answer("history *", f"sha256:{PACKAGES} python3 {key}\n")
        program = _installing(machine, Answer("image inspect *", inspected), history)
    _docker(machine).build(plan, None, ignore, None)
    assert "commit" in _verbs(program)


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        {"OnBuild": ["RUN x"]},
        {"StopSignal": "SIGINT"},
        {"Shell": ["/bin/bash", "-c"]},
        {"Healthcheck": {"Test": ["CMD", "x"]}},
        {"Volumes": {"/opt": {}}},
        {"User": "a b"},
    ],
)
def test_what_a_container_does_otherwise_than_run_is_left_to_run(
    machine: Machine, plan: BuildPlan, config: dict[str, object]
) -> None:
    program = _installing(machine, **config)
    _docker(machine).build(plan, None, ignore, None)
    assert "create" not in _verbs(program)
    assert "COPY --from=dependencies" in _containerfile(program)


@pytest.mark.slow
def test_a_base_of_another_platform_is_left_to_run(machine: Machine, plan: BuildPlan) -> None:
    foreign = _base().replace("amd64", "arm64")
    program = _installing(machine, Answer("image inspect *python*", foreign))
    _docker(machine).build(plan, None, ignore, None)
    assert "create" not in _verbs(program)


@pytest.mark.slow
@pytest.mark.parametrize("other", ["platform", "remote"])
def test_other_platforms_and_hosts_are_left_to_run(
    machine: Machine, plan: BuildPlan, other: str
) -> None:
    program = _installing(machine)
    docker = _docker(machine)
    if other == "platform":
        plan = replace(plan, platforms=(Platform("linux", "arm64"),))
        foreign = _base().replace("amd64", "arm64")
        program = _installing(machine, Answer("image inspect *", foreign))
    else:
        docker = replace(docker, invocation=replace(docker.invocation, remote=True))
    docker.build(replace(plan, no_cache=True), None, ignore, None)
    assert "create" not in _verbs(program)


@pytest.mark.slow
def test_a_failed_installation_is_explained_and_leaves_no_container(
    machine: Machine, plan: BuildPlan
) -> None:
    log = "keynet: uv installs for Python 3.11.2 from https://pypi.org/simple\nerror: no room\n"
    program = _installing(machine, Answer("start *", stderr=log, status=1))
    with pytest.raises(BuildFailed) as caught:
        _docker(machine).build(plan, None, ignore, None)
    assert "Python 3.11.2" in caught.value.message
    assert "error: no room" in caught.value.message
    kept = Path(caught.value.message.rpartition("Containerfile: ")[2])
    assert "RUN [" in kept.read_text()
    assert _verbs(program)[2:7] == ["create", "container", "cp", "start", "rm"]
    assert "build" not in _verbs(program)


@pytest.mark.slow
@pytest.mark.parametrize(
    "refused",
    [
        Answer("create *", stderr="Error response from daemon: no", status=1),
        Answer(
            "container inspect *", json.dumps([{"Config": {"Env": ["HTTPS_PROXY=http://u:p@h"]}}])
        ),
        Answer("container inspect *", json.dumps([{"Config": {"Labels": {"a": "b"}}}])),
        Answer("container inspect *", status=1),
        Answer("cp *", stderr="Error response from daemon: no", status=1),
        Answer("start *", stderr="Error response from daemon: OCI runtime: no", status=1),
        Answer("start *", stderr="no python3", status=127),
    ],
)
def test_a_daemon_that_starts_no_container_builds_by_run(
    machine: Machine, plan: BuildPlan, refused: Answer
) -> None:
    program = _installing(machine, refused)
    _docker(machine).build(plan, None, ignore, None)
    assert "COPY --from=dependencies" in _containerfile(program)
    assert "rm" in _verbs(program)


@pytest.mark.slow
def test_an_interrupted_installation_leaves_no_container(machine: Machine, plan: BuildPlan) -> None:
    program = _installing(machine, Answer("start *", also="kill -INT $PPID; /bin/sleep 20"))
    with pytest.raises((Interrupted, KeyboardInterrupt)):
        _docker(machine).build(plan, None, ignore, None)
    assert _verbs(program)[-2:] == ["rm", "rmi"]


@pytest.mark.slow
def test_the_container_goes_while_the_image_is_built(machine: Machine, plan: BuildPlan) -> None:
    begun, gone = machine.home / "begun", machine.home / "gone"
    wait = "while [ ! -e {} ]; do /bin/sleep 0.02; done"
    program = _installing(
        machine,
        # Each waits for the other one.
        Answer("rm *", also=f"{wait.format(begun)}; : > {gone}"),
        Answer("build *", LOG, also=f": > {begun}; {wait.format(gone)}; {WRITE_ID}"),
    )
    assert _docker(machine).build(plan, None, ignore, None).image_id == BUILT
    assert _verbs(program).count("rm") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "build",
    [
        Answer("build *", "Step 1/2 : FROM x\n", "no", 1),
        Answer("build *", also="kill -INT $PPID; /bin/sleep 20"),
        Answer("build *", also="kill -INT $PPID; /bin/sleep 0.3; kill -INT $PPID; /bin/sleep 20"),
    ],
    ids=["failure", "interrupt", "two interrupts"],
)
def test_the_container_is_gone_when_the_build_ends_otherwise(
    machine: Machine, plan: BuildPlan, build: Answer
) -> None:
    gone = machine.home / "gone"
    _installing(machine, Answer("rm *", also=f"/bin/sleep 0.5; : > {gone}"), build)
    with pytest.raises((BuildFailed, Interrupted, KeyboardInterrupt)):
        _docker(machine).build(plan, None, ignore, None)
    assert gone.exists()


@pytest.mark.slow
def test_a_build_that_fails_later_keeps_the_packages(machine: Machine, plan: BuildPlan) -> None:
    program = _installing(machine, Answer("build *", "Step 1/2 : FROM x\n", "no", 1))
    with pytest.raises(BuildFailed):
        _docker(machine).build(plan, None, ignore, None)
    (tagged,) = [verb for verb in program.verbs if verb.startswith(f"tag {PACKAGES[:12]}")]
    assert tagged.endswith(":stage-1")


@pytest.mark.slow
def test_release_moves_the_name_to_the_new_packages(machine: Machine, plan: BuildPlan) -> None:
    program = _installing(machine)
    docker = _docker(machine)
    built = docker.build(plan, None, ignore, None)
    assert isinstance(built, CachedImage)
    docker.release(built)
    assert f"tag {PACKAGES[:12]} {built.project}:stage-1" in program.verbs
    assert f"tag {BUILT} {built.project}:latest" in program.verbs


@pytest.mark.slow
def test_a_base_that_is_not_there_is_pulled(machine: Machine, plan: BuildPlan) -> None:
    there = machine.home / "there"
    say = f"[ -e {there} ] || exit 1"
    program = _installing(
        machine,
        Answer("image inspect *", _base(), also=say),
        Answer("pull *", also=f": > {there}"),
    )
    _docker(machine).build(plan, None, ignore, None)
    assert _verbs(program)[:4] == ["image", "pull", "image", "history"]
    assert "commit" in _verbs(program)
