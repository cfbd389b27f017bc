"""Build arguments, and what looks like a secret."""

import pytest

from keynet.errors import UsageError
from keynet.recipe import buildargs
from tests.tables import table


def test_arguments_are_read_in_order() -> None:
    given = ["A=1", "B=x=y", "A=2", "C", "ABSENT", "EMPTY="]
    assert buildargs.parse(given, {"C": "3"}) == {"A": "2", "B": "x=y", "C": "3", "EMPTY": ""}


@table("argument", ["", "=1", "1A=1", "A B=1", "Ä=1"])
def test_names_follow_docker(argument: str) -> None:
    with pytest.raises(UsageError, match="name is not valid"):
        buildargs.parse([argument], {})


@table(
    "argument",
    [
        "HF_TOKEN=abcdef",
        "dbPassword=x",
        "AWS_SECRET_ACCESS_KEY=x",
        "API_KEY=x",
        "GITHUB_PAT=x",
        "PGPASSWORD=x",
        "DB_PASS=x",
        "APP_KEY=x",
        'DOCKER_AUTH_CONFIG={"auths": {}}',
        "CACHE=npm_0123456789abcdefghijABCDEFGHIJ012345",
        "X=Bearer abcdefgh",
        "X=ghp_0123456789012345678901234567890123",
        "X=hf_01234567890123456789",
        "X=AKIA0123456789ABCDEF",
        "X=-----BEGIN RSA PRIVATE KEY-----",
        "INDEX=https://user:pass@example.com/simple",
    ],
)
def test_a_secret_is_refused_without_showing_it(argument: str) -> None:
    with pytest.raises(UsageError, match="looks like a secret") as caught:
        buildargs.parse([argument], {})
    assert argument.partition("=")[2] not in caught.value.message + caught.value.hint or (
        len(argument.partition("=")[2]) == 1
    )
    assert "--secret id=" in caught.value.hint


def test_a_secret_from_the_environment_is_refused() -> None:
    with pytest.raises(UsageError, match="looks like a secret"):
        buildargs.parse(["NPM_TOKEN"], {"NPM_TOKEN": "abc"})


@table(
    "argument",
    [
        "MAX_TOKENS=4096",
        "TOKENIZER=bert",
        "KEYBOARD=us",
        "TOKEN=",
        "USE_TOKEN=true",
        "PATH_X=/pat/x",
        "SORT_KEY=date",
        "PAD_TOKEN=<pad>",
    ],
)
def test_harmless_arguments_pass(argument: str) -> None:
    name, _, value = argument.partition("=")
    assert buildargs.parse([argument], {}) == {name: value}


def test_what_no_program_can_be_started_with_is_refused() -> None:
    assert buildargs.parse(["A=" + "x" * 100_000], {}) == {"A": "x" * 100_000}
    with pytest.raises(UsageError, match="--build-arg A is longer than 120000 bytes") as caught:
        buildargs.parse(["A=" + "token" * 30_000], {})
    assert "file" in (caught.value.hint or "")
    with pytest.raises(UsageError, match="The build arguments are longer than 1000000 bytes"):
        buildargs.parse([f"A{number}=" + "x" * 100_000 for number in range(11)], {})
