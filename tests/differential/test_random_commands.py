"""Random scripts with typer and click, read and run with the libraries of the real programs."""

import os
from pathlib import Path

import pytest

from tests.property.command_checks import checked
from tests.property.random_commands import FRAMEWORKS

from .programs import interpreter, newer_typer

pytestmark = pytest.mark.packages


@pytest.mark.parametrize("library", FRAMEWORKS)
def test_nothing_of_a_random_command_is_false_in_silence(library: str, tmp_path: Path) -> None:
    nothing_false(tmp_path, interpreter(), library)


def test_nothing_of_a_random_command_is_false_with_a_newer_typer(tmp_path: Path) -> None:
    nothing_false(tmp_path, newer_typer(), "typer")


def nothing_false(folder: Path, python: Path, library: str) -> None:
    first, _colon, last = os.environ.get("KEYNET_TEST_RANDOM_SCRIPTS", "0:300").partition(":")
    found, sizes = checked(folder, python, library, range(int(first), int(last)))
    assert found == {}
    assert len(sizes) > int(last) - int(first)
