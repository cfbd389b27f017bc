"""Which of uv's refusals hold whatever a build does; the texts are uv 0.13's."""

from keynet.direct.base.target_python import TargetPython
from keynet.steps.checking.installable import package_refusal, silent_index
from tests.tables import table

PYTHON = TargetPython((3, 11), "", "", 40)
SOURCE = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because all versions of {name} have no usable wheels and you require {name}, we can "
    "conclude that your requirements are unsatisfiable.\n"
    "hint: Wheels are required for `{name}` because building from source is disabled for all "
    "packages (i.e., with `--no-build`)\n"
)
NOT_FOUND = (
    "error: No solution found when resolving dependencies\n"
    "  cause: Because six was not found in the package registry and you require six, we can "
    "conclude that your requirements are unsatisfiable.\n"
)
OWN, OTHER = "https://me:secret@index.example.com/simple", "https://wheels.example.com"


def _answered(*statuses: str) -> str:
    shown = ("https://index.example.com/simple", OTHER)
    lines = [
        f"keynet: {url} answers {status} for six"
        for url, status in zip(shown, statuses, strict=False)
    ]
    return package_refusal.with_answers(NOT_FOUND, "\n".join(lines), (OWN, OTHER))


@table(
    ("output", "holds"),
    [
        (SOURCE.format(name="docopt"), False),
        (SOURCE.format(name="sklearn"), True),
        (SOURCE.format(name="sklearn") + SOURCE.format(name="docopt"), False),
        (SOURCE.format(name="sklearn").replace("all versions of sklearn", "sklearn==0.0"), False),
        (NOT_FOUND, True),
        (_answered("404", "404"), True),
        (_answered("404", "403"), True),
        (_answered("401", "403"), True),
        (_answered("403"), False),
        (_answered("404", "503"), False),
        (_answered("404", "nothing (timed out)"), False),
        (_answered("200"), False),
        ("error: Failed to fetch: `https://pypi.org/simple/six/`\n", False),
    ],
)
def test_only_what_no_build_can_change_is_a_proof(output: str, holds: bool) -> None:
    assert package_refusal.is_proof(output) is holds


def test_a_placeholder_is_explained() -> None:
    error = package_refusal.error(SOURCE.format(name="sklearn"), "python:3.11-slim", PYTHON, [])
    assert "sklearn stands for another package" in error.message
    assert "scikit-learn for sklearn" in error.hint


@table(
    ("statuses", "reason"),
    [
        (("401", "404"), "the package index refuses the login"),
        (("403", "404"), "the package index refuses the login"),
        (("404", "403"), "the index has no package six"),
        (("404", "404"), "the index has no package six"),
    ],
)
def test_a_refused_login_is_told_from_an_absent_package(
    statuses: tuple[str, ...], reason: str
) -> None:
    error = package_refusal.error(_answered(*statuses), "python:3.11-slim", PYTHON, [OWN, OTHER])
    assert reason in error.message
    assert f"Package index: https://index.example.com/simple, {OTHER}" in error.message
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


def test_no_secret_of_a_url_is_shown() -> None:
    said = "cause: https://u:p@ss@index.example.com/foo/x.whl?token=SECRET#frag answers 404 for x\n"
    error = package_refusal.error(
        said, "python:3.11", PYTHON, ("https://u:p@ss@index.example.com",)
    )
    shown = f"{error.message} {error.hint}"
    assert "SECRET" not in shown
    assert "ss@" not in shown


def test_an_index_that_does_not_answer_is_named_without_its_secrets() -> None:
    said = (
        "error: Failed to fetch: `https://u:p@index.example.com/foo/?sig=SECRET`\n"
        "  cause: dns error\n  cause: failed to lookup address information\n"
    )
    assert silent_index.of(said, ()) == "https://index.example.com/foo/"
