"""The Containerfile that keynet writes, and the user's own."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.oci.reference import Reference
from keynet.plan import HostNetwork
from keynet.recipe import containerfile, instructions
from keynet.recipe.dependencies import Dependencies
from keynet.secret import Secret

BASE = Reference.parse("python:3.10-slim")
TEMPLATE = containerfile.load()
NUMPY = Dependencies(Path("requirements.txt"), {"requirements.txt": b"numpy\n"})


def _generated(
    dependencies: Dependencies = NUMPY, network: HostNetwork | None = None
) -> tuple[str, str]:
    recipe = containerfile.generate(
        BASE, "train.py", dependencies, network or HostNetwork(), TEMPLATE
    )
    return recipe.text, recipe.mounting


def test_two_stages_install_before_the_code_comes() -> None:
    text, _mounting = _generated()
    names = [instruction.name for instruction in instructions.parse(text)]
    assert names == [
        *("FROM", "USER", "COPY", "RUN"),
        *("FROM", "COPY", "ENV", "WORKDIR", "ENTRYPOINT", "CMD", "COPY"),
    ]
    assert text.count("FROM docker.io/library/python:3.10-slim") == 2


def test_one_stage_mounts_and_gives_the_bases_user_back() -> None:
    _text, mounting = _generated()
    names = [instruction.name for instruction in instructions.parse(mounting)]
    assert names == [
        *("FROM", "USER", "RUN", "ARG", "USER", "ENV", "WORKDIR", "ENTRYPOINT", "CMD", "COPY")
    ]
    assert "RUN --mount=type=bind,source=build,target=/keynet [" in mounting
    assert "USER ${KEYNET_USER}" in mounting


def test_without_dependencies_there_is_no_run_and_a_python_of_last_resort() -> None:
    recipe = containerfile.generate(BASE, "train.py", Dependencies(), HostNetwork(), TEMPLATE)
    assert not containerfile.has_run(recipe.text)
    assert recipe.mounting == ""
    assert recipe.executables == {"bin/python"}
    python = recipe.build_files["bin/python"]
    assert isinstance(python, bytes)
    assert python.startswith(b"#!/bin/sh\n")
    assert ":/opt/keynet/bin" in recipe.text


def test_nothing_of_the_network_is_in_either_text() -> None:
    network = HostNetwork(
        {"http_proxy": Secret("http://u:s3cret@proxy:1")},
        b"PEM",
        Secret("[global]\nindex-url = https://u:s3cret@index/simple\n"),
    )
    for text in _generated(network=network):
        assert "s3cret" not in text
        assert "proxy:1" not in text
        assert "index/simple" not in text


def _mounting(requirements: bytes, network: HostNetwork) -> str:
    return _generated(Dependencies(None, {"requirements.txt": requirements}), network)[1]


def test_cache_of_the_mounting_form_turns_on_what_is_installed_alone() -> None:
    def conf(text: str) -> HostNetwork:
        return HostNetwork(pip_conf=Secret(text))

    first = _mounting(b"-i https://t1@a/simple\nnumpy\n", conf("index-url = https://u:1@a/simple"))
    rotated = HostNetwork(
        {"http_proxy": Secret("http://p")}, b"PEM", Secret("index-url = https://u:2@a/simple")
    )
    assert _mounting(b"-i https://t2@a/simple\nnumpy\n", rotated) == first
    assert _mounting(b"-i https://t1@a/simple\nscipy\n", conf("index-url = https://a/simple")) != (
        first
    )
    assert _mounting(b"-i https://t1@a/simple\nnumpy\n", conf("index-url = https://b/simple")) != (
        first
    )


@pytest.mark.parametrize(
    ("entrypoint", "expected"),
    [
        ("train.py", '["python", "train.py"]'),
        ("my dir/train.py", '["python", "my dir/train.py"]'),
        ("훈련.py", '["python", "훈련.py"]'),
        ('a"b\\c.py', '["python", "a\\"b\\\\c.py"]'),
        ("a\nRUN evil\n.py", '["python", "a\\nRUN evil\\n.py"]'),
        ("a\u2028b.py", '["python", "a\\u2028b.py"]'),
        ("-c.py", '["python", "./-c.py"]'),
        ("$HOME/${x}.py", '["python", "$HOME/${x}.py"]'),
    ],
)
def test_command_is_one_line_of_json(entrypoint: str, expected: str) -> None:
    assert containerfile.command(entrypoint) == expected
    assert json.loads(expected)[1].removeprefix("./") == entrypoint


def test_users_file_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "Containerfile"
    file.write_bytes(b"\xef\xbb\xbfARG X=1\r\nFROM base\r\n")
    assert containerfile.read(file).text == "ARG X=1\r\nFROM base\r\n"
    assert containerfile.read(file).path == file


def test_unusable_users_files_are_refused_as_given_and_as_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContextInvalid, match=rf"absent \({tmp_path}/absent\) .* does not exist"):
        containerfile.read(Path("absent"))
    for content, message in (
        (b"# FROM x\n", "no FROM"),
        (b"", "no FROM"),
        (b"FROM \xff\n", "not UTF-8"),
        (b"#" * 1_000_001, "larger than"),
    ):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ContextInvalid, match=message):
            containerfile.read(tmp_path / "file")
    with pytest.raises(ContextInvalid, match="is a directory"):
        containerfile.read(tmp_path)
    with pytest.raises(ContextInvalid, match="cannot be used"):
        containerfile.read(tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a\nCOPY . .\n", False),
        ("FROM a\nrun x\n", True),
        ("FROM a\n# RUN x\nLABEL y=RUN\n", False),
        ("FROM a\nLABEL a=b \\\n# note\n\n  RUN x\n", False),
        ("FROM a\nCOPY <<EOF /x\nRUN y\nEOF\n", False),
        ("FROM a\nCOPY <<-'E' /x\n\tRUN y\n\tE\nRUN z\n", True),
        ("# escape=`\nFROM a\nCOPY a `\n RUN\n", False),
        ("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nCOPY a\\\nRUN b\n", True),
        ("FROM a\nRUN\tx\n", True),
        ("FROM a\nCOPY a b \\", False),
    ],
)
def test_run_is_found_where_it_is_an_instruction(text: str, expected: bool) -> None:
    assert containerfile.has_run(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a", ["a"]),
        ("FROM --platform=linux/amd64 a AS b\nFROM b\nFROM c", ["a", "c"]),
        ("from a as One\nFROM one\nCOPY --from=x / /", ["a"]),
        ("FROM scratch", []),
        ("ARG V=3.11 W\nFROM python:${V}-slim", ["python:3.11-slim"]),
        ("ARG V\nFROM python:${V:-3.10}", ["python:3.10"]),
        ("ARG V=\nFROM python:${V:-3.10}${V-x}", ["python:3.10"]),
        ("ARG A=x\nARG B=$A-y\nFROM $B", ["x-y"]),
        ("ARG A=x\nFROM i${A:+:tagged}", ["i:tagged"]),
        ('ARG A="x"\nFROM "$A"', ["x"]),
        ("FROM a\nARG B=c\nFROM ${B}", ["a", ""]),
        ("FROM \\\n a", ["a"]),
        ("FROM", []),
    ],
)
def test_bases_are_what_the_stages_begin_from(text: str, expected: list[str]) -> None:
    assert containerfile.bases(text, {}) == expected


def test_build_arguments_choose_the_base() -> None:
    text = "ARG BASE=a\nFROM ${BASE}:1\n"
    assert containerfile.bases(text, {"BASE": "b", "OTHER": "c"}) == ["b:1"]


def test_rendered_forms_and_pip_are_kept_and_need_no_jinja2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = containerfile.load(tmp_path)
    assert isinstance(first.pip, Path)
    assert replace(first, pip=first.pip.read_bytes()) == TEMPLATE
    monkeypatch.setitem(sys.modules, "jinja2", None)
    assert containerfile.load(tmp_path) == first


def test_forms_of_another_template_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    containerfile.load(tmp_path)
    source = containerfile._source()
    monkeypatch.setattr(containerfile, "_source", lambda: source + "# changed\n")
    assert containerfile.load(tmp_path).staged.endswith("# changed\n")
