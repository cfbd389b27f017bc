"""The same context pushed at every seat: engine, user, generation; TLS, private CA, robot."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.testbed.index import PACKAGE, VERSION, Index
from tests.testbed.platform import EMAIL, PASSWORD, Platform
from tests.testbed.program import Seat
from tests.testbed.pulled import Entry, PulledImage, pull
from tests.testbed.seats import Seating

OLDER = {
    "docker-legacy": "docker",
    "docker-buildkit": "docker",
    "podman": "podman",
    "buildah": "buildah",
    "rootless-podman": "podman",
    "rootless-buildah": "buildah",
}
NEWER = {
    "newer-docker": "docker",
    "newer-podman": "podman",
    "newer-buildah": "buildah",
    "newer-rootless-podman": "podman",
    "newer-rootless-buildah": "buildah",
}

SCRIPT = """\
import argparse
import pathlib
import tinydep

parser = argparse.ArgumentParser()
parser.add_argument("--learning-rate", type=float, default=0.01, help="step size")
parser.add_argument("--epochs", type=int, default=3)
options = parser.parse_args()
print("trained with", tinydep.__version__, options.learning_rate, options.epochs)
print("data says", pathlib.Path("data/한글 이름.txt").read_text().strip())
"""
IGNORE = "# notes\n*.log\n!keep.log\nignored\n**/__pycache__\n.git\n"
KEPT = {
    "train.py": SCRIPT,
    "requirements.txt": f"{PACKAGE}=={VERSION}\n",
    "data/한글 이름.txt": "읽었다\n",
    'data/it\'s "quoted" $HOME.txt': "quotes\n",
    "data/two\nlines.txt": "newline\n",
    "keep.log": "kept\n",
}
LEFT_OUT = {
    "drop.log": "x\n",
    "ignored/file.txt": "x\n",
    "__pycache__/train.pyc": "x\n",
    "data/__pycache__/x.pyc": "x\n",
    ".git/config": "x\n",
}


@dataclass(frozen=True, slots=True)
class Done:
    """One push and all that was seen of it."""

    seat: Seat
    context: Path
    platform: Platform
    result: dict[str, object]
    stderr: str
    command_lines: frozenset[str]

    @property
    def image(self) -> str:
        """The pushed image by its digest."""
        name, _, _tag = str(self.result["image"]).rpartition(":")
        return f"{name}@{self.result['digest']}"


def _marked(names: dict[str, str], *more: pytest.MarkDecorator) -> list[object]:
    marks = {name: [getattr(pytest.mark, engine), *more] for name, engine in names.items()}
    for name, own in marks.items():
        if "rootless" in name:
            own.append(pytest.mark.rootless)
    return [pytest.param(name, marks=own, id=name) for name, own in marks.items()]


@pytest.fixture(scope="module", params=[*_marked(OLDER), *_marked(NEWER, pytest.mark.newer)])
def done(
    request: pytest.FixtureRequest, seating: Seating, platform: Platform, index: Index
) -> Done:
    """Log in and push once at each seat."""
    seat = seating.seat(request.param)
    context = make_context(seat)
    with watched_command_lines() as lines:
        sign_in(seat, platform)
        pushed = push(seat, context, index)
    assert pushed.returncode == 0, pushed.stderr
    result = json.loads(pushed.stdout)
    return Done(seat, context, platform, result, pushed.stderr, frozenset(lines))


def make_context(seat: Seat) -> Path:
    context = seat.home / "context"
    for path, text in {**KEPT, **LEFT_OUT, ".dockerignore": IGNORE}.items():
        _write(seat, context / path, text)
    script = 'cd "$1" && mkdir empty && ln -s "data/keep me" link && chmod 755 train.py'
    assert seat.run(seat.command("sh", "-c", script, "sh", str(context))).returncode == 0
    return context


def sign_in(seat: Seat, platform: Platform) -> None:
    assert platform.registry.ca is not None
    ca = str(platform.registry.ca.cert)
    told = seat.keynet(
        *("login", platform.url, "--username", EMAIL, "--password-stdin", "--ca-cert", ca),
        stdin=PASSWORD,
    )
    assert told.returncode == 0, told.stderr


def push(seat: Seat, context: Path, index: Index) -> subprocess.CompletedProcess[str]:
    return seat.keynet(
        *("push", "train.py", "--builder", seat.builder, "--base-image", "python:3.11-slim"),
        "--json",
        cwd=context,
        env={"PIP_INDEX_URL": index.url},
    )


def _write(seat: Seat, path: Path, text: str) -> None:
    script = 'mkdir -p "$(dirname "$1")" && cat >"$1"'
    argv = seat.command("sh", "-c", script, "sh", str(path))
    assert seat.run(argv, stdin=text).returncode == 0


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """Collect the command line of every process of the machine while the block runs."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(FileNotFoundError, ProcessLookupError):
                    seen.add((process / "cmdline").read_text(errors="replace"))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def pulled(done: Done, tmp_path_factory: pytest.TempPathFactory) -> PulledImage:
    return pull(done.platform.registry, done.image, tmp_path_factory.mktemp("pulled"))


def test_workspace_holds_the_context_without_what_is_ignored(pulled: PulledImage) -> None:
    files = pulled.files("/workspace")
    entries = {path: entry for path, entry in files.items() if path.strip("/")}
    expected = {
        path: Entry("file", 0o755 if path == "train.py" else 0o644, text.encode())
        for path, text in {**KEPT, ".dockerignore": IGNORE}.items()
    }
    expected |= {folder: Entry("folder", 0o755, b"") for folder in ("data", "empty")}
    expected["link"] = Entry("link", 0, b"data/keep me")
    assert entries == expected


def test_image_belongs_to_root_and_runs_the_script(pulled: PulledImage) -> None:
    settings = pulled.config["config"]
    assert settings["Cmd"] == ["python", "train.py"]
    assert settings["WorkingDir"] == "/workspace"
    assert settings["Labels"]["keynet.managed"] == "true"


def test_result_tells_image_digest_and_hyperparameters(done: Done) -> None:
    result = done.result
    assert str(result["image"]).startswith(f"{done.platform.registry.host}/kitech-model/key")
    assert result["project_id"] == 12
    assert result["builder"]["name"] == done.seat.builder
    names = [argument["name"] for argument in result["hyperparameters"]]
    assert names == ["learning_rate", "epochs"]


def test_pulled_image_trains(done: Done) -> None:
    output = run_image(done)
    assert "trained with 1.0 0.01 3" in output
    assert "data says 읽었다" in output


def test_params_reads_the_hyperparameters_back(done: Done) -> None:
    told = done.seat.keynet("params", done.image, "--json")
    assert told.returncode == 0, told.stderr
    arguments = json.loads(told.stdout)["arguments"]
    assert [(a["name"], a["type"], a["default"]) for a in arguments] == [
        ("learning_rate", "float", 0.01),
        ("epochs", "int", 3),
    ]


def test_passwords_are_in_no_command_line_and_no_output(done: Done) -> None:
    secrets = (PASSWORD, done.platform.registry.password)
    assert any("keynet" in line for line in done.command_lines)
    for secret in secrets:
        assert not [line for line in done.command_lines if secret in line]
        assert secret not in done.stderr


def test_a_code_change_installs_nothing_again(done: Done, index: Index) -> None:
    changed = SCRIPT.replace("trained with", "trained again with")
    _write(done.seat, done.context / "train.py", changed)
    fetched = len(index.asked)
    again = push(done.seat, done.context, index)
    assert again.returncode == 0, again.stderr
    assert index.asked[fetched:] == []
    assert "Collecting" not in again.stderr
    assert json.loads(again.stdout)["digest"] != done.result["digest"]


def test_context_has_no_file_of_keynets_own(done: Done) -> None:
    listed = done.seat.engine("find", str(done.context), "-newer", str(done.context / "keep.log"))
    ours = {line for line in listed.splitlines() if "keynet" in line or "ontainerfile" in line}
    assert ours == set()


def run_image(done: Done) -> str:
    """Pull the image anew and run it by the seat's own engine, as this host lets it."""
    seat, registry = done.seat, done.platform.registry
    assert registry.ca is not None
    auth = seat.home / "pull-auth.json"
    login = ["login", "--username", registry.username, "--password-stdin"]
    if seat.builder == "docker":
        config = {"DOCKER_CONFIG": str(seat.home / "pull-config")}
        signed = seat.run(
            seat.command("docker", *login, registry.host), stdin=registry.password, env=config
        )
        assert signed.returncode == 0, signed.stderr
        seat.engine("docker", "pull", "--quiet", done.image, env=config)
        return seat.engine("docker", "run", "--rm", "--network", "host", done.image)
    trust = ["--authfile", str(auth), "--cert-dir", str(registry.ca.folder)]
    argv = seat.command(seat.builder, *login, *trust, registry.host)
    signed = seat.run(argv, stdin=registry.password)
    assert signed.returncode == 0, signed.stderr
    if seat.builder == "podman":
        seat.engine("podman", "pull", "--quiet", *trust, done.image)
        limits = ["--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000"]
        return seat.engine(
            *("podman", "--runtime", "runc", "run", "--rm", "--network", "none"),
            *limits,
            done.image,
        )
    trust.append("--ulimit=nofile=20000:20000")
    container = seat.engine("buildah", "from", "--quiet", *trust, done.image).split()[-1]
    chroot = ["--isolation", "chroot"]
    try:
        return seat.engine("buildah", "run", *chroot, container, "python", "train.py")
    finally:
        seat.engine("buildah", "rm", container)
