"""The Containerfiles that keynet writes of a recipe, and the files that go with them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.oci.reference import Reference
from keynet.plan import Dependencies, HostNetwork, Recipe
from keynet.recipe import instructions
from keynet.runtime.build import rendering
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.build.uv_program import UvProgram
from keynet.secret import Secret
from tests.tables import table

BASE = Reference.parse("python:3.10-slim")
NUMPY = Dependencies(Path("requirements.txt"), {"requirements.txt": b"numpy\n"})
QUIET = HostNetwork()


def _recipe(dependencies: Dependencies = NUMPY, script: str = "train.py") -> Recipe:
    return Recipe(BASE, ("python", script), dependencies=dependencies)


def _one_stage(recipe: Recipe, network: HostNetwork = QUIET, user: str = "") -> Rendered:
    rendered = rendering.one_stage(recipe, network, user)
    assert rendered is not None
    return rendered


def _parsed(text: str) -> list[tuple[str, str]]:
    return [(each.name, each.arguments) for each in instructions.parse(text)]


@pytest.mark.medium
def test_two_stages_install_before_the_code_comes() -> None:
    text = rendering.two_stages(_recipe(), QUIET).text
    assert [name for name, _arguments in _parsed(text)] == [
        *("FROM", "USER", "COPY", "RUN"),
        *("FROM", "COPY", "ENV", "WORKDIR", "ENTRYPOINT", "CMD", "COPY"),
    ]
    assert text.count("FROM docker.io/library/python:3.10-slim") == 2


@pytest.mark.medium
def test_one_stage_mounts_and_gives_the_bases_user_back() -> None:
    text = _one_stage(_recipe(), user="jovyan:users").text
    assert [name for name, _arguments in _parsed(text)] == [
        *("FROM", "USER", "RUN", "USER", "ENV", "WORKDIR", "ENTRYPOINT", "CMD", "COPY")
    ]
    assert "RUN --mount=type=bind,source=build,target=/keynet [" in text
    assert [arguments for name, arguments in _parsed(text) if name == "USER"] == [
        "0",
        "jovyan:users",
    ]


@pytest.mark.medium
def test_a_base_without_a_user_runs_as_root() -> None:
    users = [arguments for name, arguments in _parsed(_one_stage(_recipe()).text) if name == "USER"]
    assert users == ["0", "0"]


@table("user", ["a b", "a\nRUN evil", "$USER", "a:b:c", "-x", "a\\", "${X:-0}", " "])
def test_a_user_that_is_none_gives_no_one_stage(user: str) -> None:
    assert rendering.one_stage(_recipe(), QUIET, user) is None


def test_without_dependencies_there_is_no_run_and_a_python_of_last_resort() -> None:
    recipe = _recipe(Dependencies())
    rendered = rendering.two_stages(recipe, QUIET)
    assert "RUN" not in [name for name, _arguments in _parsed(rendered.text)]
    assert rendering.one_stage(recipe, QUIET, "") is None
    # A link needs no shell in the base; the script serves where Python is somewhere else.
    assert rendered.links == {"bin/python": "/usr/bin/python3"}
    assert rendered.executables == {"scripts/python"}
    python = rendered.build_files["scripts/python"]
    assert isinstance(python, bytes)
    assert python.startswith(b"#!/bin/sh\n")
    assert ':/opt/keynet/bin:/opt/keynet/scripts"' in rendered.text


@pytest.mark.medium
def test_nothing_of_the_network_is_in_either_text() -> None:
    network = HostNetwork(
        {"http_proxy": Secret("http://u:s3cret@proxy:1")},
        b"PEM",
        Secret("[global]\nindex-url = https://u:s3cret@index/simple\n"),
    )
    for rendered in (rendering.two_stages(_recipe(), network), _one_stage(_recipe(), network)):
        assert "s3cret" not in rendered.text
        assert "proxy:1" not in rendered.text
        assert "index/simple" not in rendered.text


def _mounting(requirements: bytes, network: HostNetwork) -> str:
    return _one_stage(_recipe(Dependencies(None, {"requirements.txt": requirements})), network).text


@pytest.mark.medium
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


@pytest.mark.medium
def test_a_large_archive_stays_a_file_and_its_hash_turns_the_cache(tmp_path: Path) -> None:
    def rendered(digest: str) -> Rendered:
        files: dict[str, bytes | Path] = {
            "requirements.txt": b"",
            "archives/x.whl": tmp_path / digest / "x.whl",
        }
        return _one_stage(_recipe(Dependencies(None, files)))

    one, other = rendered("a" * 64), rendered("b" * 64)
    assert one.build_files["archives/x.whl"] == tmp_path / ("a" * 64) / "x.whl"
    assert one.text != other.text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("train.py", '["python", "train.py"]'),
        ("my dir/train.py", '["python", "my dir/train.py"]'),
        ("훈련.py", '["python", "훈련.py"]'),
        ('a"b\\c.py', '["python", "a\\"b\\\\c.py"]'),
        ("a\nRUN evil\n.py", '["python", "a\\nRUN evil\\n.py"]'),
        ("a\u2028b.py", '["python", "a\\u2028b.py"]'),
        ("$HOME/${x}.py", '["python", "$HOME/${x}.py"]'),
    ],
)
def test_command_is_one_line_of_json(script: str, expected: str) -> None:
    for dependencies in (NUMPY, Dependencies()):
        text = rendering.two_stages(_recipe(dependencies, script), QUIET).text
        assert f"\nCMD {expected}\n" in text
    assert f"\nCMD {expected}\n" in _one_stage(_recipe(script=script)).text
    assert json.loads(expected)[1] == script


@pytest.mark.medium
def test_environment_is_quoted_and_set_before_the_code_comes() -> None:
    recipe = Recipe(
        BASE, ("python", "t.py"), "/srv/job", {"B": 'a "b" $C \\', "A": "${base}"}, NUMPY
    )
    for rendered in (rendering.two_stages(recipe, QUIET), _one_stage(recipe)):
        assert rendered.text.endswith(
            'ENV A="\\${base}"\nENV B="a \\"b\\" \\$C \\\\"\nWORKDIR /srv/job\nENTRYPOINT []\n'
            'CMD ["python", "t.py"]\nCOPY context/ /srv/job/\n'
        )


@pytest.mark.medium
def test_import_paths_lie_in_the_workdir() -> None:
    dependencies = Dependencies(None, {"requirements.txt": b"numpy\n"}, (".", "libs/mine/src"))
    recipe = Recipe(BASE, ("python", "t.py"), "/srv/job", {}, dependencies)
    written = rendering.two_stages(recipe, QUIET).build_files["paths.json"]
    assert isinstance(written, bytes)
    assert json.loads(written) == ["/srv/job", "/srv/job/libs/mine/src"]


@pytest.mark.medium
def test_build_files_are_the_same_bytes_again_and_hold_the_hosts_network() -> None:
    network = HostNetwork({"http_proxy": Secret("http://p:1")}, b"PEM", Secret("[global]\n"))
    rendered = rendering.two_stages(_recipe(), network)
    files = rendered.build_files
    assert rendering.two_stages(_recipe(), network) == rendered
    assert _one_stage(_recipe(), network).build_files == files
    assert sorted(name for name in files if not name.startswith("keynet/")) == [
        "ca.pem",
        "install.py",
        "installer.json",
        "paths.json",
        "pip.conf",
        "pip.zip",
        "proxies.json",
        "requirements.txt",
    ]
    assert files["ca.pem"] == b"PEM"
    proxies = files["proxies.json"]
    assert isinstance(proxies, bytes)
    assert b'"http_proxy": "http://p:1"' in proxies
    quiet = rendering.two_stages(_recipe(), QUIET).build_files
    assert {"ca.pem", "pip.conf"}.isdisjoint(quiet)


@pytest.mark.medium
def test_pip_is_kept_and_rendered_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = rendering.two_stages(_recipe(), QUIET)
    pip = first.build_files["pip.zip"]
    assert isinstance(pip, Path)
    assert pip.is_relative_to(tmp_path / "keynet")
    inode = pip.stat().st_ino
    assert rendering.two_stages(_recipe(), QUIET) == first
    assert pip.stat().st_ino == inode
    # No rendering is kept: pip is all that there is.
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [pip]


@pytest.mark.medium
def test_uv_of_an_image_is_mounted_or_copied_and_one_of_a_file_is_sent(tmp_path: Path) -> None:
    file = UvProgram("1-2", tmp_path / "uv")
    image = replace(file, image="localhost/keynet/uv:1-2")
    one = rendering.one_stage(_recipe(), QUIET, "", image)
    assert one is not None
    assert "--mount=type=bind,from=localhost/keynet/uv:1-2,target=/keynet-uv [" in one.text
    two = rendering.two_stages(_recipe(), QUIET, image)
    assert "\nCOPY --from=localhost/keynet/uv:1-2 /uv /keynet-uv/uv\nRUN " in two.text
    assert "uv" not in {**one.build_files, **two.build_files}
    sent = rendering.two_stages(_recipe(), QUIET, file)
    assert sent.build_files["uv"] == tmp_path / "uv"
    assert sent.executables == {"uv"}
    assert "keynet-uv" not in sent.text


@pytest.mark.medium
def test_cache_of_the_mounting_form_turns_on_the_installer(tmp_path: Path) -> None:
    uv = UvProgram("1-2", tmp_path / "uv")
    other = UvProgram("1-3", tmp_path / "uv")
    texts = {
        form.text
        for form in (
            rendering.one_stage(_recipe(), QUIET, ""),
            rendering.one_stage(_recipe(), QUIET, "", uv),
            rendering.one_stage(_recipe(), QUIET, "", other),
            rendering.one_stage(replace(_recipe(), installer="pip"), QUIET, ""),
        )
        if form is not None
    }
    assert len(texts) == 4


@pytest.mark.medium
def test_an_environment_variable_cannot_add_an_instruction() -> None:
    evil = replace(_recipe(), environment={"A": "a\nRUN evil"})
    with pytest.raises(ContextInvalid, match="cannot hold"):
        rendering.two_stages(evil, QUIET)
