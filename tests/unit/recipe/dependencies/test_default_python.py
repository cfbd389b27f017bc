"""The Python of the default base image."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies import default_python
from keynet.recipe.dependencies.default_python import Constraint
from tests.tables import table


@table(
    ("specifiers", "version", "reason"),
    [
        ([], (3, 10), ""),
        ([">=3.8"], (3, 10), ""),
        ([">=3.10.4"], (3, 10), ""),
        (["==3.10.*"], (3, 10), ""),
        ([">=3.11"], (3, 14), "0"),
        ([">=3.11,<3.13"], (3, 12), "0"),
        (["~=3.12.0"], (3, 12), "0"),
        ([">=3.9", "==3.12.*"], (3, 12), "1"),
        (["<3.10"], (3, 9), "0"),
        (["==3.11.4"], (3, 11), "0"),
        (["!=3.10.*"], (3, 14), "0"),
    ],
)
def test_the_newest_that_all_admit_unless_3_10_is_admitted(
    specifiers: list[str], version: tuple[int, int], reason: str
) -> None:
    constraints = [Constraint(each, str(number)) for number, each in enumerate(specifiers)]
    assert default_python.choose(constraints) == (version, reason)


@pytest.mark.parametrize("specifiers", [[">=3.99"], ["<3"], ["<3.11", ">=3.11"]])
def test_what_no_known_python_satisfies_asks_for_a_base_image(specifiers: list[str]) -> None:
    with pytest.raises(ContextInvalid, match=r"a\.toml") as caught:
        default_python.choose([Constraint(each, "a.toml") for each in specifiers])
    assert "--base-image" in caught.value.hint


def test_a_malformed_specifier_is_named() -> None:
    with pytest.raises(ContextInvalid, match=r"pyproject.toml: requires-python '\^3.11'"):
        default_python.choose([Constraint("^3.11", "pyproject.toml")])


@table(
    ("text", "specifier"),
    [
        ("3.12\n", "==3.12.*"),
        ("# mine\n\n3.11.4  # here\n3.9\n", "==3.11.*"),
        ("cpython-3.13", "==3.13.*"),
        ("python3.12", "==3.12.*"),
        ("3", None),
        ("pypy3.10", None),
        ("my-environment", None),
        ("3.12-dev", None),
        ("", None),
    ],
)
def test_python_version_files(tmp_path: Path, text: str, specifier: str | None) -> None:
    (tmp_path / ".python-version").write_text(text)
    found = default_python.context_constraints(tmp_path)
    assert found == ([Constraint(specifier, ".python-version")] if specifier else [])


def test_a_project_says_what_it_requires(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nname = "x"\nrequires-python = ">=3.12"\n')
    (tmp_path / ".python-version").write_text("3.13")
    assert default_python.context_constraints(tmp_path) == [
        Constraint("==3.13.*", ".python-version"),
        Constraint(">=3.12", "pyproject.toml"),
    ]
    for other in (
        'requires-python = ">=3.12"',
        "[project]\nrequires-python = 3",
        "requires-python [",
    ):
        project.write_text(other)
        assert len(default_python.context_constraints(tmp_path)) == 1


def test_nothing_outside_the_context_is_read(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (tmp_path / "version").write_text("3.13")
    (context / ".python-version").symlink_to("../version")
    (context / "pyproject.toml").mkdir()
    assert default_python.context_constraints(context) == []
    assert default_python.context_constraints(tmp_path / "missing") == []


@table(
    ("script", "specifier"),
    [
        (
            '# /// script\n# requires-python = ">=3.12"\n# dependencies = []\n# ///\nx = 1\n',
            ">=3.12",
        ),
        ('import a\r\n# /// script\r\n#\r\n# requires-python = "<3.12"\r\n# ///\r\n', "<3.12"),
        ("# /// script\n# dependencies = []\n# ///\n", None),
        ("# /// script\n# requires-python = 3\n# ///\n", None),
        ("# /// script\n# not TOML\n# ///\n", None),
        ('# /// script\n# requires-python = ">=3.12"\n', None),
        ("x = 1\n", None),
    ],
)
def test_inline_metadata(script: str, specifier: str | None) -> None:
    found = default_python.inline_constraint(script.encode(), "train.py")
    assert found == (Constraint(specifier, "train.py") if specifier else None)
