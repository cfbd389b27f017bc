"""What is said where packages cannot be chosen."""

import pytest

from keynet.direct.base.target_python import TargetPython
from keynet.direct.packages.choice_errors import not_fetched, not_resolved
from keynet.oci.platform import Platform

PYTHON = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)
NO_WHEEL = """\
error: No solution found when resolving dependencies
  cause: Because antlr4-python3-runtime==4.9.3 has no usable wheels and you require it.

hint: Wheels are required for `antlr4-python3-runtime` because building from source is disabled
"""


def test_a_package_without_a_wheel_is_named_with_an_engine_for_it() -> None:
    error = not_resolved(NO_WHEEL, PYTHON, Platform("linux", "amd64"))
    assert error.message.startswith(
        "antlr4-python3-runtime has no wheel for Python 3.11 on linux/amd64"
    )
    assert "engine" in error.hint
    assert any(name in error.hint for name in ("docker", "podman", "buildah"))


def test_other_contradictions_are_shown() -> None:
    error = not_resolved("error: six<1 and six>2\n", PYTHON, Platform("linux", "amd64"))
    assert "six<1 and six>2" in error.message
    assert "requirements" in error.hint


@pytest.mark.parametrize(
    "output",
    [
        "error: Failed to read `x`\n  cause: Failed to extract archive: x-1.0-py3-none-any.whl\n",
        "error: Failed to install: x\n  cause: The wheel is invalid: an entry in the wrong place\n",
        "error: Failed to install: x\n  cause: Scripts must not use the reserved name `python3`\n",
    ],
)
def test_a_broken_wheel_is_not_blamed_on_the_requirements_or_the_network(output: str) -> None:
    for error in (
        not_resolved(output, PYTHON, Platform("linux", "amd64")),
        not_fetched(output, built=False),
    ):
        assert "not a valid wheel" in error.hint
    assert "network" in not_fetched("error: timed out\n", built=False).hint


def test_a_full_disk_is_not_blamed_on_the_requirements() -> None:
    output = "error: failed to write to `/x/CACHEDIR.TAG`: No space left on device (os error 28)\n"
    assert "space" in not_resolved(output, PYTHON, Platform("linux", "amd64")).hint
    assert "space" in not_fetched(output, built=False).hint


def test_a_file_and_a_folder_of_one_name_are_not_blamed_on_the_network() -> None:
    output = (
        "error: Failed to install: b-1.0-py3-none-any.whl (b==1.0)\n"
        "  cause: failed to create directory `/x/conf`: File exists (os error 17)\n"
    )
    assert "same name" in not_fetched(output, built=False).hint
