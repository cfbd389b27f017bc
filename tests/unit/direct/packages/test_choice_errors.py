"""What is said where packages cannot be chosen."""

from keynet.direct.base.target_python import TargetPython
from keynet.direct.packages.choice_errors import not_resolved
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
