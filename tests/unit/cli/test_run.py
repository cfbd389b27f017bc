"""``run`` as its users run it, with a docker that answers as a real one does."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keynet.runtime.engine import WorkingEngine
from keynet.runtime.engines.docker import docker_host
from keynet.runtime.engines.docker.docker_args import LEGACY, Invocation
from keynet.runtime.probing import cache_key
from keynet.runtime.probing.cache import Cache, ProbedEngine
from tests.fakes.engine import Answer, EngineProgram
from tests.unit.cli.conftest import keynet
from tests.unit.conftest import Machine

RECORDED = Path(__file__).parents[2] / "fakes" / "engine_output"
INFO = (RECORDED / "info-debian-12-docker.json").read_text()
IMAGE = "python:3.11-slim"
CONFIG = {"Cmd": ["python3"], "Env": ["PATH=/usr/bin"]}
NETWORK = [{"Name": "keynet-network", "Id": "abc", "Created": "2026-11-28T10:00:00Z"}]
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n"
HANGS = "exec /bin/sleep 600"

Capture = pytest.CaptureFixture[str]


@dataclass(slots=True)
class Docker:
    """A docker on PATH; ``install`` puts answers before its own.

    What is on PATH stays as it is, so that the engine counts as tried.
    """

    machine: Machine
    endpoint: str
    program: EngineProgram = field(init=False)

    def install(self, *answers: Answer) -> None:
        folder = self.machine.home / "docker"
        self.program = EngineProgram(
            folder,
            "docker",
            [*answers, *self._answers()],
        )
        self.program.install()
        stub = self.machine.programs / "docker"
        if not stub.exists():
            stub.write_text(f'#!/bin/sh\nexec {folder}/docker "$@"\n')
            stub.chmod(0o755)

    def _answers(self) -> list[Answer]:
        return [
            Answer("--version", "Docker version 20.10.24, build x\n"),
            Answer("context inspect *", f"{self.endpoint}\n"),
            Answer("info *", INFO),
            Answer("build *"),
            Answer("rmi *"),
            Answer("image inspect *", json.dumps(CONFIG)),
            Answer("network inspect *", json.dumps(NETWORK)),
            Answer("network ls *", "abc\n"),
            Answer("run *", "epoch 0\n"),
            Answer("container inspect *", state(0)),
            Answer("rm *"),
        ]

    @property
    def run(self) -> list[str]:
        """The arguments of the one ``docker run``."""
        [arguments] = [each.arguments for each in self.program.calls if each.arguments[0] == "run"]
        return arguments

    @property
    def command(self) -> list[str]:
        """The image and what follows it."""
        return self.run[self.run.index("--") + 1 :]

    @property
    def verbs(self) -> list[str]:
        return [each.arguments[0] for each in self.program.calls]


def state(status: int, **more: object) -> str:
    found = {"StartedAt": "2026-11-28T10:00:00Z", "Running": False, "OOMKilled": False}
    return json.dumps({**found, "ExitCode": status, **more})


@pytest.fixture
def docker(machine: Machine, short_runtime: Path) -> Iterator[Docker]:
    """Return a docker that works, and whose last trial is remembered."""
    path = short_runtime / "docker.sock"
    with socket.socket(socket.AF_UNIX) as daemon:
        daemon.bind(str(path))
        daemon.listen()
        made = Docker(machine, f"unix://{path}")
        made.install()
        _remember(made.endpoint, str(machine.programs / "docker"))
        yield made


def _remember(endpoint: str, binary: str) -> None:
    """Remember a trial of docker, as the first command that uses it does."""
    how = "docker 20.10.24 (legacy builder)"
    engine = WorkingEngine("docker", "20.10.24", how, endpoint=endpoint)
    found = ProbedEngine(engine, dataclasses.asdict(Invocation(binary=binary, mode=LEGACY)))
    Cache().put("docker", cache_key.of("docker", docker_host.settings()), found)


# What is run


@pytest.mark.slow
def test_the_output_of_the_program_is_keynets(docker: Docker, capfd: Capture) -> None:
    assert keynet("run", IMAGE) == 0
    shown = capfd.readouterr()
    assert shown.out == "epoch 0\n"
    assert shown.err == (
        f"Running                     {IMAGE}, 1 CPU (--cpus), 512m memory (--memory), "
        "read-only but /tmp, /workspace, network keynet-network (--network)\n"
    )
    assert docker.command == [IMAGE]
    assert docker.verbs[-1] == "rm"


@pytest.mark.medium
def test_output_that_cannot_be_written_is_a_warning(docker: Docker) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "keynet", "run", "--quiet", IMAGE],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    expected = "Warning: Not all of the program's output could be written: No space left on device."
    assert (done.returncode, done.stderr.strip()) == (0, expected)


@pytest.mark.medium
def test_quiet_shows_the_programs_output_alone(docker: Docker, capfd: Capture) -> None:
    assert keynet("run", "--quiet", IMAGE) == 0
    assert capfd.readouterr() == ("epoch 0\n", "")
    assert docker.command == [IMAGE]


@pytest.mark.medium
def test_verbose_shows_the_commands_of_the_engine(docker: Docker, capfd: Capture) -> None:
    assert keynet("run", "--verbose", IMAGE) == 0
    shown = capfd.readouterr().err
    for verb in ("image inspect", "run --name", "rm --force"):
        assert f"docker {verb}" in shown
    assert "run" in docker.verbs


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], []),
        (["--", "python", "-m", "pytest"], ["python", "-m", "pytest"]),
        # Options without a program go to the image's own.
        (["--", "--epochs", "2"], ["python3", "--epochs", "2"]),
        (["python", "train.py"], ["python", "train.py"]),
    ],
)
def test_arguments_follow_the_image(
    docker: Docker, arguments: list[str], command: list[str]
) -> None:
    assert keynet("run", IMAGE, *arguments) == 0
    assert docker.command == [IMAGE, *command]


DEFAULTS = [
    ["--pull", "never", "--network", "keynet-network", "--cpus", "1", "--memory", "536870912b"],
    ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
    ["--volume=/tmp", "--volume=/workspace"],
    # Python writes at once where nobody has said otherwise.
    ["--env", "PYTHONUNBUFFERED"],
]
CHANGED = [
    ["--pull", "never", "--network", "none", "--cpus", "1.5", "--memory", "67108864b"],
    ["--mount", "type=bind,source=/srv,target=/data,readonly"],
    ["--mount", "type=bind,source=/opt,target=/workspace", "--env"],
    ["--env", "SEED"],
    ["--gpus", '"device=0,1"', "--", IMAGE],
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], DEFAULTS),
        (
            [
                *("--network", "none", "--cpus", "1.5", "-m", "64 MiB", "--gpus", "0,1"),
                *("--mount", "/srv:/data:ro", "-e", "SEED=1"),
                *("--mount", "type=bind,source=/opt,target=/workspace"),
            ],
            CHANGED,
        ),
    ],
)
def test_options_become_those_of_the_engine(
    docker: Docker, flags: list[str], expected: list[list[str]]
) -> None:
    assert keynet("run", *flags, IMAGE) == 0
    given = "\n".join(docker.run)
    for each in expected:
        assert "\n".join(each) in given


@pytest.mark.medium
def test_values_of_variables_are_in_no_command_line(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setenv("HF_TOKEN", "of this shell")
    assert keynet("run", "-v", "-e", "HF_TOKEN", "-e", "SEED=a b", "-e", "UNSET", IMAGE) == 0
    [call] = [each for each in docker.program.calls if each.arguments[0] == "run"]
    assert (call.environment["HF_TOKEN"], call.environment["SEED"]) == ("of this shell", "a b")
    assert "UNSET" not in call.arguments
    assert "of this shell" not in " ".join(call.arguments) + capfd.readouterr().err


@pytest.mark.medium
def test_writable_and_privileged_are_asked_for(docker: Docker, capfd: Capture) -> None:
    assert keynet("run", "--writable", "--privileged", IMAGE) == 0
    assert "--read-only" not in docker.run
    assert "--cap-drop" not in docker.run
    shown = capfd.readouterr().err
    assert "Warning: Privileged: the container can do on its host whatever root can" in shown
    assert "read-only" not in shown


@pytest.mark.medium
@pytest.mark.parametrize("arguments", [[], ["--", "program"]])
def test_an_image_without_a_command_needs_a_program(
    docker: Docker, capfd: Capture, arguments: list[str]
) -> None:
    docker.install(Answer("image inspect *", json.dumps({"Cmd": None, "Env": ["PATH=/bin"]})))
    status = keynet("run", IMAGE, *arguments)
    shown = capfd.readouterr().err
    if arguments:
        assert (status, docker.command) == (0, [IMAGE, "program"])
        return
    assert status == 125
    assert "has no command of its own" in shown
    assert "keynet run IMAGE -- PROGRAM" in shown
    assert "run" not in docker.verbs


@pytest.mark.medium
def test_the_folders_of_an_image_with_a_user_come_from_another_container(docker: Docker) -> None:
    inspected = Answer("image inspect *", json.dumps({**CONFIG, "User": "1000"}))
    docker.install(inspected, Answer("create *"), Answer("cp *"))
    assert keynet("run", IMAGE) == 0
    [volumes] = [each for each in docker.run if each.startswith("--volume")]
    assert volumes.startswith("--volumes-from=workspace_")
    assert docker.verbs[-5:] == ["create", "cp", "run", "rm", "rm"]


def test_a_run_that_does_not_begin_leaves_no_output_folder(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "wrong.py").write_text("def (:\n")
    for folder in (tmp_path / "a/results", kept):
        assert keynet("run", "--output", str(folder), str(tmp_path / "wrong.py")) == 3
    assert kept.is_dir()
    assert not (tmp_path / "a").exists()


@pytest.mark.medium
@pytest.mark.parametrize("folder", ["{here}/a/results", "results", "a:b", "-"])
def test_output_is_copied_from_where_it_was_written(
    docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    docker.install(Answer("cp *"))
    monkeypatch.chdir(tmp_path)
    folder = folder.format(here=tmp_path)
    results = tmp_path / folder
    assert keynet("run", "--output", f"{folder}:/workspace/out", IMAGE) == 0
    assert results.is_dir()
    [copied] = [each.arguments for each in docker.program.calls if each.arguments[0] == "cp"]
    assert copied[1].endswith(":/workspace/out/.")
    assert copied[2] == str(results)
    assert "--volume=/workspace/out" in docker.run


@pytest.mark.medium
def test_settings_come_from_variables_and_flags_win(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYNET_RUNTIME_CPUS", "3")
    monkeypatch.setenv("KEYNET_RUNTIME_MEMORY", "1g")
    assert keynet("run", "--cpus", "2", IMAGE) == 0
    assert docker.run[docker.run.index("--cpus") + 1] == "2"
    assert docker.run[docker.run.index("--memory") + 1] == f"{1024**3}b"


@pytest.mark.medium
def test_limits_that_the_host_does_not_know_are_named(docker: Docker, capfd: Capture) -> None:
    docker.install(Answer("info *", json.dumps({**json.loads(INFO), "CpuCfsQuota": False})))
    assert keynet("run", IMAGE) == 0
    assert "docker cannot enforce these limits here" in capfd.readouterr().err
    assert "--cpus" not in docker.run


@pytest.mark.slow
def test_a_missing_network_is_made(docker: Docker) -> None:
    made = docker.machine.home / "made"
    docker.install(
        Answer("network create *", "abc\n", also=f": > {made}"),
        Answer("network ls *", also=f"[ ! -e {made} ] || echo abc"),
        Answer("network inspect *", json.dumps(NETWORK), also=f"[ -e {made} ] || exit"),
    )
    assert keynet("run", IMAGE) == 0
    assert made.exists()


@pytest.mark.medium
def test_a_missing_image_is_pulled(docker: Docker, capfd: Capture) -> None:
    pulled = docker.machine.home / "pulled"
    docker.install(
        Answer("pull *", "Pulling\n", also=f": > {pulled}"),
        Answer("image inspect *", json.dumps(CONFIG), also=f"[ -e {pulled} ] || exit 1"),
    )
    assert keynet("run", IMAGE) == 0
    assert f"Pulling image               {IMAGE}" in capfd.readouterr().err
    assert docker.command == [IMAGE]


@pytest.mark.slow
def test_what_only_a_push_needs_is_not_loaded(docker: Docker) -> None:
    heavy = ["pydantic", "httpx", "rich", "oras", "packaging", "tarfile", "keynet.plan"]
    program = (
        "import sys; from keynet.cli.main import run; "
        f"status = run(['run', '-q', {IMAGE!r}]); "
        f"print('LOADED', *(each for each in {heavy} if each in sys.modules)); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(done.stdout.split("\n")) == ["", "LOADED", "epoch 0"]
    assert docker.verbs[-1] == "rm"


# What is refused before anything is asked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing argument 'IMAGE_OR_SCRIPT'"),
        (["--cpus", "-1", IMAGE], "--cpus: '-1' is not a number of CPUs"),
        (["--cpus", "nan", IMAGE], "is not a number of CPUs"),
        (["--memory", "12XB", IMAGE], "--memory: '12XB' is not a size of memory"),
        (["--memory", "1m", IMAGE], "less memory than a container can start with"),
        (["--network", "a b", IMAGE], "--network"),
        (["--gpus", "", IMAGE], "--gpus '' is not valid"),
        (["--env", "=1", IMAGE], "--env '' has no valid name"),
        (["--env", "AWS_*=1", IMAGE], "--env 'AWS_*' has no valid name"),
        (["--mount", "data", IMAGE], "--mount 'data' is not valid"),
        (["--output", ":/x", IMAGE], "--output ':/x' is not valid"),
        (["--output", "/dev/null/x", IMAGE], "--output /dev/null/x cannot be used"),
        (["--builder", "containerd", IMAGE], "'containerd' is not one of"),
        (["--requirements", "r.txt", IMAGE], "--requirements is for scripts only"),
        (["--no-cache", IMAGE], "--no-cache is for scripts only"),
        (["--build-arg", "A=1", IMAGE], "--build-arg is for scripts only"),
        (["--quiet", "--verbose", IMAGE], "--quiet"),
        (["--epochs", "2", IMAGE], "No such option"),
    ],
)
def test_what_cannot_be_is_a_usage_error(
    docker: Docker, capfd: Capture, arguments: list[str], said: str
) -> None:
    assert keynet("run", *arguments) == 2
    assert said in capfd.readouterr().err
    assert docker.verbs == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEYNET_RUNTIME_CPUS", "many"),
        ("KEYNET_RUNTIME_MEMORY", "-1"),
        ("KEYNET_RUNTIME_PRIVILEGED", "perhaps"),
        ("KEYNET_RUNTIME_SPEED", "1"),
    ],
)
def test_a_wrong_variable_is_named(
    docker: Docker, capfd: Capture, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert keynet("run", IMAGE) == 2
    assert name in capfd.readouterr().err
    assert docker.verbs == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "status"), [("UPPER/Case:1", 7), ("a b", 7), ("", 7)])
def test_what_is_no_name_of_an_image_is_refused(
    docker: Docker, capfd: Capture, name: str, status: int
) -> None:
    docker.install(Answer("image inspect *", status=1))
    assert keynet("run", name) == status
    assert "is not a valid image reference" in capfd.readouterr().err
    assert "run" not in docker.verbs


@pytest.mark.usefixtures("docker")
def test_a_script_that_is_not_there_is_no_image(
    capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert keynet("run", "train.py") == 3
    assert "train.py" in capfd.readouterr().err


# How it ends


@pytest.mark.slow
@pytest.mark.parametrize("status", [3, 255])
def test_the_status_is_that_of_the_program(docker: Docker, status: int) -> None:
    docker.install(Answer("run *", status=status), Answer("container inspect *", state(status)))
    assert keynet("run", IMAGE) == status
    assert docker.verbs[-1] == "rm"


@pytest.mark.slow
def test_a_killed_program_names_the_flag(docker: Docker, capfd: Capture) -> None:
    for found in (state(137, OOMKilled=True), state(137)):
        docker.install(Answer("run *", status=137), Answer("container inspect *", found))
        assert keynet("run", "-q", "-m", "64m", IMAGE) == 137
        assert "--memory 128m" in capfd.readouterr().err


@pytest.mark.medium
@pytest.mark.parametrize("status", [125, 127])
def test_a_program_that_does_not_start_has_the_engines_words(
    docker: Docker, capfd: Capture, status: int
) -> None:
    created = state(status, StartedAt="0001-01-01T00:00:00Z")
    docker.install(
        Answer("run *", stderr="docker: Error: could not select device driver\n", status=status),
        Answer("container inspect *", created),
    )
    assert keynet("run", "-q", "--gpus", "all", IMAGE) == status
    shown = capfd.readouterr().err
    assert "could not select device driver" in shown
    assert "nvidia-container-toolkit" in shown


@pytest.mark.medium
def test_an_image_that_is_nowhere_is_125_with_the_reason(docker: Docker, capfd: Capture) -> None:
    docker.install(
        Answer("image inspect *", status=1),
        Answer("pull *", stderr="Error: manifest unknown\n", status=1),
    )
    assert keynet("run", IMAGE) == 125
    shown = capfd.readouterr().err
    assert "could not pull it: Error: manifest unknown" in shown
    assert "Check the name and the tag" in shown
    assert keynet("run", "localhost/keynet/x") == 125
    assert "keynet build SCRIPT" in capfd.readouterr().err
    for id_ in ("0f" * 32, f"sha256:{'0f' * 32}"):
        assert keynet("run", id_) == 125
        shown = capfd.readouterr().err
        assert f"docker has no image with the id {id_}." in shown
        assert "keynet run SCRIPT --builder direct" in shown
    assert docker.verbs.count("pull") == 1


@pytest.mark.slow
def test_a_container_that_stays_is_named_and_the_status_counts(
    docker: Docker, capfd: Capture
) -> None:
    docker.install(
        Answer("run *", status=3),
        Answer("container inspect *", state(3)),
        Answer("rm *", stderr="Error: device busy\n", status=1),
    )
    assert keynet("run", IMAGE) == 3
    shown = capfd.readouterr().err
    assert "device busy" in shown
    assert "keynet clean" in shown


# Engines that do not answer


@pytest.mark.usefixtures("machine")
def test_no_engine_at_all_is_125_with_each_reason(capfd: Capture) -> None:
    assert keynet("run", IMAGE) == 125
    shown = capfd.readouterr().err
    for name in ("docker", "podman", "buildah"):
        assert f"{name} is not installed" in shown
    assert "keynet doctor" in shown


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--builder", "docker"]])
def test_a_daemon_that_was_stopped_is_named_with_what_starts_it(
    docker: Docker, capfd: Capture, flags: list[str]
) -> None:
    Path(docker.endpoint.removeprefix("unix://")).unlink()
    assert keynet("run", *flags, IMAGE) == 125
    shown = capfd.readouterr().err
    assert "its daemon is not running" in shown
    assert "systemctl start docker" in shown
    assert "run" not in docker.verbs


@pytest.mark.medium
def test_a_daemon_that_stops_before_the_run_is_named(docker: Docker, capfd: Capture) -> None:
    docker.install(
        Answer("run *", stderr=NO_DAEMON, status=125),
        Answer("container inspect *", stderr=NO_DAEMON, status=1),
        Answer("rm *", stderr=NO_DAEMON, status=1),
    )
    assert keynet("run", IMAGE) == 125
    shown = capfd.readouterr().err
    assert "docker stopped answering during the run" in shown
    assert "keynet clean" in shown


@pytest.mark.slow
@pytest.mark.parametrize("flags", [[], ["--builder", "docker"]])
def test_an_engine_that_hangs_is_given_up_in_the_time_that_was_set(
    docker: Docker, capfd: Capture, monkeypatch: pytest.MonkeyPatch, flags: list[str]
) -> None:
    docker.install(Answer("*", also=HANGS))
    monkeypatch.setenv("KEYNET_RUNTIME_TIMEOUT", "1")
    began = time.monotonic()
    assert keynet("run", *flags, IMAGE) == 125
    assert time.monotonic() - began < 120
    shown = capfd.readouterr().err
    assert "docker did not answer within 1 s" in shown
    assert "systemctl restart docker" in shown
    # Questions at the same time, and none of them again.
    assert sorted(docker.verbs) == ["image", "info", "network"]


@pytest.mark.slow
def test_an_engine_that_hangs_during_the_run_ends_with_ctrl_c(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEYNET_RUNTIME_TIMEOUT", "1")
    started = docker.machine.home / "started"
    docker.install(
        Answer("run *", also=f": > {started}; {HANGS}"),
        Answer("container inspect *", also=HANGS),
        Answer("rm *", also=HANGS),
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "keynet", "run", "--builder", "docker", IMAGE],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        until = time.monotonic() + 120
        while not started.exists() and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _out, shown = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 125
    assert "docker stopped answering during the run" in shown
    assert "keynet clean" in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    "asked",
    [
        Answer("container inspect *", stderr="Error: No such container: x\n", status=1),
        Answer("container inspect *", json.dumps([{"State": {"Status": "created"}}])),
        Answer("container inspect *", also=HANGS),
    ],
    ids=["not made", "not started", "no answer"],
)
def test_a_container_that_is_not_started_for_long_is_noticed(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, asked: Answer
) -> None:
    monkeypatch.setenv("KEYNET_RUNTIME_TIMEOUT", "1")
    docker.install(Answer("run *", also=HANGS), asked)
    with subprocess.Popen(
        [sys.executable, "-m", "keynet", "run", "--builder", "docker", IMAGE],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    ) as process:
        assert process.stderr is not None
        said = "docker has not started the container within 1 s"
        assert any(said in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode in {125, 130}


@pytest.mark.slow
def test_a_program_that_runs_for_long_is_not(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, capfd: Capture
) -> None:
    monkeypatch.setenv("KEYNET_RUNTIME_TIMEOUT", "1")
    running = json.dumps([{"State": {"Status": "running"}}])
    docker.install(Answer("run *", also="/bin/sleep 3"), Answer("container inspect *", running))
    assert keynet("run", IMAGE) == 0
    assert "not started" not in capfd.readouterr().err
    assert docker.verbs.count("container") == 1
