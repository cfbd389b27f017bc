"""The options of one run."""

from pathlib import Path

import pytest

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.run_settings import output_folder, parse_gpus, parse_variables
from tests.tables import table


def test_variables_have_values_of_their_own_or_those_of_this_shell() -> None:
    found = parse_variables(["A=1", "B", "C", "A=2=3", "D="], {"B": "b"})
    assert found == {"A": "2=3", "B": "b", "D": ""}


@table("text", ["=1", "A B=1", "\n=1", "HOME=a\nb", "A=\0"])
def test_variables_that_cannot_be_passed_are_refused(text: str) -> None:
    with pytest.raises(InvalidRunSettings, match="--env"):
        parse_variables([text], {})


@pytest.mark.parametrize(("text", "gpus"), [("all", "all"), ("0,1", "0,1"), ("device=2", "2")])
def test_gpus_are_all_or_some(text: str, gpus: str) -> None:
    assert parse_gpus(text) == gpus


@table("text", ["", ",", "0,", "all the", "-1", '"0"'])
def test_other_gpus_are_refused(text: str) -> None:
    with pytest.raises(InvalidRunSettings, match="--gpus"):
        parse_gpus(text)


@table(
    ("text", "folder", "inside"),
    [
        ("results", "results", "/output"),
        ("/a/b", "/a/b", "/output"),
        ("r:/workspace/outputs/", "r", "/workspace/outputs"),
        ("a:b", "a:b", "/output"),
    ],
)
def test_output_has_a_folder_here_and_one_in_the_container(
    text: str, folder: str, inside: str
) -> None:
    assert output_folder(text) == (Path(folder), inside)


@table("text", ["", ":/output", "a:/", "a:/b/../c"])
def test_an_output_without_a_folder_is_refused(text: str) -> None:
    with pytest.raises(InvalidRunSettings, match="--output"):
        output_folder(text)
