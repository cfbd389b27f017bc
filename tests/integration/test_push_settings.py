"""[tool.keynet] of the context's pyproject.toml, from the file to the pushed image."""

import json
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.pulled import pull

from .pushing import sign_in, small_context, write

pytestmark = [pytest.mark.buildah, pytest.mark.registry]

PYPROJECT = """\
[tool.keynet]
builder = "buildah"
project = 12
model-name = "탐지기"
dockerfile = "Recipe"
harbor-project = "team-a"
labels = {team = "vision"}
build-args = {WHO = "the table"}
"""
RECIPE = 'FROM busybox\nARG WHO\nCOPY . /workspace\nENV WHO="$WHO"\n'


@pytest.fixture(scope="module")
def setup(host_setups: HostSetups, platform: Platform) -> HostSetup:
    made = host_setups.named("buildah")
    sign_in(made, platform)
    return made


@pytest.fixture
def context(setup: HostSetup) -> Path:
    made = small_context(setup, "settings", Recipe=RECIPE)
    write(setup, made / "pyproject.toml", PYPROJECT)
    return made


def test_the_table_of_the_context_decides_what_no_flag_says(
    setup: HostSetup, platform: Platform, context: Path, tmp_path: Path
) -> None:
    told = setup.keynet("push", "train.py", "--json", cwd=context)
    assert told.returncode == 0, told.stderr
    result = json.loads(told.stdout)
    assert "Selecting project           #12 객체 탐지 모델\n" in told.stderr
    assert result["project_id"] == 12
    assert result["model_name"] == "탐지기"
    assert result["builder"]["name"] == "buildah"
    assert result["image"].startswith(f"{platform.registry.host}/team-a/")
    image = f"{result['image'].rpartition(':')[0]}@{result['digest']}"
    settings = pull(platform.registry, image, tmp_path).config["config"]
    assert settings["Labels"]["team"] == "vision"
    assert "WHO=the table" in settings["Env"]


def test_flag_and_variable_come_before_the_table(setup: HostSetup, context: Path) -> None:
    told = setup.keynet(
        *("push", "train.py", "--dry-run", "--json", "--model-name", "mine"),
        cwd=context,
        env={"KEYNET_PROJECT_ID": "7"},
    )
    assert told.returncode == 0, told.stderr
    plan = json.loads(told.stdout)
    assert (plan["model_name"], plan["project_id"]) == ("mine", 7)
    assert plan["harbor_project"] == "team-a"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('projekt = "12"', "projekt"),
        ('builder = "kaniko"', "builder"),
        ('api-token = "x"', "api-token"),
        ('server-url = "https://elsewhere.example"', "redirect"),
        ("builder = ", "pyproject.toml"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_usage_error(
    setup: HostSetup, platform: Platform, context: Path, line: str, word: str
) -> None:
    write(setup, context / "pyproject.toml", f"[tool.keynet]\n{line}\n")
    keys = len(platform.keys)
    told = setup.keynet("push", "train.py", cwd=context)
    assert told.returncode == 2, told.stderr
    assert word in told.stderr
    assert len(platform.keys) == keys
