"""podman, buildah and docker as builders, over programs that answer as the engines do."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import (
    BuildFailed,
    EngineError,
    RegistryDenied,
    RegistryError,
    RegistryUnreachable,
)
from keynet.events import BlobSkipped, Event, LogLine, ignore
from keynet.oci.reference import Reference
from keynet.plan import (
    BuildPlan,
    ContextFile,
    Dependencies,
    HostNetwork,
    Recipe,
    RegistryAccess,
    UserContainerfile,
)
from keynet.recipe import instructions
from keynet.runtime.build import rendering, uv_program
from keynet.runtime.build.layer_cache import CachedImage
from keynet.runtime.engine import Builder, LayerStore, LoginStore, Saver, WorkingEngine
from keynet.runtime.engines.docker import docker_args
from keynet.runtime.engines.docker.docker import Docker
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.engines.podman_like.podman_like import PodmanLike
from keynet.secret import Secret
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

IMAGE = "f0aff90fc31ae90d757163c2de98dd7737feca3c9b3138a9770580164fd93ba2"
STAGE = "7b86552021a4"
DIGEST = f"sha256:{'d' * 64}"
BUILD_LOG = f"""\
[1/2] STEP 1/2: FROM scratch AS deps
[1/2] STEP 2/2: RUN ["x"]
--> {STAGE}
[2/2] STEP 1/2: FROM scratch
[2/2] STEP 2/2: COPY context/ /workspace/
[2/2] COMMIT localhost/keynet/x
--> {IMAGE[:12]}
{IMAGE}
"""
TARGET = Reference.parse("127.0.0.1:5000/kitech-model/key:latest")
ACCESS = RegistryAccess("127.0.0.1:5000", "robot$x", Secret("password-of-robot"))


@pytest.fixture
def plan(machine: Machine) -> BuildPlan:
    context = machine.home / "project"
    context.mkdir()
    (context / "train.py").write_text("x")
    recipe = Recipe(Reference.parse("scratch"), ("python", "train.py"))
    return BuildPlan(context, (ContextFile("train.py", 1),), recipe)


def _engine(machine: Machine, name: str, *, remote: bool = False) -> PodmanLike:
    invocation = Invocation(
        str(machine.programs / name),
        isolation="chroot",
        graph_root=str(machine.home / "store"),
        remote=remote,
    )
    engine = WorkingEngine(name, "4.3.1", name, storage_driver="overlay")
    return PodmanLike({"podman": PODMAN, "buildah": BUILDAH}[name], engine, invocation)


def _docker(machine: Machine, mode: str = "legacy", version: str = "20.10.24+dfsg1") -> Docker:
    invocation = docker_args.Invocation(str(machine.programs / "docker"), mode)
    return Docker(WorkingEngine("docker", version, "docker"), invocation)


def _remote(machine: Machine) -> Docker:
    docker = _docker(machine)
    return replace(docker, invocation=replace(docker.invocation, remote=True))


def _own(plan: BuildPlan, text: str = "FROM a\n") -> UserContainerfile:
    path = plan.context / "Dockerfile"
    return UserContainerfile(path, text, tuple(instructions.parse(text)))


def _install_numpy(plan: BuildPlan) -> BuildPlan:
    """Give the plan something to install, so that there is a form in one stage."""
    dependencies = Dependencies(None, {"requirements.txt": b"numpy\n"})
    base = Reference.parse("python:3.11-slim")
    return replace(plan, recipe=Recipe(base, ("python", "train.py"), dependencies=dependencies))


BUILT = CachedImage(IMAGE, "localhost/keynet/p:build-1", "localhost/keynet/p", (STAGE,))
QUIET = (Answer("tag *"), Answer("rmi *"), Answer("rm *"))


@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_build_streams_its_log_and_gives_the_images(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    program = machine.install(name, Answer("build *", BUILD_LOG))
    seen: list[Event] = []
    built = _engine(machine, name).build(plan, ACCESS, seen.append, None)
    assert built.image_id == IMAGE
    assert built.stages == (STAGE,)
    assert built.name.startswith(f"{built.project}:build-")
    assert seen[0] == LogLine("[1/2] STEP 1/2: FROM scratch AS deps", "build")
    (call,) = program.calls
    assert any(argument.startswith("--secret=id=keynet-build") for argument in call.arguments)
    assert not list((machine.home / ".cache/keynet/staging").iterdir())


@pytest.mark.medium
def test_proxies_are_in_the_environment_and_not_in_the_arguments(
    machine: Machine, plan: BuildPlan
) -> None:
    program = machine.install("buildah", Answer("build *", f"using http://u:word@h\n{BUILD_LOG}"))
    network = HostNetwork(proxies={"HTTPS_PROXY": Secret("http://u:word@h")})
    seen: list[Event] = []
    _engine(machine, "buildah").build(replace(plan, host_network=network), None, seen.append, None)
    (call,) = program.calls
    assert "--build-arg=HTTPS_PROXY" in call.arguments
    assert "word" not in " ".join(call.arguments)
    assert call.environment["HTTPS_PROXY"] == "http://u:word@h"
    assert seen[0] == LogLine("using ***", "build")


@pytest.mark.medium
def test_a_failed_build_keeps_its_cache_and_its_containerfile(
    machine: Machine, plan: BuildPlan
) -> None:
    log = f"STEP 1/2: FROM a\nSTEP 2/3: COPY b c\n--> {STAGE}\nSTEP 3/3: RUN false\nexit status 1\n"
    program = machine.install("buildah", Answer("build *", log, status=125), *QUIET)
    with pytest.raises(BuildFailed, match="RUN false") as caught:
        _engine(machine, "buildah").build(plan, None, ignore, None)
    kept = Path(caught.value.message.rpartition("Containerfile: ")[2])
    assert isinstance(plan.recipe, Recipe)
    assert kept.read_text() == rendering.two_stages(plan.recipe, plan.host_network).text
    assert any(verb.startswith(f"tag {STAGE} localhost/keynet/") for verb in program.verbs)


@pytest.mark.medium
def test_a_failed_build_names_the_users_own_file(machine: Machine, plan: BuildPlan) -> None:
    own = _own(plan)
    machine.install("podman", Answer("build *", status=125), *QUIET)
    with pytest.raises(BuildFailed, match=str(own.path)):
        _engine(machine, "podman").build(replace(plan, recipe=own), None, ignore, None)


@pytest.mark.medium
def test_working_containers_of_this_build_alone_are_removed(
    machine: Machine, plan: BuildPlan
) -> None:
    containers = machine.home / "store/overlay-containers"
    for name in ("mine", "other"):
        (containers / name / "userdata").mkdir(parents=True)
    (containers / "other/userdata/buildah.json").write_text("/elsewhere/private/marker")
    write = (
        'for each; do case "$each" in --secret=id=keynet-build,src=*) '
        f'echo "${{each#*src=}}" > {containers}/mine/userdata/buildah.json;; esac; done'
    )
    program = machine.install("podman", Answer("build *", status=125, also=write), *QUIET)
    with pytest.raises(BuildFailed):
        _engine(machine, "podman").build(plan, None, ignore, None)
    assert "rm --force mine" in program.verbs
    assert not any("other" in verb for verb in program.verbs)


@pytest.mark.parametrize("name", ["podman", "buildah"])
def test_push_gives_the_registrys_digest(machine: Machine, name: str) -> None:
    write = f'while test "$1" != --digestfile; do shift; done; printf {DIGEST} > "$2"'
    machine.install(
        name, Answer("push *", stderr=f"Copying blob {'a' * 64} skipped: x\n", also=write)
    )
    seen: list[Event] = []
    pushed = _engine(machine, name).push(BUILT, TARGET, ACCESS, seen.append)
    assert str(pushed.digest) == DIGEST
    assert pushed.bytes_sent is None
    assert BlobSkipped("a" * 64, None) in seen


def test_a_refused_push_is_told(machine: Machine) -> None:
    machine.install("podman", Answer("push *", stderr="Error: denied\n", status=125))
    with pytest.raises(RegistryDenied):
        _engine(machine, "podman").push(BUILT, TARGET, ACCESS, ignore)


@pytest.mark.slow
def test_a_remote_podman_is_asked_for_the_registrys_digest(machine: Machine) -> None:
    local = f"sha256:{'e' * 64}"
    image = {"Digest": local, "RepoDigests": [f"{TARGET.name}@{local}", f"{TARGET.name}@{DIGEST}"]}
    program = machine.install(
        "podman",
        Answer("push *"),
        Answer("pull *"),
        Answer("image inspect *", json.dumps([image])),
        Answer("rmi *"),
    )
    engine = _engine(machine, "podman", remote=True)
    assert str(engine.push(BUILT, TARGET, ACCESS, ignore).digest) == DIGEST
    assert program.verbs[-1] == f"rmi {TARGET}"
    machine.install("podman", Answer("push *"), Answer("pull *", status=1), Answer("*", "[]"))
    with pytest.raises(RegistryError):
        engine.push(BUILT, TARGET, ACCESS, ignore)


@pytest.mark.medium
def test_one_tag_a_project_stays(machine: Machine) -> None:
    for builder in _builders(machine):
        program = machine.install(builder.engine.name, Answer("*"))
        builder.release(BUILT)
        name = "localhost/keynet/p"
        stage, latest = (program.calls[n].arguments[-1] for n in (0, 2))
        later = [f"{name}:stage-{n}" for n in range(2, 10)]
        assert program.verbs == [
            f"tag {name}:stage-1 {stage}",
            f"tag {STAGE} {name}:stage-1",
            f"tag {name}:latest {latest}",
            f"tag {IMAGE} {name}:latest",
            f"rmi {stage} {latest} {' '.join(later)} {name}:build-1",
        ]
        assert stage.startswith(f"{name}:build-")
        assert latest.startswith(f"{name}:build-")


@pytest.mark.medium
def test_removing_what_is_gone_is_no_error(machine: Machine) -> None:
    machine.install("buildah", Answer("*", stderr="image not known", status=125))
    _engine(machine, "buildah").release(BUILT)


@pytest.mark.medium
def test_save_names_the_destination(machine: Machine) -> None:
    program = machine.install(
        "buildah",
        Answer("push * oci:/good*"),
        Answer("push * docker-archive:/good*"),
        Answer("push *", status=1),
    )
    engine = _engine(machine, "buildah")
    engine.save(BUILT, "oci", Path("/good"), ignore)
    engine.save(BUILT, "docker-archive", Path("/good"), ignore)
    assert [call.arguments for call in program.calls] == [
        ["push", IMAGE, "oci:/good:latest"],
        ["push", IMAGE, "docker-archive:/good:localhost/keynet/p:latest"],
    ]
    with pytest.raises(EngineError, match="oci-archive:/bad"):
        engine.save(BUILT, "oci-archive", Path("/bad"), ignore)


@pytest.mark.medium
def test_a_remote_podman_saves_on_this_side(machine: Machine) -> None:
    program = machine.install("podman", Answer("save *"))
    engine = _engine(machine, "podman", remote=True)
    engine.save(BUILT, "oci", Path("/good"), ignore)
    engine.save(BUILT, "oci-archive", Path("/good"), ignore)
    assert [call.arguments for call in program.calls] == [
        ["save", "--format", "oci-dir", "--output", "/good", IMAGE],
        ["save", "--format", "oci-archive", "--output", "/good", IMAGE],
    ]


def test_every_engine_does_all_that_a_store_allows(machine: Machine) -> None:
    for each in _builders(machine):
        # mypy sees the same of each class, with its own value for what it built.
        builder: Builder[CachedImage] = each
        saver: Saver[CachedImage] = each
        logins: LoginStore = each
        layers: LayerStore = each
        assert isinstance(saver, Saver)
        assert isinstance(logins, LoginStore)
        assert isinstance(layers, LayerStore)
        assert builder.engine.name in {"docker", "podman", "buildah"}
        assert saver.local(BUILT).name == "localhost/keynet/p"
        assert saver.local(BUILT).id == IMAGE
        assert saver.local(BUILT).stored


def _builders(machine: Machine) -> list[PodmanLike | Docker]:
    return [_engine(machine, "podman"), _engine(machine, "buildah"), _docker(machine)]


@pytest.mark.medium
def test_the_password_of_a_login_is_typed_in(machine: Machine) -> None:
    for builder in _builders(machine):
        program = machine.install(builder.engine.name, Answer("login *"), Answer("logout *"))
        builder.login(ACCESS)
        builder.logout(ACCESS.host)
        login, logout = program.calls
        assert login.stdin == b"password-of-robot\n"
        assert login.arguments[-1] == ACCESS.host
        assert not any("password-of-robot" in argument for argument in login.arguments)
        assert "password-of-robot" not in str(login.environment)
        assert logout.arguments == ["logout", ACCESS.host]


@pytest.mark.slow
def test_a_failed_login_shows_no_password(machine: Machine) -> None:
    for builder in _builders(machine):
        machine.install(
            builder.engine.name, Answer("*", stderr="Error: bad password-of-robot\n", status=125)
        )
        with pytest.raises(EngineError, match=ACCESS.host) as caught:
            builder.login(ACCESS)
        assert "password-of-robot" not in caught.value.message
        with pytest.raises(EngineError, match=ACCESS.host):
            builder.logout(ACCESS.host)


LEGACY_LOG = f"""\
DEPRECATED: The legacy builder is deprecated and will be removed in a future release.
            Install the buildx component to build images with BuildKit:
            https://docs.docker.com/go/buildx/
Step 1/2 : FROM scratch AS deps
 --->\x20
Step 2/3 : RUN ["x"]
 ---> {STAGE}
Step 3/3 : FROM scratch
Step 3/3 : COPY context/ /workspace/
 ---> {IMAGE[:12]}
Successfully built {IMAGE[:12]}
"""
WRITE_ID = (
    'for each; do if test "$last" = --iidfile; then '
    f'printf sha256:{IMAGE} > "$each"; fi; last=$each; done'
)


@pytest.mark.medium
def test_docker_legacy_gets_a_tar(machine: Machine, plan: BuildPlan) -> None:
    config = machine.home / "config"
    look = f'/bin/cp "$DOCKER_CONFIG/config.json" {config}; {WRITE_ID}'
    program = machine.install("docker", Answer("build *", LEGACY_LOG, also=look))
    seen: list[Event] = []
    built = _docker(machine).build(plan, ACCESS, seen.append, None)
    assert seen[0] == LogLine("Step 1/2 : FROM scratch AS deps", "build")
    assert (built.image_id, built.stages) == (IMAGE, (STAGE,))
    (call,) = program.calls
    with tarfile.open(fileobj=io.BytesIO(call.stdin)) as tar:
        assert "context/train.py" in tar.getnames()
    assert list(json.loads(config.read_text())["auths"]) == [ACCESS.host]
    assert not Path(call.environment["DOCKER_CONFIG"]).exists()
    assert call.environment["DOCKER_BUILDKIT"] == "0"


def test_docker_buildkit_gets_a_folder(machine: Machine, plan: BuildPlan) -> None:
    program = machine.install("docker", Answer("build *", also=WRITE_ID))
    built = _docker(machine, "buildkit").build(plan, None, ignore, None)
    assert (built.image_id, built.stages) == (IMAGE, ())
    assert program.calls[0].stdin == b""
    assert program.calls[0].arguments[-1].endswith("/root")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("network", "host"),
    [
        (HostNetwork(), False),
        (HostNetwork(proxies={"HTTP_PROXY": Secret("http://127.0.0.1:3128")}), True),
        (HostNetwork(proxies={"HTTP_PROXY": Secret("http://u:p@localhost:1")}), True),
        (HostNetwork(proxies={"HTTP_PROXY": Secret("http://proxy:3128")}), False),
        (HostNetwork(pip_conf=Secret("index-url = http://127.0.0.1:9/simple")), True),
    ],
)
def test_docker_uses_the_hosts_network_for_loopback(
    machine: Machine, plan: BuildPlan, network: HostNetwork, host: bool
) -> None:
    program = machine.install("docker", Answer("build *", also=WRITE_ID))
    _docker(machine).build(replace(plan, host_network=network), None, ignore, None)
    assert ("--network" in program.calls[0].arguments) is host


@pytest.mark.medium
def test_docker_names_the_cache_of_a_failed_build(machine: Machine, plan: BuildPlan) -> None:
    log = f"Step 1/2 : FROM a\nStep 2/3 : COPY b c\n ---> {STAGE}\nStep 3/3 : RUN false\n"
    program = machine.install(
        "docker", Answer("build *", log, status=1), Answer("images *"), Answer("tag *")
    )
    with pytest.raises(BuildFailed, match="RUN false"):
        _docker(machine).build(plan, None, ignore, None)
    assert program.verbs[-2].startswith(f"tag {STAGE} localhost/keynet/")


@pytest.mark.medium
def test_docker_pushes_the_name_that_it_built_and_takes_it_away(
    machine: Machine, plan: BuildPlan
) -> None:
    said = f"{'a' * 12}: Layer already exists\nlatest: digest: {DIGEST} size: 528\n"
    program = machine.install(
        "docker", Answer("build *", also=WRITE_ID), Answer("push *", said), Answer("*")
    )
    docker = _docker(machine)
    target = replace(TARGET, tag=None)
    built = docker.build(plan, ACCESS, ignore, target)
    seen: list[Event] = []
    assert str(docker.push(built, target, ACCESS, seen.append).digest) == DIGEST
    assert BlobSkipped("a" * 12, None) in seen
    docker.release(built)
    assert f"--tag {TARGET}" in program.verbs[0]
    assert program.verbs[1] == f"push {TARGET}"
    assert program.verbs[-1].startswith("rmi ")
    assert program.verbs[-1].endswith(f" {TARGET}")


def test_a_refused_push_of_docker_is_told(machine: Machine) -> None:
    machine.install("docker", Answer("push *", stderr="unauthorized: x\n", status=1))
    with pytest.raises(RegistryDenied):
        _docker(machine).push(replace(BUILT, name=str(TARGET)), TARGET, ACCESS, ignore)


@pytest.mark.parametrize(
    ("name", "remote", "place"),
    [
        ("docker", False, "/etc/docker/certs.d/127.0.0.1:5000/ca.crt"),
        ("podman", True, "/etc/containers/certs.d/127.0.0.1:5000/ca.crt"),
        ("podman", False, "--ca-cert"),
        ("buildah", False, "--ca-cert"),
    ],
)
def test_a_push_that_does_not_trust_the_registry_says_where_its_ca_belongs(
    machine: Machine, name: str, *, remote: bool, place: str
) -> None:
    said = 'Get "https://h/v2/": x509: certificate signed by unknown authority\n'
    machine.install(name, Answer("push *", stderr=said, status=1))
    builder = _docker(machine) if name == "docker" else _engine(machine, name, remote=remote)
    with pytest.raises(RegistryUnreachable) as caught:
        builder.push(replace(BUILT, name=str(TARGET)), TARGET, ACCESS, ignore)
    assert place in caught.value.hint


@pytest.mark.medium
def test_docker_saves_what_its_version_can(machine: Machine, tmp_path: Path) -> None:
    layout = tmp_path / "layout.tar"
    with tarfile.open(layout, "w") as tar:
        tar.addfile(tarfile.TarInfo("oci-layout"))
    copy = f'/bin/cp {layout} "$3"'
    machine.install("docker", Answer("save *", also=copy))
    old, new = _docker(machine), _docker(machine, version="26.1.5")
    old.save(BUILT, "docker-archive", tmp_path / "a.tar", ignore)
    assert (tmp_path / "a.tar").exists()
    assert old.formats == {"docker-archive"}
    assert new.formats == {"docker-archive", "oci-archive", "oci"}
    new.save(BUILT, "oci", tmp_path / "b", ignore)
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["oci-layout"]
    assert not list(tmp_path.glob("*.partial.tar"))
    machine.install("docker", Answer("save *", stderr="no space left\n", status=1))
    with pytest.raises(EngineError, match="no space left"):
        new.save(BUILT, "oci-archive", tmp_path / "c.tar", ignore)


HEREDOC = "FROM a\nRUN <<EOF\necho\nEOF\n"


@pytest.mark.parametrize(
    ("name", "version", "known"),
    [
        ("buildah", "1.28.2", False),
        ("buildah", "1.33.7", True),
        ("podman", "4.3.1", False),
        ("podman", "4.8.0", True),
        ("podman", "5.4.2", True),
        ("legacy", "26.1.5", False),
        ("buildkit", "20.10.24+dfsg1", False),
        ("buildkit", "26.1.5", True),
    ],
)
@pytest.mark.parametrize(
    "text", [HEREDOC, "FROM a\nCOPY <<-'E' /x\ny\nE\n", "FROM a\nRUN cat <<A 3<<B\nA\nB\n"]
)
def test_heredocs_are_refused_where_the_engine_does_not_know_them(
    machine: Machine, plan: BuildPlan, name: str, version: str, text: str, *, known: bool
) -> None:
    if name in ("podman", "buildah"):
        builder: PodmanLike | Docker = _engine(machine, name)
    else:
        builder = _docker(machine, name)
    builder = replace(builder, engine=replace(builder.engine, version=version))
    lacking = builder.unsupported(replace(plan, recipe=_own(plan, text)))
    assert bool(lacking) is not known
    for reason in lacking:
        assert "heredoc" in reason
        assert "buildah 1.33, podman 5" in reason
        assert "BuildKit" in reason


@pytest.mark.parametrize(
    "line",
    [
        *("RUN bash -c 'cat <<<word'", "RUN echo $((1<<2))", "RUN echo a << b", "LABEL a=<<EOF"),
        *('RUN bash -c "cat <<EOF"', "RUN python3 -c 'print(1 <<EOF)'", "RUN echo $((1 <<EOF))"),
    ],
)
def test_what_looks_like_a_heredoc_is_left_to_the_engine(
    machine: Machine, plan: BuildPlan, line: str
) -> None:
    text = f"FROM a\n{line}\n"
    for name in ("podman", "buildah"):
        assert _engine(machine, name).unsupported(replace(plan, recipe=_own(plan, text))) == []


def test_a_heredoc_of_a_frontend_that_the_file_names_is_known(
    machine: Machine, plan: BuildPlan
) -> None:
    own = replace(_own(plan, HEREDOC), syntax="docker/dockerfile:1")
    assert _docker(machine, "buildkit").unsupported(replace(plan, recipe=own)) == []


@pytest.mark.parametrize(
    ("syntax", "known"),
    [
        ("docker/dockerfile:1.2", False),
        ("docker.io/docker/dockerfile:1.3.1", False),
        ("docker/dockerfile:1.3-labs", True),
        ("docker/dockerfile:1.4", True),
        ("docker/dockerfile:1.20", True),
        ("mine/frontend", True),
    ],
)
def test_an_old_frontend_that_the_file_names_is_not(
    machine: Machine, plan: BuildPlan, syntax: str, *, known: bool
) -> None:
    own = replace(_own(plan, HEREDOC), syntax=syntax)
    docker = _docker(machine, "buildkit", version="26.1.5")
    assert bool(docker.unsupported(replace(plan, recipe=own))) is not known


def test_docker_legacy_says_what_it_cannot_do(machine: Machine, plan: BuildPlan) -> None:
    mounting = replace(plan, recipe=_own(plan, "FROM a\nRUN --mount=type=cache,target=/x y\n"))
    assert _docker(machine).unsupported(mounting)
    assert _docker(machine, "buildkit").unsupported(mounting) == []


def test_a_failed_docker_login_says_where_the_daemon_looks(machine: Machine) -> None:
    machine.install("docker", Answer("*", stderr="x509: unknown authority\n", status=1))
    ca = machine.home / "ca.pem"
    ca.write_text("PEM")
    access = RegistryAccess("harbor.example.com", "robot$x", Secret("p" * 12), ca_cert=ca)
    with pytest.raises(EngineError) as caught:
        _docker(machine).login(access)
    assert "/etc/docker/certs.d/harbor.example.com/ca.crt" in caught.value.hint


def _containerfiles(machine: Machine) -> str:
    """Shell that keeps what the engine was told to build."""
    return (
        f'for each; do test "$last" = --file && /bin/cat "$each" >> {machine.home}/built; '
        "last=$each; done"
    )


def _inspected(engine: str, user: str, architecture: str = "amd64") -> str:
    """What the engine prints of a base image."""
    if engine == "buildah":
        config = {"os": "linux", "architecture": architecture, "config": {"User": user}}
        return json.dumps({"OCIv1": config})
    image = {"Os": "linux", "Architecture": architecture, "Config": {"User": user}}
    return json.dumps([image])


def _mounting(machine: Machine, name: str) -> PodmanLike | Docker:
    return _docker(machine, "buildkit") if name == "docker" else _engine(machine, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
@pytest.mark.parametrize("user", ["", "1000"])
def test_engines_whose_run_mounts_take_the_one_stage_form(
    machine: Machine, plan: BuildPlan, name: str, user: str
) -> None:
    program = machine.install(
        name,
        Answer("*inspect *", _inspected(name, user)),
        Answer("build *", BUILD_LOG, also=f"{WRITE_ID}; {_containerfiles(machine)}"),
    )
    installing = _install_numpy(plan)
    _mounting(machine, name).build(installing, ACCESS, ignore, None)
    assert isinstance(installing.recipe, Recipe)
    uv = uv_program.for_plan(installing, "")
    assert uv is not None
    if name == "docker":
        uv = replace(uv, image=f"localhost/keynet/uv:{uv.key}")
    wanted = rendering.one_stage(installing.recipe, installing.host_network, user, uv)
    assert wanted is not None
    assert f"\nUSER {user or '0'}\nENV " in wanted.text
    assert (machine.home / "built").read_text() == wanted.text
    assert program.verbs[-1].split()[0] == "build"
    assert all("inspect" in verb for verb in program.verbs[:-1])
    assert not any("--build-arg" in verb for verb in program.verbs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_a_user_that_cannot_be_named_is_left_to_two_stages(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    machine.install(
        name,
        Answer("*inspect *", _inspected(name, "a b")),
        Answer("build *", BUILD_LOG, also=f"{WRITE_ID}; {_containerfiles(machine)}"),
    )
    _mounting(machine, name).build(_install_numpy(plan), None, ignore, None)
    assert "COPY --from=dependencies" in (machine.home / "built").read_text()


@pytest.mark.slow
def test_a_legacy_builder_of_another_host_asks_for_no_user(
    machine: Machine, plan: BuildPlan
) -> None:
    program = machine.install(
        "docker", Answer("build *", LEGACY_LOG, also=WRITE_ID), Answer("image inspect *")
    )
    _remote(machine).build(_install_numpy(plan), None, ignore, None)
    uv = uv_program.for_plan(_install_numpy(plan), "")
    assert uv is not None
    asked, built = program.verbs
    assert asked == f"image inspect localhost/keynet/uv:{uv.key}"
    assert built.startswith("build ")


@pytest.mark.slow
def test_docker_loads_uv_once_and_copies_it_from_its_image(
    machine: Machine, plan: BuildPlan
) -> None:
    program = machine.install(
        "docker",
        Answer("image inspect *", status=1),
        Answer("load", also=f"/bin/cat > {machine.home}/loaded.tar"),
        Answer("build *", LEGACY_LOG, also=WRITE_ID),
    )
    _remote(machine).build(_install_numpy(plan), None, ignore, None)
    assert [verb.split()[0] for verb in program.verbs] == ["image", "load", "build"]
    uv = uv_program.for_plan(_install_numpy(plan), "")
    assert uv is not None
    with tarfile.open(machine.home / "loaded.tar") as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        assert json.load(manifest)[0]["RepoTags"] == [f"localhost/keynet/uv:{uv.key}"]
        layer = tar.extractfile("layer.tar")
        assert layer is not None
        with tarfile.open(fileobj=layer) as inner:
            assert [(each.name, each.mode) for each in inner] == [("uv", 0o755)]
    with tarfile.open(fileobj=io.BytesIO(program.calls[-1].stdin)) as tar:
        assert not any(name.endswith("/uv") for name in tar.getnames())


@pytest.mark.slow
def test_a_docker_that_loads_no_image_gets_uv_with_the_build(
    machine: Machine, plan: BuildPlan
) -> None:
    program = machine.install(
        "docker",
        Answer("image inspect *", status=1),
        Answer("load", status=1),
        Answer("build *", LEGACY_LOG, also=WRITE_ID),
    )
    _remote(machine).build(_install_numpy(plan), None, ignore, None)
    with tarfile.open(fileobj=io.BytesIO(program.calls[-1].stdin)) as tar:
        assert tar.getmember("build/uv").mode & 0o111


@pytest.mark.medium
def test_nothing_is_asked_where_there_is_nothing_to_install(
    machine: Machine, plan: BuildPlan
) -> None:
    for name in ("docker", "podman", "buildah"):
        program = machine.install(name, Answer("build *", BUILD_LOG, also=WRITE_ID))
        _mounting(machine, name).build(plan, None, ignore, None)
        assert [verb.split()[0] for verb in program.verbs] == ["build"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docker", "podman", "buildah"])
def test_a_base_that_cannot_be_pulled_is_left_to_the_build(
    machine: Machine, plan: BuildPlan, name: str
) -> None:
    program = machine.install(
        name,
        Answer("*inspect *", status=125),
        Answer("pull *", f"{IMAGE}\n", "manifest unknown\n", status=125),
        Answer("build *", BUILD_LOG, also=f"{WRITE_ID}; {_containerfiles(machine)}"),
    )
    seen: list[Event] = []
    installing = _install_numpy(plan)
    _mounting(machine, name).build(installing, ACCESS, seen.append, None)
    assert isinstance(installing.recipe, Recipe)
    wanted = rendering.two_stages(installing.recipe, installing.host_network).text
    assert (machine.home / "built").read_text() == wanted
    asked, pulled, again, built = program.verbs
    assert asked == again
    assert "inspect" in asked
    assert (pulled.split()[0], built.split()[0]) == ("pull", "build")
    assert LogLine("manifest unknown", "build") in seen


@pytest.mark.medium
def test_a_users_containerfile_gets_the_hosts_pip_settings_by_a_mount(
    machine: Machine, plan: BuildPlan
) -> None:
    kept = machine.home / "kept"
    copy = (
        'for each; do case "$each" in --volume=*) each=${each#--volume=}; '
        f'/bin/cp -r "${{each%%:*}}" {kept};; esac; done'
    )
    program = machine.install("podman", Answer("build *", BUILD_LOG, also=copy))
    network = HostNetwork(
        ca_bundle=b"PEM", pip_conf=Secret("[global]\nindex-url = http://u:word@h/simple\n")
    )
    full = replace(plan, recipe=_own(plan), host_network=network)
    _engine(machine, "podman").build(full, None, ignore, None)
    assert (kept / "ca.pem").read_bytes() == b"PEM"
    assert "cert = /etc/xdg/pip/ca.pem" in (kept / "pip.conf").read_text()
    assert "http://u:word@h/simple" in (kept / "pip.conf").read_text()
    assert "word" not in program.verbs[0]
    assert program.verbs[0].count(":/etc/xdg/pip:ro") == 1


@pytest.mark.medium
@pytest.mark.parametrize("generated", [True, False])
def test_nothing_is_mounted_without_need(
    machine: Machine, plan: BuildPlan, *, generated: bool
) -> None:
    program = machine.install("podman", Answer("build *", BUILD_LOG))
    if generated:
        plan = replace(plan, host_network=HostNetwork(ca_bundle=b"PEM"))
    else:
        plan = replace(plan, recipe=_own(plan))
    _engine(machine, "podman").build(plan, None, ignore, None)
    assert "--volume" not in program.verbs[0]


@pytest.mark.medium
@pytest.mark.parametrize(
    ("mode", "version", "mounts"),
    [
        ("buildkit", "20.10.24+dfsg1", True),
        ("buildx", "26.1.5", True),
        ("buildkit", "19.03.15", False),
        ("legacy", "20.10.24+dfsg1", False),
    ],
)
def test_buildkit_gets_the_hosts_pip_settings_as_secrets(
    machine: Machine, plan: BuildPlan, mode: str, version: str, *, mounts: bool
) -> None:
    kept = machine.home / "kept"
    keep = (
        f'/bin/mkdir -p {kept}; for each; do case "$each" in --secret=*) '
        f'/bin/cp "${{each##*src=}}" {kept};; esac; '
        f'test "$last" = --file && test "${{each#/}}" != "$each" && /bin/cp "$each" {kept}; '
        "last=$each; done; " + WRITE_ID
    )
    flags = (
        "--mount=type=secret,id=keynet-pip.conf,target=/etc/xdg/pip/pip.conf,mode=0444 "
        "--mount=type=secret,id=keynet-ca.pem,target=/etc/xdg/pip/ca.pem,mode=0444"
    )
    mounted = f"FROM a\nRUN {flags} b\n"
    log = f"#5 [2/2] RUN {flags} b\n"
    program = machine.install("docker", Answer("build *", log, also=keep), *QUIET)
    own = _own(plan, "FROM a\nRUN b\n")
    network = HostNetwork(
        ca_bundle=b"PEM", pip_conf=Secret("[global]\nindex-url = http://u:word@h/simple\n")
    )
    seen: list[Event] = []
    _docker(machine, mode, version).build(
        replace(plan, recipe=own, host_network=network), None, seen.append, None
    )
    assert ("--secret=id=keynet-pip.conf" in program.verbs[0]) == mounts
    assert "word" not in program.verbs[0]
    if mounts:
        assert (kept / "Containerfile").read_text() == mounted
        assert (kept / "ca.pem").read_bytes() == b"PEM"
        assert "cert = /etc/xdg/pip/ca.pem" in (kept / "pip.conf").read_text()
        assert seen == [LogLine("#5 [2/2] RUN b", "build")]


def test_buildkit_gets_no_secrets_without_need(machine: Machine, plan: BuildPlan) -> None:
    program = machine.install("docker", Answer("build *", also=WRITE_ID), *QUIET)
    own = _own(plan, "FROM a\nRUN b\n")
    _docker(machine, "buildkit").build(replace(plan, recipe=own), None, ignore, None)
    assert "--secret" not in program.verbs[0]


LISTED = """\
<none>:<none> 1.2 MB
localhost/keynet/p:latest 1.65 kB
localhost/keynetwork:latest 3 GB
localhost/keynet/p:<none> 1 kB
docker.io/library/busybox:latest 4.3 MB
localhost/keynet/p:stage-1 1 kB
"""


@pytest.mark.medium
def test_what_builds_left_is_told_from_other_images(machine: Machine) -> None:
    for builder in _builders(machine):
        program = machine.install(builder.engine.name, Answer("images *", LISTED), Answer("rmi *"))
        images = builder.kept()
        assert [(image.name, image.size) for image in images] == [
            ("localhost/keynet/p:latest", "1.65 kB"),
            ("localhost/keynet/p:stage-1", "1 kB"),
        ]
        builder.drop([image.name for image in images])
        assert program.verbs[-1] == "rmi localhost/keynet/p:latest localhost/keynet/p:stage-1"


@pytest.mark.medium
def test_podman_and_buildah_are_seen_to_share_a_store(machine: Machine) -> None:
    stores = []
    for builder in _builders(machine):
        machine.install(builder.engine.name, Answer("images *", LISTED))
        stores.append({image.store for image in builder.kept()})
    podman, buildah, docker = stores
    assert podman == buildah != docker


def test_keynets_own_store_goes_as_a_whole(machine: Machine) -> None:
    engine = _engine(machine, "podman")
    own = replace(engine.invocation, root="/own", runroot="/run/own", driver="overlay")
    program = machine.install("podman", Answer("*", LISTED))
    assert replace(engine, invocation=own).kept() == []
    assert program.verbs == []


@pytest.mark.slow
def test_images_that_cannot_be_listed_or_removed_are_told(machine: Machine) -> None:
    for builder in _builders(machine):
        machine.install(
            builder.engine.name, Answer("*", stderr="Error: in use by a container\n", status=2)
        )
        with pytest.raises(
            EngineError, match=f"^{builder.engine.name} could not list its images: in use"
        ):
            builder.kept()
        with pytest.raises(EngineError, match="remove its images: in use"):
            builder.drop(["localhost/keynet/p:latest"])
