"""The trial's program, names, limits, what info says, reasons, endpoints, the cache."""

import hashlib
import json
import os
import platform
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import KeynetError
from keynet.plan import BuildPlan, GeneratedContainerfile, UserContainerfile
from keynet.runtime.build import image_names, layer_cache, own_store
from keynet.runtime.engine import Built, Invocation, Unusable, WorkingEngine
from keynet.runtime.engines.dialect import read_info
from keynet.runtime.engines.docker_args import read_info as read_docker_info
from keynet.runtime.probing import cache_key, endpoints, reasons, ulimits
from keynet.runtime.probing.cache import Cache
from keynet.runtime.probing.trial_program import ARCHITECTURES, exit_program
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

RECORDED = Path(__file__).parents[2] / "fakes" / "engine_output"
WAY = Invocation("/usr/bin/buildah", isolation="chroot", ulimits=("nofile=1:1",))
USABLE = WorkingEngine(
    "buildah", "1.28.2", True, "buildah 1.28.2 (rootless)", True, WAY, facts={"graph_root": "/g"}
)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_program_is_a_tiny_elf(architecture: str) -> None:
    content = exit_program(architecture)
    assert content[:5] == b"\x7fELF\x02"
    assert len(content) < 140


def test_program_ends_with_status_0(tmp_path: Path) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    program = tmp_path / "program"
    program.write_bytes(exit_program(machine))
    program.chmod(0o755)
    assert subprocess.run([program], check=False).returncode == 0


def _plan(context: Path) -> BuildPlan:
    return BuildPlan(context, (), GeneratedContainerfile("FROM a"))


def test_project_is_named_after_its_folder_and_place(tmp_path: Path) -> None:
    first = image_names.project_name(_plan(tmp_path / "My Project_학습"))
    assert first.startswith("localhost/keynet/my-project-")
    assert first == image_names.project_name(_plan(tmp_path / "My Project_학습"))
    assert first != image_names.project_name(_plan(tmp_path / "x" / "My Project_학습"))
    assert image_names.project_name(_plan(tmp_path / "학습")).startswith(
        "localhost/keynet/project-"
    )
    other = replace(_plan(tmp_path), recipe=UserContainerfile(tmp_path / "Dockerfile", ""))
    assert image_names.project_name(other) != image_names.project_name(_plan(tmp_path))


def test_builds_of_a_project_have_names_of_their_own() -> None:
    assert image_names.build_name("p") != image_names.build_name("p")
    assert image_names.stage_name("p", 2) == "p:stage-2"


def test_limits_are_this_processs_own() -> None:
    files, processes = ulimits.lower_limits()
    assert files.startswith("nofile=")
    assert processes.startswith("nproc=")


@pytest.mark.parametrize("generation", ["debian-12", "debian-13"])
@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_info_is_read(engine: str, generation: str) -> None:
    facts = read_info((RECORDED / f"info-{generation}-{engine}.json").read_text())
    assert facts.storage_driver == "overlay"
    assert facts.graph_root.startswith("/")
    assert facts.architecture == "amd64"
    assert facts.runtime == "crun"
    assert not facts.rootless
    assert not facts.remote


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"host": []}', "null"])
def test_strange_info_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_info(text)


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


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("graph driver mismatch", "STORAGE_DRIVER"),
        ("'overlay' is not supported over extfs", "fuse-overlayfs"),
        ('exec: "newuidmap": executable file not found in $PATH', "uidmap"),
        ("no subuid ranges found for user", "--add-subuids"),
        ("cannot clone: Operation not permitted", "user namespaces"),
        ("Cannot connect to Podman. Please verify", "podman system service"),
        ("write /x: no space left on device", "Make room"),
        ("something else", "by hand"),
    ],
)
def test_refusals_have_a_fix(said: str, fix: str) -> None:
    found = reasons.explain("podman", said)
    assert found.reason == said
    assert fix in found.fix


def test_last_words_leave_warnings_out() -> None:
    output = (
        'time="x" level=warning msg="cgroups v1"\nSTEP 1/2: FROM x\nerror running container: why\n'
    )
    assert reasons.last_words(output) == "error running container: why"
    assert reasons.last_words("") == ""


def test_a_socket_that_answers_is_no_refusal(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        refused = endpoints.refusal(f"unix://{path}")
        assert refused is not None
        assert "Connection refused" in refused.reason
        assert refused.endpoint == f"unix://{path}"
        server.listen()
        assert endpoints.refusal(f"unix://{path}") is None


def test_tcp_ports() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        refused = endpoints.refusal(address, "podman")
        assert refused is not None
        assert "podman system service" in refused.fix
        server.listen()
        assert endpoints.refusal(address) is None


@pytest.mark.parametrize("endpoint", ["", "ssh://host", "npipe:////./pipe/docker"])
def test_addresses_that_need_a_program_are_not_tried(endpoint: str) -> None:
    assert endpoints.refusal(endpoint) is None


def test_an_address_that_is_none() -> None:
    refused = endpoints.refusal("tcp://host:99999999")
    assert refused is not None
    assert "no address" in refused.reason


def test_cache_gives_back_what_was_put(machine: Machine) -> None:
    machine.install("buildah")
    cache = Cache()
    assert cache.get("buildah") is None
    cache.put("buildah", USABLE)
    assert Cache().get("buildah") == USABLE
    cache.put("podman", Unusable("podman", "r", "f", "unix:///s"))
    assert Cache().get("podman") == Unusable("podman", "r", "f", "unix:///s")
    assert Cache().get("buildah") == USABLE


def _entry(machine: Machine) -> Path:
    [path] = (machine.home / ".cache/keynet/engines").iterdir()
    return path


def test_cache_forgets_when_the_program_or_its_settings_change(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = machine.install("buildah").install()
    Cache().put("buildah", USABLE)
    os.utime(program, (1, 1))
    assert Cache().get("buildah") is None
    Cache().put("buildah", USABLE)
    monkeypatch.setenv("STORAGE_DRIVER", "vfs")
    assert Cache().get("buildah") is None
    monkeypatch.delenv("STORAGE_DRIVER")
    assert Cache().get("buildah") == USABLE


def test_settings_used_in_turn_are_all_remembered(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = Unusable("docker", "r", "f")
    for host, found in (("unix:///a", USABLE), ("unix:///b", refused)):
        monkeypatch.setenv("DOCKER_HOST", host)
        Cache().put("docker", found)
    assert Cache().get("docker") == refused
    monkeypatch.setenv("DOCKER_HOST", "unix:///a")
    assert Cache().get("docker") == USABLE
    for number in range(20):
        monkeypatch.setenv("DOCKER_HOST", f"unix:///{number}")
        Cache().put("docker", USABLE)
    assert len(list((machine.home / ".cache/keynet/engines").iterdir())) == 8


def test_a_login_of_dockers_costs_no_new_trial_but_another_context_does(
    machine: Machine,
) -> None:
    config = machine.home / ".docker/config.json"
    config.parent.mkdir()
    config.write_text("{}")
    Cache().put("docker", USABLE)
    config.write_text('{"auths": {"registry.example.com": {"auth": "x"}}}')
    assert Cache().get("docker") == USABLE
    config.write_text('{"currentContext": "elsewhere"}')
    assert Cache().get("docker") is None
    Cache().put("docker", USABLE)
    place = hashlib.sha256(b"elsewhere").hexdigest()
    meta = config.parent / "contexts/meta" / place / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text("another address")
    assert Cache().get("docker") is None


def test_a_setting_in_a_file_that_a_variable_names_counts(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = machine.home / "storage.conf"
    conf.write_text('driver = "overlay"')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(conf))
    Cache().put("podman", USABLE)
    assert Cache().get("podman") == USABLE
    conf.write_text('driver = "vfs"')
    assert Cache().get("podman") is None


def test_a_changed_builder_of_buildx_costs_a_new_trial(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "far")
    instance = machine.home / ".docker/buildx/instances/far"
    instance.parent.mkdir(parents=True)
    instance.write_text("{}")
    Cache().put("docker", USABLE)
    instance.write_text('{"Driver": "remote"}')
    assert Cache().get("docker") is None


def test_only_the_users_own_subordinate_ids_count(tmp_path: Path) -> None:
    file = tmp_path / "subuid"
    assert cache_key.own_lines(file, {"me"}) == []
    file.write_text("me:1:2\nother:3:4\n")
    assert cache_key.own_lines(file, {"me", "1000"}) == ["me:1:2"]


def test_a_refusal_ages(machine: Machine) -> None:
    Cache().put("podman", Unusable("podman", "r", "f"))
    path = _entry(machine)
    entry = json.loads(path.read_text())
    entry["at"] -= 10_000
    path.write_text(json.dumps(entry))
    assert Cache().get("podman") is None


@pytest.mark.parametrize(
    "content", ["", "[]", "1", '{"usable": {}}', '{"usable": {"name": "buildah"}}', "\x00"]
)
def test_a_broken_cache_is_no_cache(machine: Machine, content: str) -> None:
    Cache().put("buildah", USABLE)
    _entry(machine).write_text(content)
    assert Cache().get("buildah") is None
    Cache().put("buildah", USABLE)
    assert Cache().get("buildah") == USABLE


def test_a_cache_that_cannot_be_written_is_no_failure(machine: Machine) -> None:
    (machine.home / "engines").write_text("a file")
    cache = Cache(machine.home / "engines")
    cache.put("buildah", USABLE)
    assert cache.get("buildah") is None


def test_a_failed_builds_stages_are_named_and_what_they_replaced_goes(machine: Machine) -> None:
    engine = (str(machine.programs / "buildah"), "--root", "a b")
    program = machine.install("buildah", Answer("*", status=125))
    layer_cache.keep(engine, "p", [])
    assert program.verbs == []
    layer_cache.keep(engine, "p", ["aaaa", "bbbb"])
    first, _name, second, _other, last = program.calls
    one, two = first.arguments[-1], second.arguments[-1]
    assert first.arguments == ["--root", "a b", "tag", "p:stage-1", one]
    assert program.calls[3].arguments[2:] == ["tag", "bbbb", "p:stage-2"]
    assert last.arguments[2:] == ["rmi", one, two]
    assert one.startswith("p:build-")


def test_the_engine_removes_beside_the_block_and_is_waited_for(machine: Machine) -> None:
    gate, done = machine.home / "gate", machine.home / "done"
    os.mkfifo(gate)
    wait = f"read x < {gate}; echo > {done}"
    machine.install("buildah", Answer("rmi *", also=wait), Answer("*"))
    built = Built("buildah", "cccc3333", "p:build-1", "p")

    def attach() -> None:
        with layer_cache.removing((str(machine.programs / "buildah"),), built):
            # Were the removal waited for before the block, nobody would let it through.
            gate.write_text("go\n")
            raise KeynetError("no metadata")

    with pytest.raises(KeynetError, match="no metadata"):
        attach()
    assert done.exists()


def test_own_store_is_found_measured_and_removed(machine: Machine) -> None:
    assert own_store.own_store() is None
    way = own_store.own_way(WAY)
    assert way.driver == "overlay"
    assert way.root == str(machine.home / ".local/share/keynet/storage/root")
    Path(way.root, "layer").write_bytes(b"x" * 10_000)
    found = own_store.own_store()
    assert found is not None
    assert found.path == machine.home / ".local/share/keynet/storage"
    assert found.size >= 10_000
    own_store.remove()
    assert own_store.own_store() is None
    own_store.remove()


def test_a_reason_is_found_behind_what_follows_from_it() -> None:
    said = (
        "Error during setresgid(0): Invalid argument\n"
        'time="2026-11-21T22:24:42Z" level=error msg="finding newgidmap: exec: not found"\n'
    )
    found = reasons.explain("buildah", said)
    assert "newgidmap" in found.reason
    assert "apt-get install uidmap" in found.fix
    assert reasons.explain("buildah", "Error: odd\nError: odder\n").reason == "odd"
    assert reasons.explain("buildah", "").reason == ""


@pytest.mark.parametrize(
    ("output", "lost"),
    [
        (
            "STEP 1/2: FROM scratch\nError: checking if cached image exists from a previous build: "
            "getting top layer info: layer not known\n",
            True,
        ),
        (
            "COMMIT x\nError: committing container for step {Env:[]}: copying layers and metadata "
            'for container "0f": committing the finished image: creating image "1e": '
            "layer not known",
            True,
        ),
        ("Error: layer not known\nError: building at STEP RUN x: exit status 1\n", False),
        ("Error: initializing source docker://x: manifest unknown\n", False),
        ("", False),
    ],
)
def test_a_layer_that_another_process_took_away(output: str, lost: bool) -> None:
    assert reasons.lost_layer(output) is lost


def test_a_long_reason_keeps_its_end_where_engines_say_why() -> None:
    said = reasons.last_words("Error: " + "committing: " * 90 + "layer not known")
    assert said.startswith("committing: ")
    assert said.endswith("committing: layer not known")
    assert len(said) <= 300


def test_a_containerfile_from_a_pipe_leaves_the_project_its_name(tmp_path: Path) -> None:
    found = set()
    for _turn in range(2):
        read, write = os.pipe()
        # The same descriptor, and another pipe behind it, as a shell's ``<(...)``.
        os.dup2(read, 97)
        recipe = UserContainerfile(Path("/dev/fd/97"), "FROM scratch\n")
        found.add(image_names.project_name(replace(_plan(tmp_path), recipe=recipe)))
        for descriptor in (read, write, 97):
            os.close(descriptor)
    assert len(found) == 1
