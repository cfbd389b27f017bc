"""The same context pushed on every setup: engine, user, generation; TLS, private CA, robot."""

import json

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.index import Index
from tests.testbed.platform import PASSWORD, Platform
from tests.testbed.pulled import Entry, PulledImage, pull

from .pushing import (
    IGNORE,
    KEPT,
    NEWER,
    OLDER,
    SCRIPT,
    Done,
    make_context,
    marked,
    push,
    run_image,
    sign_in,
    through,
    watched_command_lines,
    write,
)

OFTEN = (
    "docker-legacy",
    "rootless-buildah",
    "newer-docker",
    "newer-rootless-podman",
)


@pytest.fixture(
    scope="module",
    params=[*marked(OLDER, often=OFTEN), *marked(NEWER, pytest.mark.newer, often=OFTEN)],
)
def done(
    request: pytest.FixtureRequest, host_setups: HostSetups, platform: Platform, index: Index
) -> Done:
    """Log in and push once on each setup."""
    setup = host_setups.named(request.param)
    context = make_context(setup)
    with watched_command_lines() as lines:
        sign_in(setup, platform)
        pushed = push(setup, context, env=through(index))
    return Done.of(setup, context, platform, pushed, lines)


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


def test_what_is_installed_is_not_copied_from_another_stage(done: Done) -> None:
    assert "keynet: uv installs for Python 3.11" in done.stderr
    assert "COPY --from=dependencies" not in done.stderr


def test_result_tells_image_digest_and_hyperparameters(done: Done) -> None:
    result = done.result
    assert str(result["image"]).startswith(f"{done.platform.registry.host}/kitech-model/key")
    assert result["project_id"] == 12
    assert result["builder"]["name"] == done.setup.builder
    names = [argument["name"] for argument in result["hyperparameters"]]
    assert names == ["learning_rate", "epochs"]


def test_pulled_image_trains(done: Done) -> None:
    output = run_image(done)
    assert "trained with 1.0 0.01 3" in output
    assert "data says 읽었다" in output


def test_params_reads_the_hyperparameters_back(done: Done) -> None:
    told = done.setup.keynet("params", done.image, "--json")
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
    write(done.setup, done.context / "train.py", changed)
    fetched = len(index.asked)
    again = push(done.setup, done.context, env=through(index))
    assert again.returncode == 0, again.stderr
    assert index.asked[fetched:] == []
    assert "Collecting" not in again.stderr
    assert json.loads(again.stdout)["digest"] != done.result["digest"]


def test_context_has_no_file_of_keynets_own(done: Done) -> None:
    listed = done.setup.engine("find", str(done.context), "-newer", str(done.context / "keep.log"))
    ours = {line for line in listed.splitlines() if "keynet" in line or "ontainerfile" in line}
    assert ours == set()
