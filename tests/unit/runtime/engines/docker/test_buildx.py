"""A builder of buildx elsewhere: how it is asked for, and what it is asked."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import BuildFailed, EngineError, EngineUnavailable, RegistryError
from keynet.events import Event, LogLine, ignore
from keynet.oci.reference import Reference
from keynet.plan import (
    BuildPlan,
    ContextFile,
    Dependencies,
    Recipe,
    RegistryAccess,
    UserContainerfile,
)
from keynet.recipe import instructions
from keynet.runtime.engine import AnyBuilder, Builder, LayerStore, LoginStore, Saver, WorkingEngine
from keynet.runtime.engines.docker.buildx import BuilderResult, Buildx
from keynet.runtime.engines.docker.buildx_trial import BuilderFacts, read_inspection
from keynet.runtime.engines.docker.docker_args import REMOTE_BUILDER, Invocation
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing import choosing
from keynet.secret import Secret
from tests.fakes.engine import Answer, EngineProgram
from tests.tables import table
from tests.unit.conftest import Machine

IMAGE, MANIFEST = "c" * 64, f"sha256:{'d' * 64}"
TARGET = Reference.parse("registry.example.com/kitech-model/key:latest")
ACCESS = RegistryAccess(TARGET.registry, "robot$x", Secret("password-of-robot"))
RUNNING = """\
Name:          far
Driver:        remote
Last Activity: 2026-01-01 00:00:00 +0000 UTC

Nodes:
Name:             far0
Endpoint:         {endpoint}
Status:           running
BuildKit version: v0.12.5
Platforms:        linux/arm64, linux/arm/v7
"""
# Writes what --metadata-file names.
TELL = (
    'for each; do test "$last" = --metadata-file && printf %s '
    f"'{json.dumps({'containerimage.config.digest': f'sha256:{IMAGE}'})[:-1]}, "
    f'"containerimage.digest": "{MANIFEST}"}}\' > "$each"; last=$each; done'
)
LOG = "#5 [2/2] COPY context/ /w/\n#5 CACHED\n#6 exporting to image\n#6 pushing layers done\n"


@pytest.fixture
def far(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Name a builder whose socket takes connections; give its inspection."""
    monkeypatch.setenv("BUILDX_BUILDER", "far")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "far.sock"))
        server.listen(50)
        yield RUNNING.format(endpoint=f"unix://{tmp_path}/far.sock")


def _docker(machine: Machine, *answers: Answer) -> EngineProgram:
    version = Answer("--version", "Docker version 26.1.5, build x\n")
    return machine.install("docker", version, *answers)


def _chosen(*, needs_run: bool = True) -> AnyBuilder:
    return choosing.choose("docker", engines(), emit=ignore, needs_run=needs_run)


def test_what_an_inspection_tells() -> None:
    found = read_inspection(RUNNING.format(endpoint="tcp://build.example.com:1234"))
    assert found == BuilderFacts("remote", "v0.12.5", "tcp://build.example.com:1234", "arm64")
    assert found.outside_daemon
    two = RUNNING + "Name: far1\nEndpoint: tcp://b:1\n"
    assert read_inspection(two.format(endpoint="tcp://a:1")).endpoint == ""
    local = read_inspection("Name: default\nDriver: docker\nEndpoint: default\nBuildkit: v0.8\n")
    assert local == BuilderFacts("docker", "v0.8")
    assert not local.outside_daemon
    assert read_inspection("") == BuilderFacts("")


@pytest.mark.slow
def test_a_builder_elsewhere_needs_no_daemon(machine: Machine, far: str) -> None:
    program = _docker(machine, Answer("buildx inspect *far", far), Answer("buildx build *"))
    builder = _chosen()
    assert isinstance(builder, Buildx)
    assert builder.engine.how == "docker 26.1.5 (builder far, remote, BuildKit v0.12.5)"
    assert builder.engine.architecture == "arm64"
    called = len(program.calls)
    assert _chosen() == builder
    assert len(program.calls) == called
    assert not any(verb.startswith(("info", "context")) for verb in program.verbs)


@pytest.mark.slow
def test_the_hosts_network_is_tried_when_the_builders_own_does_not_work(
    machine: Machine, far: str
) -> None:
    _docker(
        machine,
        Answer("buildx inspect *", far),
        Answer("buildx build *--network host --allow network.host*"),
        Answer("buildx build *", stderr="ERROR: network bridge not found\n", status=1),
    )
    builder = _chosen()
    assert isinstance(builder, Buildx)
    assert builder.invocation.network == "host"


@pytest.mark.medium
def test_a_builder_that_only_copies(machine: Machine, far: str) -> None:
    no_run = 'for last; do :; done; /bin/grep -q RUN "$last/Containerfile" || exit 0'
    failing = Answer("buildx build *", stderr="ERROR: permission denied\n", status=1, also=no_run)
    _docker(machine, Answer("buildx inspect *", far), failing)
    builder = _chosen(needs_run=False)
    assert "COPY only" in builder.engine.how
    dependencies = Dependencies(None, {"requirements.txt": b"numpy\n"})
    recipe = Recipe(Reference.parse("a"), ("python", "t.py"), dependencies=dependencies)
    assert "permission denied" in builder.unsupported(BuildPlan(Path("/c"), (), recipe))[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "answers",
    [
        [Answer("buildx inspect *", stderr='ERROR: no builder "far" found\n', status=1)],
        [Answer("buildx inspect *", RUNNING.format(endpoint="unix:///none.sock"))],
        [Answer("buildx inspect *", RUNNING.format(endpoint="x")), Answer("*", status=1)],
    ],
)
@pytest.mark.usefixtures("far")
def test_a_builder_that_does_not_work_is_told(machine: Machine, answers: list[Answer]) -> None:
    _docker(machine, *answers)
    with pytest.raises(EngineUnavailable, match=r"builder far \(BUILDX_BUILDER\)"):
        _chosen()


@pytest.mark.medium
@pytest.mark.usefixtures("far")
def test_the_daemons_own_builder_is_used_as_ever(machine: Machine, tmp_path: Path) -> None:
    program = _docker(
        machine,
        Answer("buildx inspect *", "Name: far\nDriver: docker\n"),
        Answer("context inspect *", f"unix://{tmp_path}/no.sock\n"),
    )
    with pytest.raises(EngineUnavailable, match="not running"):
        _chosen()
    assert any(verb.startswith("context inspect") for verb in program.verbs)


@pytest.fixture
def plan(machine: Machine) -> BuildPlan:
    context = machine.home / "project"
    context.mkdir()
    (context / "train.py").write_text("x")
    recipe = Recipe(Reference.parse("scratch"), ("python", "train.py"))
    return BuildPlan(context, (ContextFile("train.py", 1),), recipe, no_cache=True)


def _builder(machine: Machine) -> Buildx:
    docker = str(machine.programs / "docker")
    invocation = Invocation(docker, REMOTE_BUILDER, network="host", remote=True)
    return Buildx(WorkingEngine("docker", "26.1.5", "docker"), invocation)


def _staging(machine: Machine) -> list[Path]:
    return list((machine.home / ".cache/keynet/staging").glob("*"))


@pytest.mark.medium
def test_pushing_asks_for_the_same_build_out_of_the_cache(
    machine: Machine, plan: BuildPlan
) -> None:
    config = machine.home / "config"
    look = f'/bin/cat "$DOCKER_CONFIG/config.json" > {config}; {TELL}'
    program = _docker(machine, Answer("buildx build *", LOG, also=look))
    builder = _builder(machine)
    built = builder.build(plan, ACCESS, ignore, TARGET)
    local = builder.local(built)
    assert (local.id, local.stored) == (IMAGE, False)
    seen: list[Event] = []
    pushed = builder.push(built, TARGET, replace(ACCESS, insecure=True), seen.append)
    assert str(pushed.digest) == MANIFEST
    assert seen == [
        LogLine("#6 exporting to image", "push"),
        LogLine("#6 pushing layers done", "push"),
    ]
    first, second = program.calls
    assert "--no-cache" in first.arguments
    assert "--no-cache" not in second.arguments
    assert "type=image" in first.arguments
    wanted = f"type=image,name={TARGET},push=true,store=false,registry.insecure=true"
    assert wanted in second.arguments
    assert first.arguments[-1] == second.arguments[-1]
    assert list(json.loads(config.read_text())["auths"]) == [ACCESS.host]
    for call in (first, second):
        assert not Path(call.environment["DOCKER_CONFIG"]).exists()
    assert _staging(machine)
    builder.release(built)
    assert not _staging(machine)
    builder.release(built)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("kind", "form"), [("docker-archive", "type=docker,"), ("oci-archive", "type=oci,")]
)
def test_saving_fetches_the_image(
    machine: Machine, plan: BuildPlan, tmp_path: Path, kind: str, form: str
) -> None:
    program = _docker(machine, Answer("buildx build *", LOG, also=TELL))
    builder = _builder(machine)
    built = builder.build(plan, None, ignore, None)
    builder.save(built, kind, tmp_path / "x.tar", ignore)
    builder.release(built)
    (output,) = (each for each in program.calls[1].arguments if each.startswith(form))
    assert output.endswith(f",dest={tmp_path}/x.tar")


@pytest.mark.medium
def test_a_failed_build_leaves_no_files(machine: Machine, plan: BuildPlan) -> None:
    _docker(machine, Answer("buildx build *", "#5 [1/1] RUN x\n#5 ERROR: exit 1\n", status=1))
    with pytest.raises(BuildFailed, match="RUN x"):
        _builder(machine).build(plan, None, ignore, None)
    assert not _staging(machine)


@pytest.mark.medium
def test_failures_of_pushing_and_saving_are_told(machine: Machine, plan: BuildPlan) -> None:
    _docker(
        machine,
        Answer("buildx build *type=image *", also=TELL),
        Answer("buildx build *", stderr="ERROR: x509: unknown authority\n", status=1),
    )
    builder = _builder(machine)
    built = builder.build(plan, ACCESS, ignore, TARGET)
    with pytest.raises(RegistryError) as caught:
        builder.push(built, TARGET, ACCESS, ignore)
    assert "buildkitd.toml" in caught.value.hint
    with pytest.raises(EngineError, match="could not write"):
        builder.save(built, "oci", Path("/nowhere"), ignore)
    _docker(machine, Answer("buildx build *"))
    with pytest.raises(RegistryError):
        builder.push(built, TARGET, ACCESS, ignore)
    builder.release(built)


@pytest.mark.medium
def test_logins_are_the_docker_clients(machine: Machine) -> None:
    program = _docker(machine, Answer("login *"), Answer("logout *"))
    builder = _builder(machine)
    builder.login(RegistryAccess("h", "u", Secret("password-of-robot")))
    builder.logout("h")
    assert [verb.split()[0] for verb in program.verbs] == ["login", "logout"]


def test_a_builder_elsewhere_has_no_layers_to_list(machine: Machine) -> None:
    made = _builder(machine)
    builder: Builder[BuilderResult] = made
    saver: Saver[BuilderResult] = made
    logins: LoginStore = made
    assert isinstance(saver, Saver)
    assert isinstance(logins, LoginStore)
    assert not isinstance(builder, LayerStore)


@table(
    ("version", "known"),
    [("v0.9.3", False), ("v0.10.0", True), ("v0.12.5", True), ("8a3f5e1", True), ("", True)],
)
@table("syntax", ["", "docker/dockerfile:1", "docker/dockerfile:1.2"])
def test_a_builder_elsewhere_knows_heredocs_or_not(
    tmp_path: Path, version: str, syntax: str, *, known: bool
) -> None:
    text = "FROM a\nRUN <<EOF\necho\nEOF\n"
    read = tuple(instructions.parse(text))
    recipe = UserContainerfile(tmp_path / "Dockerfile", text, read, syntax=syntax)
    invocation = Invocation("docker", REMOTE_BUILDER, remote=True, buildkit=version)
    builder = Buildx(WorkingEngine("docker", "26.1.5", "docker"), invocation)
    lacking = builder.unsupported(BuildPlan(tmp_path, (), recipe))
    if syntax:
        known = syntax == "docker/dockerfile:1"
    assert bool(lacking) is not known
    assert all("line 2" in reason and "RUN <<EOF" in reason for reason in lacking)
