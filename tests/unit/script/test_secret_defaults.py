"""Secrets in defaults, choices and help texts stay in the script."""

import json
from pathlib import Path

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import write

SECRETS = [
    ("--password", "hunter2"),
    ("--db-passwd", "x1"),
    ("--api-key", "0123456789abcdef"),
    ("--token", "s3cr3t-value"),
    ("--hf_token", "abcdefgh"),
    ("--aws-secret-access-key", "wJalrXUtnFEMI"),
    ("--name", "sk-proj-abcdefghijklmnop1234"),
    ("--name", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
    ("--name", "hf_abcdefghijklmnopqrstuvwx"),
    ("--name", "AKIAIOSFODNN7EXAMPLE"),
    ("--name", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"),
    ("--url", "https://user:pass@host/db"),
]


@table(("flag", "secret"), SECRETS)
def test_a_secret_default_is_dropped_with_a_note(tmp_path: Path, flag: str, secret: str) -> None:
    found = extract(
        write(
            tmp_path,
            f"import argparse\np = argparse.ArgumentParser()\n"
            f"p.add_argument({flag!r}, default={secret!r})\np.parse_args()\n",
        )
    )
    (argument,) = found.arguments
    assert argument.default is None
    assert [note.line for note in found.notes] == [3]
    assert secret not in json.dumps(found.to_json())


@table(
    ("flag", "value"),
    [
        ("--pad_token", "<pad>"),
        ("--eos-token", "</s>"),
        ("--tokenizer", "bert-base"),
        ("--max-tokens", "128"),
        ("--token-file", "~/.token"),
        ("--api-key-env", "OPENAI_API_KEY"),
        ("--password", ""),
        ("--hf-token", "none"),
        ("--key", "val_loss"),
        ("--model", "sk-learn"),
    ],
)
def test_what_only_sounds_like_one_stays(tmp_path: Path, flag: str, value: str) -> None:
    found = extract(
        write(
            tmp_path,
            f"import argparse\np = argparse.ArgumentParser()\n"
            f"p.add_argument({flag!r}, default={value!r})\np.parse_args()\n",
        )
    )
    assert found.arguments[0].default == value


def test_secrets_in_lists_choices_and_help_are_dropped(tmp_path: Path) -> None:
    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    found = extract(
        write(
            tmp_path,
            f"import argparse\np = argparse.ArgumentParser()\n"
            f"p.add_argument('--a', default=['x', {token!r}])\n"
            f"p.add_argument('--b', choices=['x', {token!r}])\n"
            f"p.add_argument('--c', help='use {token}')\n"
            "p.add_argument('--d', help='the password is abc12345xyz')\n"
            "p.add_argument('--e', default={'k': '" + token + "'})\np.parse_args()\n",
        )
    )
    shown = json.dumps(found.to_json())
    assert token not in shown
    assert "abc12345xyz" not in shown
    assert [note.line for note in found.notes] == [3, 4, 5, 6, 7]


def test_control_characters_never_reach_a_help_text(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            "import argparse\np = argparse.ArgumentParser()\n"
            "p.add_argument('--a', help='''red \\x1b[31m\\n   text\\x00''')\np.parse_args()\n",
        )
    )
    assert found.arguments[0].help == "red text"


def test_the_keys_of_a_dict_name_its_values(tmp_path: Path) -> None:
    found = extract(
        write(
            tmp_path,
            "import argparse\np = argparse.ArgumentParser()\n"
            "p.add_argument('--db', default={'host': 'db', 'password': 'hunter2'})\n"
            "p.add_argument('--model', default={'pad_token': '<pad>', 'sort_key': 'date'})\n"
            "p.parse_args()\n",
        )
    )
    assert [argument.default for argument in found.arguments] == [
        None,
        {"pad_token": "<pad>", "sort_key": "date"},
    ]
