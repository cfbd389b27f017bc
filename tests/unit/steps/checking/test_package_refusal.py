"""Which of uv's refusals hold whatever a build does; the texts are uv 0.13's."""

import pytest

from keynet.direct.base.target_python import TargetPython
from keynet.steps.checking import package_refusal

PYTHON = TargetPython((3, 11), "", "", 40)
SOURCE = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because all versions of {name} have no usable wheels and you require {name}, we can "
    "conclude that your requirements are unsatisfiable.\n"
    "hint: Wheels are required for `{name}` because building from source is disabled for all "
    "packages (i.e., with `--no-build`)\n"
)
REFUSED_LOGIN = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because six was not found in the package registry and you require six, we can "
    "conclude that your requirements are unsatisfiable.\n"
    "hint: An index URL (https://me:****@index.example.com/simple) could not be queried due to a "
    "lack of valid authentication credentials ({status}).\n"
)


@pytest.mark.parametrize(
    ("output", "holds"),
    [
        (SOURCE.format(name="docopt"), False),
        (SOURCE.format(name="sklearn"), True),
        (SOURCE.format(name="sklearn") + SOURCE.format(name="docopt"), False),
        (SOURCE.format(name="sklearn").replace("all versions of sklearn", "sklearn==0.0"), False),
        (REFUSED_LOGIN.format(status="401 Unauthorized"), True),
        (REFUSED_LOGIN.format(status="403 Forbidden"), False),
        ("error: Failed to fetch: `https://pypi.org/simple/six/`\n", False),
    ],
)
def test_only_what_no_build_can_change_is_a_proof(output: str, holds: bool) -> None:
    assert package_refusal.is_proof(output) is holds


def test_a_placeholder_is_explained() -> None:
    error = package_refusal.error(SOURCE.format(name="sklearn"), "python:3.11-slim", PYTHON, [])
    assert "sklearn stands for another package" in error.message
    assert "scikit-learn for sklearn" in error.hint


def test_a_refused_login_is_named_without_it() -> None:
    output = REFUSED_LOGIN.format(status="401 Unauthorized")
    index = "https://me:secret@index.example.com/simple"
    error = package_refusal.error(output, "python:3.11-slim", PYTHON, [index])
    assert "the package index refuses the login" in error.message
    assert "Package index: https://index.example.com/simple" in error.message
    assert "me:" not in error.message


def test_a_package_for_a_newer_python_is_explained() -> None:
    output = (
        "error: No solution found when resolving dependencies\n"
        "  cause: Because the requested Python version (>=3.11.99) does not satisfy Python>=3.12 "
        "and ours==0.1.0 depends on Python>=3.12, we can conclude that it cannot be used.\n"
    )
    error = package_refusal.error(output, "python:3.11-slim", PYTHON, [])
    assert "no version of ours==0.1.0 is for this Python and platform" in error.message
    assert "3.11.99" not in error.message
