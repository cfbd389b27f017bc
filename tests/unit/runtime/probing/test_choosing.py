"""Probing and choosing, with programs that answer as engines do."""

import contextlib
import hashlib
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.errors import EngineUnavailable, UsageError
from keynet.events import Event, Notice, ignore
from keynet.plan import BuildPlan, Instruction, UserContainerfile
from keynet.runtime.engine import AnyBuilder, Unusable, WorkingEngine
from keynet.runtime.engines.docker.docker import Docker
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.engines.podman_like.podman_like import PodmanLike
from keynet.runtime.probing import choosing
from tests.fakes.builder import ArchiveBuilder, Offered
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

RECORDED = Path(__file__).parents[3] / "fakes" / "engine_output"
BUILDAH_INFO = (RECORDED / "info-debian-12-buildah.json").read_text()
PODMAN_INFO = (RECORDED / "info-debian-12-podman.json").read_text()
DOCKER_INFO = (RECORDED / "info-debian-12-docker.json").read_text()
BUILDX_INFO = (RECORDED / "info-debian-13-docker.json").read_text()
CRUN_FAILS = (
    "error running container: cgroups in hybrid mode not supported\n"
    'Error: building at STEP "RUN /program": exit status 1\n'
)
VERSION = Answer("--version", "buildah version 1.28.2 (image-spec 1.1.0-rc2)\n")
INFO = Answer("info", BUILDAH_INFO)


def _buildah(machine: Machine, *builds: Answer) -> list[str]:
    program = machine.install("buildah", VERSION, INFO, *builds, Answer("rmi *"))
    with contextlib.suppress(EngineUnavailable):
        choosing.choose("buildah", engines(), emit=ignore)
    return program.verbs


def _chosen(name: str = "buildah", *, needs_run: bool = True) -> WorkingEngine:
    return _builder(name, needs_run=needs_run).engine


def _builder(name: str = "buildah", *, needs_run: bool = True) -> AnyBuilder:
    return choosing.choose(name, engines(), emit=ignore, needs_run=needs_run)


def _podman_like(name: str = "buildah") -> PodmanLike:
    builder = _builder(name)
    assert isinstance(builder, PodmanLike)
    return builder


def _docker_builder() -> Docker:
    builder = _builder("docker")
    assert isinstance(builder, Docker)
    return builder


@pytest.mark.medium
def test_isolations_are_tried_in_order_until_one_runs(machine: Machine) -> None:
    machine.install("runc")
    fails = Answer("build *--isolation oci*", stderr=CRUN_FAILS, status=1)
    verbs = _buildah(machine, fails, Answer("build *--isolation chroot*"))
    isolations = [verb.partition("--isolation ")[2].split()[0] for verb in verbs if "build" in verb]
    assert isolations == ["oci", "oci", "chroot"]
    assert any(f"--runtime {machine.programs}/runc" in verb for verb in verbs)
    found = _podman_like()
    assert found.engine.how == "buildah 1.28.2 (chroot)"
    assert found.engine.can_run
    assert found.invocation.network == "host"
    assert verbs[-1].startswith("rmi localhost/keynet/probe:")


@pytest.mark.medium
def test_second_choice_comes_from_the_cache(machine: Machine) -> None:
    program = machine.install("buildah", VERSION, INFO, Answer("build *"), Answer("rmi *"))
    first = _chosen()
    called = len(program.calls)
    assert _chosen() == first
    assert len(program.calls) == called


@pytest.mark.medium
def test_the_users_isolation_comes_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
    verbs = _buildah(machine, Answer("build *"))
    assert "--isolation chroot" in next(verb for verb in verbs if verb.startswith("build"))


@pytest.mark.slow
def test_limits_that_may_not_be_raised_are_given(machine: Machine) -> None:
    raised = "setting RLIMIT_NOFILE limit: operation not permitted: error\n"
    _buildah(machine, Answer("build *--ulimit*"), Answer("build *", stderr=raised, status=1))
    assert [limit.split("=")[0] for limit in _podman_like().invocation.ulimits] == [
        "nofile",
        "nproc",
    ]


@pytest.mark.slow
def test_limits_are_given_to_every_further_way(machine: Machine) -> None:
    machine.install("runc")
    raised = "setting RLIMIT_NOFILE limit: operation not permitted: error\n"
    verbs = _buildah(
        machine,
        Answer("build *--isolation chroot*--ulimit*"),
        Answer("build *--ulimit*", stderr=CRUN_FAILS, status=1),
        Answer("build *", stderr=raised, status=1),
    )
    builds = [verb for verb in verbs if verb.startswith("build")]
    assert ["--ulimit" in verb for verb in builds] == [False, True, True, True]
    assert _chosen().how == "buildah 1.28.2 (chroot)"


@pytest.mark.slow
def test_copy_alone_is_used_only_without_run(machine: Machine) -> None:
    # The trial without RUN is the one without an isolation.
    forbidden = Answer("build *--isolation*", stderr="fork/exec: permission denied\n", status=1)
    _buildah(machine, forbidden, Answer("build *"))
    with pytest.raises(EngineUnavailable, match="not run programs"):
        _chosen()
    found = _chosen(needs_run=False)
    assert not found.can_run
    assert "COPY only" in found.how
    builder = _builder(needs_run=False)
    running, copying = (
        BuildPlan(
            Path("/c"), (), UserContainerfile(Path("/d"), "", (Instruction(instruction, "b c", 2),))
        )
        for instruction in ("RUN", "COPY")
    )
    assert "permission denied" in builder.unsupported(running)[0]
    assert builder.unsupported(copying) == []


@pytest.mark.medium
def test_a_storage_that_does_not_work_is_told(machine: Machine) -> None:
    said = 'Error: overlay is not supported over extfs: storage driver "overlay"\n'
    machine.install("buildah", VERSION, Answer("info", stderr=said, status=125))
    with pytest.raises(EngineUnavailable, match="fuse-overlayfs"):
        _chosen()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answers", "word"),
    [
        ([Answer("--version", "what")], "--version failed"),
        ([VERSION, Answer("info", "no json")], "did not print valid JSON"),
        ([VERSION, INFO, Answer("*", stderr="Error: no space left", status=1)], "Free some space"),
        ([VERSION, INFO, Answer("*", status=7)], "exit status 7"),
    ],
)
def test_odd_programs_are_refused(machine: Machine, answers: list[Answer], word: str) -> None:
    machine.install("buildah", *answers)
    with pytest.raises(EngineUnavailable, match=word):
        _chosen()


ROOTLESS_VFS = BUILDAH_INFO.replace('"rootless": false', '"rootless": true').replace(
    '"GraphDriverName": "overlay"', '"GraphDriverName": "vfs"'
)
IDS = Answer("*unshare cat*", "0 1000 1\n1 100000 65536\n")


@pytest.fixture
def ordinary(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    uid = os.geteuid() or 1000
    store = machine.home / ".local/share/keynet/storage/root"
    own = Path(f"/tmp/keynet-{uid}")
    run = own / f"storage-{hashlib.sha256(os.fsencode(store)).hexdigest()[:8]}"
    for folder in (own, run):
        folder.mkdir(mode=0o700, exist_ok=True)
        os.chown(folder, uid, -1)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    yield
    shutil.rmtree(run, ignore_errors=True)


@pytest.mark.medium
@pytest.mark.usefixtures("ordinary")
def test_rootless_vfs_gives_way_to_an_own_overlay_store(machine: Machine) -> None:
    own = BUILDAH_INFO.replace('"rootless": false', '"rootless": true')
    machine.install(
        "buildah",
        VERSION,
        Answer("info", ROOTLESS_VFS),
        IDS,
        Answer("--root *info", own),
        Answer("--root *build *"),
        Answer("--root *rmi *"),
    )
    found = _podman_like()
    assert found.invocation.root == str(machine.home / ".local/share/keynet/storage/root")
    assert found.invocation.driver == "overlay"
    assert found.engine.how == "buildah 1.28.2 (rootless, own overlay store)"


@pytest.mark.slow
@pytest.mark.usefixtures("ordinary")
def test_a_kernel_that_refuses_overlay_leaves_the_users_store(machine: Machine) -> None:
    machine.install(
        "buildah",
        VERSION,
        Answer("info", ROOTLESS_VFS),
        IDS,
        Answer("--root *info", stderr="kernel does not support overlay", status=125),
        Answer("build *"),
        Answer("rmi *"),
        Answer("unshare rm *", also='shift 4; /bin/rm -rf "$@"'),
    )
    found = _podman_like()
    assert found.invocation.root == ""
    assert found.engine.storage_driver == "vfs"
    assert not (machine.home / ".local/share/keynet/storage").exists()


@pytest.mark.medium
def test_one_id_is_not_enough(machine: Machine) -> None:
    rootless = BUILDAH_INFO.replace('"rootless": false', '"rootless": true')
    machine.install("buildah", VERSION, Answer("info", rootless), Answer("*unshare*", "0 1000 1\n"))
    with pytest.raises(EngineUnavailable, match="/etc/subuid"):
        _chosen()


@pytest.mark.slow
def test_podman_takes_another_runtime_and_tells_its_service(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.install("runc")
    version = Answer("--version", "podman version 4.3.1\n")
    machine.install(
        "podman",
        version,
        Answer("info --format json", PODMAN_INFO),
        Answer("--runtime *build *"),
        Answer("--runtime *rmi *"),
        Answer("build *", stderr=CRUN_FAILS, status=1),
    )
    assert _chosen("podman").how == "podman 4.3.1 (runc)"
    remote = PODMAN_INFO.replace('"serviceIsRemote": false', '"serviceIsRemote": true')
    connections = '[{"Name": "a", "URI": "ssh://a/s", "Default": true}]'
    machine.install(
        "podman",
        version,
        Answer("info --format json", remote),
        Answer("build *"),
        Answer("rmi *"),
        Answer("system connection list *", connections),
    )
    found = choosing.probe_all(engines())[1]
    assert isinstance(found, WorkingEngine)
    assert found.endpoint == "ssh://a/s"
    assert "remote" in found.how
    assert _podman_like("podman").invocation.remote
    monkeypatch.setenv("CONTAINER_HOST", "ssh://b/s")
    found = choosing.probe_all(engines())[1]
    assert isinstance(found, WorkingEngine)
    assert found.endpoint == "ssh://b/s"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[str]:
    """A socket that takes connections, as dockerd's."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(50)
        yield f"unix://{path}"


def _docker(machine: Machine, endpoint: str, *answers: Answer, info: str = DOCKER_INFO) -> None:
    machine.install(
        "docker",
        Answer("--version", "Docker version 20.10.24, build x\n"),
        Answer("context inspect *", f"{endpoint}\n"),
        Answer("info *", info),
        Answer("network inspect bridge", status=0),
        *answers,
        Answer("rmi *"),
    )


@pytest.mark.slow
def test_docker_takes_buildkit_when_it_works(machine: Machine, daemon: str) -> None:
    _docker(machine, daemon, Answer("build *"))
    assert _chosen("docker").how == "docker 20.10.24+dfsg1 (BuildKit)"
    _docker(machine, daemon, Answer("build *"), info=BUILDX_INFO)
    assert _docker_builder().invocation.mode == "buildx"


@pytest.mark.medium
def test_docker_falls_back_to_the_legacy_builder(machine: Machine, daemon: str) -> None:
    missing = "ERROR: BuildKit is enabled but the buildx component is missing or broken.\n"
    _docker(
        machine, daemon, Answer("build *--force-rm*"), Answer("build *", stderr=missing, status=1)
    )
    found = _docker_builder()
    assert found.invocation.mode == "legacy"
    assert found.engine.endpoint == daemon
    assert not found.invocation.remote


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "mode"), [("0", "legacy"), ("1", "buildkit")])
def test_docker_respects_the_users_choice(
    machine: Machine, daemon: str, monkeypatch: pytest.MonkeyPatch, wanted: str, mode: str
) -> None:
    monkeypatch.setenv("DOCKER_BUILDKIT", wanted)
    _docker(machine, daemon, Answer("build *"))
    assert _docker_builder().invocation.mode == mode


@pytest.mark.medium
def test_docker_without_a_bridge_uses_the_hosts_network(machine: Machine, daemon: str) -> None:
    machine.install(
        "docker",
        Answer("--version", "Docker version 20.10.24\n"),
        Answer("context inspect *", f"{daemon}\n"),
        Answer("info *", DOCKER_INFO),
        Answer("network *", status=1),
        Answer("build *--network host*"),
        Answer("rmi *"),
    )
    assert _docker_builder().invocation.network == "host"


@pytest.mark.slow
def test_docker_that_only_copies(machine: Machine, daemon: str) -> None:
    no_run = 'for last; do :; done; /bin/grep -q RUN "$last/Containerfile" || exit 0'
    _docker(machine, daemon, Answer("build *", stderr="permission denied\n", status=1, also=no_run))
    with pytest.raises(EngineUnavailable, match=r"not run programs .*permission denied"):
        _chosen("docker")
    assert "COPY only" in _chosen("docker", needs_run=False).how


def test_docker_that_is_podmans_stand_in(machine: Machine) -> None:
    machine.install("docker", Answer("--version", "podman version 4.3.1\n"))
    with pytest.raises(EngineUnavailable, match="--builder podman"):
        _chosen("docker")


@pytest.mark.slow
def test_docker_without_its_daemon(machine: Machine, tmp_path: Path) -> None:
    _docker(machine, f"unix://{tmp_path}/none.sock")
    with pytest.raises(EngineUnavailable, match="not running"):
        _chosen("docker")
    _docker(machine, "ssh://host", info='{"ServerErrors": ["Cannot connect: dial"]}')
    with pytest.raises(EngineUnavailable, match=r"Cannot connect.*ssh://host"):
        _chosen("docker")
    _docker(machine, "ssh://host", info="")
    with pytest.raises(EngineUnavailable):
        _chosen("docker")


@pytest.mark.medium
def test_docker_with_a_broken_context(machine: Machine) -> None:
    machine.install(
        "docker",
        Answer("--version", "Docker version 20\n"),
        Answer("context *", stderr="Error: context not found\n", status=1),
    )
    with pytest.raises(EngineUnavailable, match="docker context ls"):
        _chosen("docker")


@pytest.mark.slow
def test_a_stopped_daemon_is_noticed_and_a_started_one_too(
    machine: Machine, tmp_path: Path
) -> None:
    path = tmp_path / "d.sock"
    _docker(machine, f"unix://{path}", Answer("build *"))
    machine.install("buildah", VERSION, INFO, Answer("build *"), Answer("rmi *"))
    assert _chosen("auto").name == "buildah"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(50)
        assert _chosen("auto").name == "docker"
        assert _chosen("auto").name == "docker"
    assert _chosen("auto").name == "buildah"


@pytest.mark.medium
def test_nothing_usable_names_all_with_reason_and_fix(machine: Machine) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        _chosen("auto")
    for engine in ("docker", "podman", "buildah"):
        assert f"  {engine}: {engine} is not installed" in caught.value.message
    assert caught.value.message.count("→") == 3


def test_an_unknown_engine_is_a_matter_of_usage(machine: Machine) -> None:
    with pytest.raises(UsageError, match="kaniko"):
        _chosen("kaniko")


def test_survey_gives_every_engine_in_order(machine: Machine) -> None:
    found = choosing.probe_all(engines())
    assert [each.name for each in found] == ["docker", "podman", "buildah"]
    assert all(isinstance(each, Unusable) for each in found)
    assert threading.active_count() == 1


def _offered(
    name: str, driver: str = "overlay", *, builder: type[ArchiveBuilder] = ArchiveBuilder
) -> Offered:
    made = builder(Path())
    made.engine = WorkingEngine(name, "1.0", name, storage_driver=driver)
    return Offered(lambda: made, name=name)


def test_a_slow_store_comes_after_fast_ones() -> None:
    slow, fast = _offered("slow", "vfs"), _offered("fast")
    assert choosing.choose("auto", [slow, fast], emit=ignore).engine.name == "fast"
    assert choosing.choose("slow", [slow, fast], emit=ignore).engine.name == "slow"
    other = _offered("slower", "vfs")
    assert choosing.choose("auto", [slow, other], emit=ignore).engine.name == "slow"


def test_auto_takes_an_engine_that_can_build_the_plan() -> None:
    candidates = [_offered("docker"), _offered("podman"), _offered("buildah", "vfs")]

    def lacking(builder: AnyBuilder) -> list[str]:
        return ["it cannot"] if builder.engine.name == "docker" else []

    seen: list[Event] = []
    found = choosing.choose("auto", candidates, emit=seen.append, lacking=lacking)
    assert found.engine.name == "podman"
    assert seen == [Notice("Skipping docker: it cannot", "note")]
    # The one that is named is taken, and the caller says what it lacks.
    assert choosing.choose("docker", candidates, emit=ignore, lacking=lacking) is not found
    none = choosing.choose("auto", candidates, emit=ignore, lacking=lambda _builder: ["no"])
    assert none.engine.name == "docker"
    # A slow one that can comes before a fast one that cannot.
    last = [candidates[0], candidates[2]]
    assert choosing.choose("auto", last, emit=ignore, lacking=lacking).engine.name == "buildah"
