"""``--dry-run`` makes the checks of a push that need no key, without an engine or the platform."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import engine
from tests.unit.cli.conftest import Platform, keynet
from tests.unit.registry.test_base_lookup import add_image, config

Capture = pytest.CaptureFixture[str]
PLAN = 'CMD ["python", "train.py"]'


@pytest.fixture
def base(platform: Platform) -> str:
    """Return a base image that the registry has for one platform, with Python 3.11."""
    add_image(platform.registry, config("amd64"), "3.11")
    return f"{platform.registry_host}/python:3.11"


def _add(platform: Platform, tag: str, **settings: Any) -> str:
    document = config("amd64")
    document["config"] |= settings
    add_image(platform.registry, document, tag)
    return f"{platform.registry_host}/python:{tag}"


@pytest.mark.medium
@pytest.mark.parametrize("command", ["push", "build"])
def test_what_a_build_refuses_is_refused_below_the_plan(
    platform: Platform, capsys: Capture, command: str
) -> None:
    base = _add(platform, "onbuild", OnBuild=["COPY requirements.txt /tmp/"])
    assert keynet(command, "train.py", "--dry-run", "--base-image", base) == 7
    shown = capsys.readouterr()
    assert PLAN in shown.out
    assert "ONBUILD" in shown.err
    assert platform.backend.seen == []
    assert engine.calls(platform.engines) == []


@pytest.mark.medium
def test_what_a_base_runs_in_each_build_is_named(platform: Platform, capsys: Capture) -> None:
    base = _add(platform, "onbuild", OnBuild=["RUN make", "ENV A=1"])
    assert keynet("push", "train.py", "--dry-run", "--base-image", base) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "adds instructions of its own to each build (ONBUILD): RUN make; ENV A=1" in said


@pytest.mark.medium
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FROM {base}\nLABEL a=b \\\\\nRUN x\n", 2),
        ("# escape=`\nFROM {base}\nLABEL a=b `\n c=d``\nRUN x\n", 3),
        ("FROM {base}\nLABEL a=b \\\nRUN x\n# \\\\\nLABEL a='\\\\'\n", None),
    ],
)
def test_a_line_that_engines_read_in_different_ways_is_named(
    platform: Platform, capsys: Capture, base: str, text: str, line: int | None
) -> None:
    file = platform.project / "Own"
    file.write_text(text.format(base=base))
    assert keynet("push", "train.py", "--dry-run", "--dockerfile", str(file)) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert (f"instruction of line {line} of" in said) is (line is not None)
    assert ("some engines join the next line" in said) is (line is not None)


@pytest.mark.medium
def test_a_wheel_for_another_python_is_refused(
    platform: Platform, capsys: Capture, base: str
) -> None:
    (platform.project / "requirements.txt").write_text("./own-1.0-cp39-cp39-linux_x86_64.whl\n")
    (platform.project / "own-1.0-cp39-cp39-linux_x86_64.whl").write_bytes(b"PK")
    assert keynet("push", "train.py", "--dry-run", "--base-image", base) == 3
    assert "the base image" in capsys.readouterr().err


@pytest.mark.medium
def test_what_would_not_train_is_a_warning_or_an_error_of_strict(
    platform: Platform, capsys: Capture, base: str
) -> None:
    (platform.project / "train.py").write_text("import asynchat\nmatch = 1\n")
    (platform.project / "pyproject.toml").write_text(
        '[project]\nname = "a"\nrequires-python = ">=3.12"\n'
    )
    assert keynet("push", "train.py", "--dry-run", "--json", "--base-image", base) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["base_image"] == base
    assert "The project requires Python >=3.12" in shown.err
    flags = ("--dry-run", "--strict", "--base-image", base)
    assert keynet("push", "train.py", *flags) == 3
    assert "The project requires Python >=3.12" in capsys.readouterr().err


@pytest.mark.slow
def test_the_warnings_are_those_of_a_push(platform: Platform, capsys: Capture, base: str) -> None:
    (platform.project / "train.py").write_text("get_ipython().system('ls')\n")
    (platform.project / "requirements-gpu.txt").write_text("six\n")
    (platform.project / ".env").write_text("TOKEN=1\n")

    def warned(*flags: str) -> list[str]:
        flags = ("--builder", "buildah", "--base-image", base, *flags)
        assert keynet("push", "train.py", *flags) == 0
        shown = capsys.readouterr().err
        return [line for line in shown.splitlines() if line.startswith(("Warning: ", "Note: "))]

    pushed = warned()
    assert len(pushed) > 2
    assert warned("--dry-run") == pushed


@pytest.mark.medium
def test_what_only_an_engine_may_know_is_a_warning(
    platform: Platform, capsys: Capture, base: str
) -> None:
    absent = base.replace("3.11", "9.99")
    assert keynet("push", "train.py", "--dry-run", "--base-image", absent) == 0
    assert f"{platform.registry_host} has no base image {absent}" in capsys.readouterr().err
    flags = ("--dry-run", "--base-image", base, "--platform", "linux/arm64")
    assert keynet("push", "train.py", *flags) == 0
    assert "is for linux/amd64 only, not for linux/arm64" in capsys.readouterr().err
    assert engine.calls(platform.engines) == []


@pytest.mark.slow
def test_an_engine_that_has_worked_before_is_asked_for_its_copy_alone(
    platform: Platform, capsys: Capture
) -> None:
    assert keynet("build", "train.py", "--quiet", "--builder", "buildah") == 0
    before = len(engine.calls(platform.engines))
    capsys.readouterr()
    assert keynet("push", "train.py", "--dry-run", "--builder", "buildah") == 0
    asked = engine.calls(platform.engines)[before:]
    assert asked
    assert all("inspect" in call for call in asked)
    assert PLAN in capsys.readouterr().out


@pytest.mark.medium
def test_what_other_flags_refuse_is_refused(
    platform: Platform, capsys: Capture, tmp_path: Path
) -> None:
    assert keynet("push", "train.py", "--dry-run", "--harbor-project", "Not A Name") == 2
    assert "--harbor-project" in capsys.readouterr().err
    missing = tmp_path / "missing" / "image.tar"
    assert keynet("build", "train.py", "--dry-run", "-o", f"oci-archive:{missing}") == 2
    assert "--output" in capsys.readouterr().err
    (platform.project / "image.tar").write_text("")
    assert keynet("build", "train.py", "--dry-run", "-o", "oci-archive:image.tar") == 0
    assert "image.tar is not copied into the image" in capsys.readouterr().err
