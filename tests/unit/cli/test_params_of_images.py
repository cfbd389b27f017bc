"""``keynet params IMAGE`` where anybody may have written what is attached."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.cli.main import run
from keynet.oci.reference import Reference
from keynet.registry import artifact
from keynet.registry.account_client import open_client
from keynet.registry.transfer.push_image import push_image
from keynet.steps import attached
from tests.fakes.images import random_image
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.cli.conftest import served

Capture = pytest.CaptureFixture[str]
NAMED = '"name": "lr"'


def arguments(*fields: str) -> str:
    return f'{{"arguments": [{{{", ".join(fields)}}}]}}'


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("{", "Expecting property name"),
    "not UTF-8": (b'{"arguments": "\xff"}', "decode"),
    "a list": ("[]", "no list of arguments"),
    "null": ("null", "no list of arguments"),
    "no arguments": ("{}", "no list of arguments"),
    "arguments that are an object": ('{"arguments": {}}', "no list of arguments"),
    "an argument that is a text": ('{"arguments": ["lr"]}', "argument 1 is not an object"),
    "an argument that is null": ('{"arguments": [null]}', "argument 1 is not an object"),
    "no name": (arguments('"type": "str"'), "argument 1 has no name"),
    "an empty name": (arguments('"name": ""'), "argument 1 has no name"),
    "a name that is a number": (arguments('"name": 3'), "argument 1 has no name"),
    "a name that is a list": (arguments('"name": ["lr"]'), "argument 1 has no name"),
    "a type that is a number": (arguments(NAMED, '"type": 3'), "field type of argument 1"),
    "a type that is a list": (arguments(NAMED, '"type": []'), "field type of argument 1"),
    "required as a text": (arguments(NAMED, '"required": "no"'), "field required of argument 1"),
    "a help that is a list": (arguments(NAMED, '"help": ["x"]'), "field help of argument 1"),
    "choices that are a number": (arguments(NAMED, '"choices": 3'), "field choices of argument 1"),
    "choices of objects": (arguments(NAMED, '"choices": [{}]'), "field choices of argument 1"),
    "NaN": (arguments(NAMED, '"default": NaN'), "JSON does not have NaN"),
    "Infinity": (arguments(NAMED, '"default": [-Infinity]'), "JSON does not have -Infinity"),
    "a number that is too large": (arguments(NAMED, '"default": 1e999'), "too large"),
    "too many digits": (arguments(NAMED, '"default": ' + "1" * 5_000), "digits"),
    "half a character": (arguments(NAMED, '"default": "\\ud800"'), "not valid Unicode"),
    "half a character in a key": (
        arguments(NAMED, '"default": {"\\udfff": 1}'),
        "not valid Unicode",
    ),
    "nested a little too deeply": (
        arguments(NAMED, '"default": ' + "[" * 90 + "]" * 90),
        "nested too deeply",
    ),
    "nested very deeply": (
        arguments(NAMED, '"default": ' + "[" * 90_000 + "]" * 90_000),
        "nested too deeply",
    ),
    "too many brackets": ("[" * 300_000, "too many brackets"),
    "a parser type that is a number": ('{"arguments": [], "parser_type": 3}', "field parser_type"),
    "a script that is a text": ('{"arguments": [], "script": "train.py"}', "field script"),
    "a version that is a number": ('{"arguments": [], "keynet_version": 1}', "keynet_version"),
    "notes that are texts": ('{"arguments": [], "notes": ["x"]}', "field notes"),
    "notes without a line": ('{"arguments": [], "notes": [{"message": "x"}]}', "field notes"),
    "too many arguments": (
        f'{{"arguments": [{", ".join(["{}"] * 10_001)}]}}',
        "too many arguments",
    ),
}  # fmt: skip
TAKEN = {
    "a name alone": arguments(NAMED),
    "fields that are null": arguments(NAMED, '"type": null', '"required": null', '"help": null'),
    "a type of a later version": arguments(NAMED, '"type": "date"'),
    "fields of a later version": arguments(NAMED, '"group": {"title": "g"}'),
    "an integer of many digits": arguments(NAMED, '"type": "int"', '"default": 1' + "0" * 400),
    "nested as keynet may": arguments(NAMED, '"default": ' + "[" * 16 + "]" * 16),
    "escape sequences": arguments(NAMED, '"help": "\\u001b[2J"', '"choices": ["\\u001b]0;x"]'),
    "two of a name": '{"arguments": [{"name": "lr"}, {"name": "lr", "type": "int"}]}',
    "no arguments": '{"arguments": [], "parser_type": null}',
}


class Images:
    """A registry with one image more for each payload that is attached."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._count = 0

    def with_attached(self, payload: bytes) -> str:
        self._count += 1
        reference = Reference.parse(f"{self._host}/team/app:{self._count}")
        asyncio.run(_push(reference, self._count, payload))
        return str(reference)


async def _push(reference: Reference, seed: int, payload: bytes) -> None:
    async with open_client(reference.registry, None) as client:
        await push_image(client, random_image(seed), reference)
        await artifact.attach(client, reference, payload, file_name="h.json")


@pytest.fixture(scope="module")
def images() -> Iterator[Images]:
    with served(MemoryRegistry()) as (_registry, host):
        yield Images(host)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir(mode=0o700)
    for name in ("HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "run"))
    monkeypatch.setenv("KEYNET_CONFIG", str(tmp_path / "config.json"))


def encoded(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@table("kind", REFUSED)
def test_what_is_not_a_list_of_hyperparameters_is_refused_with_the_reason(kind: str) -> None:
    text, reason = REFUSED[kind]
    with pytest.raises(attached.Unreadable, match=reason):
        attached.parse(encoded(text))


@table("kind", TAKEN)
def test_what_is_missing_has_its_usual_value(kind: str) -> None:
    found = attached.parse(TAKEN[kind].encode())
    for argument in found["arguments"]:
        assert isinstance(argument["type"], str)
        assert argument["required"] is False
        assert {"default", "help", "choices"} <= argument.keys()


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--json"], ["--schema"]], ids=["shown", "json", "schema"])
@pytest.mark.parametrize("kind", ["no name", "a list", "nested very deeply", "not UTF-8"])
def test_a_refused_artifact_ends_with_status_7(
    images: Images, capsys: Capture, kind: str, options: list[str]
) -> None:
    reference = images.with_attached(encoded(REFUSED[kind][0]))
    assert run(["params", reference, *options]) == 7
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "is not a list of hyperparameters" in shown.err
    assert "Push the image again" in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.slow
@pytest.mark.parametrize("kind", TAKEN)
def test_a_strange_artifact_is_shown_compared_and_described(
    images: Images, capsys: Capture, kind: str
) -> None:
    reference = images.with_attached(TAKEN[kind].encode())
    for options in ([], ["--json"], ["--schema"], [reference]):
        assert run(["params", reference, *options]) == 0
        assert "\x1b" not in capsys.readouterr().out


@pytest.mark.medium
def test_an_artifact_is_compared_with_a_refused_one_without_a_traceback(
    images: Images, capsys: Capture, tmp_path: Path
) -> None:
    script = tmp_path / "train.py"
    script.write_text("import argparse\np = argparse.ArgumentParser()\np.parse_args()\n")
    reference = images.with_attached(arguments('"type": "str"').encode())
    assert run(["params", str(script), reference]) == 7
    assert "argument 1 has no name" in capsys.readouterr().err


@pytest.mark.medium
def test_the_output_of_an_image_has_every_field(images: Images, capsys: Capture) -> None:
    reference = images.with_attached(arguments(NAMED).encode())
    assert run(["params", reference, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "parser_type": None,
        "arguments": [
            {"name": "lr", "type": "str", "default": None, "required": False, "help": "",
             "choices": None}
        ],
    }  # fmt: skip
