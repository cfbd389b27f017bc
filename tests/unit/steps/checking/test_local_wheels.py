"""Wheels of the project that the image's platform cannot use."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe
from keynet.steps.checking import local_wheels
from tests.tables import table


def _check(line: str, platform: str = "linux/amd64", base_name: str = "python:3.11-slim") -> None:
    dependencies = Dependencies(files={"requirements.txt": f"six\n{line}\n".encode()})
    base = Reference.parse(base_name)
    local_wheels.check(
        BuildPlan(
            context=Path("/x"),
            files=(),
            recipe=Recipe(base, ("python", "x.py"), dependencies=dependencies),
            platforms=(Platform.parse(platform),),
        )
    )


@pytest.mark.parametrize(
    ("line", "platform"),
    [
        ("./archives/a-1-cp310-cp310-win_amd64.whl", "linux/amd64"),
        ("a @ ./archives/a-1-cp310-abi3-macosx_11_0_arm64.whl --hash=sha256:0", "linux/arm64"),
        ("./archives/a-1-cp310-cp310-manylinux_2_28_x86_64.whl", "linux/arm64"),
    ],
)
def test_a_wheel_for_another_platform_costs_no_key(line: str, platform: str) -> None:
    with pytest.raises(ContextInvalid, match="is a wheel for") as caught:
        _check(line, platform, "python:3.10-slim")
    assert f"the image is for {platform}" in caught.value.message


@table(
    "line",
    [
        "./archives/a-1-py3-none-any.whl",
        "./archives/a-1-cp310-cp310-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "./archives/a-1-2-cp310-cp310-linux_x86_64.whl",
        "./archives/a-1-cp310-cp310-musllinux_1_2_x86_64.whl",
        "./archives/odd.whl",
        "./archives/a-1-cp310-cp310-win_amd64.whl ; sys_platform == 'win32'",
    ],
)
def test_a_wheel_that_may_fit_is_left_alone(line: str) -> None:
    _check(line, base_name="python:3.10-slim")


@table("tags", ["cp39-cp39", "cp312-abi3", "py2-none", "cp310-cp310", "py312-none"])
def test_a_wheel_for_another_python_costs_no_key(tags: str) -> None:
    with pytest.raises(ContextInvalid, match="is a wheel for") as caught:
        _check(f"./archives/a-1-{tags}-manylinux_2_17_x86_64.whl")
    assert "has Python 3.11" in caught.value.message


@table(
    "tags",
    ["cp311-cp311", "cp38-abi3", "py2.py3-none", "py38-none", "pp310-pypy310_pp73", "cp3-none"],
)
def test_a_wheel_that_this_python_may_take_is_left_alone(tags: str) -> None:
    _check(f"./archives/a-1-{tags}-manylinux_2_17_x86_64.whl")
