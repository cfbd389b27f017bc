"""Where an engine can only copy the build files, no image with a password of theirs is kept."""

from dataclasses import replace

import pytest

from keynet.errors import BuildFailed
from keynet.events import ignore
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, ContextFile, Dependencies, HostNetwork, Recipe
from keynet.runtime.engine import WorkingEngine
from keynet.runtime.engines.docker import docker_args
from keynet.runtime.engines.docker.docker import Docker
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.engines.podman_like.podman_like import PodmanLike
from keynet.secret import Secret
from tests.fakes.engine import Answer, EngineProgram
from tests.unit.conftest import Machine

STAGE = "7b86552021a4"
IMAGE = "e" * 64
BUILDING = f"""\
Step 1/5 : FROM python AS dependencies
Step 2/5 : COPY build/ /keynet/
 ---> {STAGE}
"""
BUILT = f"""\
{BUILDING}Step 3/5 : FROM python
Step 4/5 : COPY context/ /workspace/
 ---> {IMAGE[:12]}
{IMAGE}
"""
WRITE_ID = (
    'for each; do [ "$last" = --iidfile ] && printf %s '
    f'"sha256:{IMAGE}" > "$each"; last="$each"; done; [ "$1" != build ] || /bin/cat > /dev/null'
)
SECRETS = {
    "index": HostNetwork(pip_conf=Secret("[global]\nindex-url = https://me:word@index/simple\n")),
    "proxy": HostNetwork(proxies={"HTTPS_PROXY": Secret("http://me:word@proxy")}),
}
OPEN = {
    "none": HostNetwork(),
    "index": HostNetwork(pip_conf=Secret("[global]\nindex-url = https://index/simple\n")),
}


def _plan(machine: Machine, network: HostNetwork, requirement: str = "numpy") -> BuildPlan:
    context = machine.home / "project"
    context.mkdir()
    (context / "train.py").write_text("x")
    dependencies = Dependencies(None, {"requirements.txt": f"{requirement}\n".encode()})
    recipe = Recipe(Reference.parse("python"), ("python", "train.py"), dependencies=dependencies)
    return BuildPlan(context, (ContextFile("train.py", 1),), recipe, host_network=network)


def _engine(machine: Machine, name: str) -> Docker | PodmanLike:
    """Return an engine whose RUN can mount nothing."""
    binary = str(machine.programs / name)
    if name == "docker":
        invocation = docker_args.Invocation(binary, "legacy")
        engine = WorkingEngine("docker", "20.10.24", "docker")
        return Docker(engine, replace(invocation, remote=True))
    return PodmanLike(PODMAN, WorkingEngine("podman", "3.0", "podman"), Invocation(binary))


def _install(machine: Machine, name: str, log: str, status: int) -> EngineProgram:
    return machine.install(
        name,
        Answer("build *", log, status=status, also=WRITE_ID if name == "docker" else ":"),
        Answer("tag *"),
        Answer("rmi *"),
        Answer("*", status=1),
    )


def _removed(program: EngineProgram) -> list[str]:
    return [each for verb in program.verbs if verb.startswith("rmi ") for each in verb.split()[1:]]


def _tagged(program: EngineProgram) -> bool:
    return any(verb.startswith(f"tag {STAGE} ") for verb in program.verbs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docker", "podman"])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_stage_with_a_password_is_removed_after_the_build(
    machine: Machine, name: str, secret: str
) -> None:
    program = _install(machine, name, BUILT, 0)
    builder = _engine(machine, name)
    builder.release(builder.build(_plan(machine, SECRETS[secret]), None, ignore, None))
    assert STAGE in _removed(program)
    # That of an earlier build, which may have had another password.
    assert any(each.endswith(":stage-1") for each in _removed(program))
    assert not _tagged(program)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docker", "podman"])
def test_a_stage_with_a_password_is_removed_after_a_failed_build(
    machine: Machine, name: str
) -> None:
    program = _install(machine, name, f"{BUILDING}Step 3/5 : RUN false\n", 1)
    with pytest.raises(BuildFailed):
        _engine(machine, name).build(_plan(machine, SECRETS["index"]), None, ignore, None)
    assert STAGE in _removed(program)
    assert not _tagged(program)


@pytest.mark.medium
def test_a_password_in_a_requirement_counts(machine: Machine) -> None:
    program = _install(machine, "docker", BUILT, 0)
    builder = _engine(machine, "docker")
    plan = _plan(machine, OPEN["none"], "numpy @ https://me:word@index/numpy.whl")
    builder.release(builder.build(plan, None, ignore, None))
    assert STAGE in _removed(program)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docker", "podman"])
@pytest.mark.parametrize("network", OPEN)
def test_a_stage_without_one_is_kept(machine: Machine, name: str, network: str) -> None:
    program = _install(machine, name, BUILT, 0)
    builder = _engine(machine, name)
    builder.release(builder.build(_plan(machine, OPEN[network]), None, ignore, None))
    assert STAGE not in _removed(program)
    assert _tagged(program)
