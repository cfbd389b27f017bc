"""The attached hyperparameters, read by the real ``oras`` command."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.newer import NewerRoot
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup
from tests.testbed.registry import RegistryServer

from .pushing import Done, push, sign_in, small_context, write

pytestmark = [pytest.mark.newer, pytest.mark.buildah]

ARTIFACT = "application/vnd.keynet.hyperparameters.v1+json"
SCRIPT = """\
import argparse

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=3, choices=[1, 2, 3])
parser.parse_args()
"""


@pytest.fixture(scope="module")
def setup(host_setups: HostSetups) -> HostSetup:
    return host_setups.named("buildah")


@pytest.fixture(scope="module")
def done(setup: HostSetup, platform: Platform) -> Done:
    context = small_context(setup, "artifact")
    write(setup, context / "train.py", SCRIPT)
    write(setup, context / "Recipe", "FROM busybox\nCOPY . /workspace\n")
    sign_in(setup, platform)
    told = push(setup, context, "--dockerfile", "Recipe", base="busybox")
    return Done.of(setup, context, platform, told)


@pytest.fixture(scope="module")
def login(newer: NewerRoot, done: Done, bed: Path) -> list[str]:
    """Log oras in; return the flags by which it reaches the registry."""
    registry: RegistryServer = done.platform.registry
    assert registry.ca is not None
    folder = bed / "oras"
    folder.mkdir()
    flags = ["--ca-file", str(registry.ca.cert), "--registry-config", str(folder / "auth.json")]
    argv = ["oras", "login", registry.host, "-u", registry.username, "--password-stdin", *flags]
    subprocess.run(
        newer.argv(argv), input=registry.password, text=True, check=True, capture_output=True
    )
    return flags


def test_oras_discovers_one_artifact_of_the_image(
    newer: NewerRoot, done: Done, login: list[str]
) -> None:
    told = newer.run(["oras", "discover", "--format", "json", *login, done.image])
    [found] = json.loads(told.stdout)["manifests"]
    assert found["artifactType"] == ARTIFACT
    assert found["digest"] == done.result["artifact_digest"]


def test_the_artifacts_manifest_names_the_image_as_its_subject(
    newer: NewerRoot, done: Done, login: list[str]
) -> None:
    artifact = _artifact(done)
    told = newer.run(["oras", "manifest", "fetch", *login, artifact])
    manifest = json.loads(told.stdout)
    assert manifest["artifactType"] == ARTIFACT
    assert manifest["subject"]["digest"] == done.result["digest"]
    assert len(manifest["layers"]) == 1


def test_oras_pulls_the_hyperparameters(
    newer: NewerRoot, done: Done, login: list[str], bed: Path
) -> None:
    target = bed / "oras" / "pulled"
    target.mkdir()
    newer.run(["oras", "pull", *login, "--output", str(target), _artifact(done)])
    [file] = [path for path in target.rglob("*") if path.is_file()]
    content = json.loads(file.read_text())
    assert content["parser_type"] == "argparse"
    assert [(a["name"], a["default"], a["choices"]) for a in content["arguments"]] == [
        ("epochs", 3, ["1", "2", "3"])
    ]


def test_params_finds_its_own_among_other_referrers(
    newer: NewerRoot, done: Done, login: list[str], bed: Path
) -> None:
    note = bed / "oras" / "note.txt"
    note.write_text("a signature, say\n")
    attach = ["oras", "attach", *login, "--artifact-type", "application/vnd.test.note"]
    newer.run([*attach, done.image, "note.txt"], cwd=note.parent)
    told = newer.run(["oras", "discover", "--format", "json", *login, done.image])
    types = {found["artifactType"] for found in json.loads(told.stdout)["manifests"]}
    assert types == {ARTIFACT, "application/vnd.test.note"}
    read = done.setup.keynet("params", done.image, "--json")
    assert read.returncode == 0, read.stderr
    assert [a["name"] for a in json.loads(read.stdout)["arguments"]] == ["epochs"]


def _artifact(done: Done) -> str:
    name, _, _digest = done.image.partition("@")
    return f"{name}@{done.result['artifact_digest']}"
