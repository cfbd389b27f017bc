"""Flags behind the RUN steps of a user's own Containerfile, for BuildKit."""

from pathlib import Path

from keynet.plan import BuildPlan, HostNetwork
from keynet.recipe import containerfile
from keynet.runtime.build.rendering import Rendered
from keynet.runtime.engines.docker import docker_mounts
from tests.tables import table

FLAGS = (
    "--mount=type=secret,id=keynet-pip.conf,target=/etc/xdg/pip/pip.conf,mode=0444 "
    "--mount=type=secret,id=keynet-ca.pem,target=/etc/xdg/pip/ca.pem,mode=0444"
)
NETWORK = HostNetwork(ca_bundle=b"PEM")


def _plan(folder: Path, text: str, network: HostNetwork = NETWORK) -> BuildPlan:
    file = folder / "Dockerfile"
    file.write_bytes(text.encode())
    return BuildPlan(folder, (), containerfile.read(file), host_network=network)


def _rendered(folder: Path, text: str, network: HostNetwork = NETWORK) -> Rendered:
    plan = _plan(folder, text, network)
    recipe = containerfile.read(folder / "Dockerfile")
    return docker_mounts.render(plan, recipe)


@table(
    ("text", "wanted"),
    [
        ("FROM a\nRUN b\n", "FROM a\nRUN --mount=x b\n"),
        ("FROM a\n  run\tb", "FROM a\n  run --mount=x\tb"),
        ('FROM a\nRUN ["b", "c"]\r\n', 'FROM a\nRUN --mount=x ["b", "c"]\r\n'),
        ("FROM a\nRUN --network=none b\n", "FROM a\nRUN --mount=x --network=none b\n"),
        ("FROM a\nRUN b \\\n# RUN c\n RUN d\n", "FROM a\nRUN --mount=x b \\\n# RUN c\n RUN d\n"),
        ("FROM a\nRUN <<EOF\nRUN b\nEOF\n", "FROM a\nRUN --mount=x <<EOF\nRUN b\nEOF\n"),
        (
            "FROM a\nCOPY <<E /b\nRUN c\nE\nRUN d\n",
            "FROM a\nCOPY <<E /b\nRUN c\nE\nRUN --mount=x d\n",
        ),
        ("# escape=`\nFROM a\nRUN b `\n c\n", "# escape=`\nFROM a\nRUN --mount=x b `\n c\n"),
        ("FROM a\nRUN \\\n  b\nRUN c\n", "FROM a\nRUN --mount=x \\\n  b\nRUN --mount=x c\n"),
        ("FROM a\nONBUILD RUN b\n", "FROM a\nONBUILD RUN b\n"),
        ("FROM a\nCOPY b c\n", "FROM a\nCOPY b c\n"),
    ],
)
def test_each_run_of_the_file_gets_the_flags(tmp_path: Path, text: str, wanted: str) -> None:
    assert _rendered(tmp_path, text) == Rendered(wanted.replace("--mount=x", FLAGS))


@table(
    ("syntax", "known"),
    [
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1", True),
        ("docker/dockerfile:1.2", True),
        ("docker/dockerfile:1.10-labs", True),
        ("docker/dockerfile:1.0", False),
        ("docker/dockerfile:1.1-experimental", False),
        ("mine/frontend:latest", False),
    ],
)
def test_a_syntax_that_may_not_know_mounts_gets_none(
    tmp_path: Path, syntax: str, *, known: bool
) -> None:
    text = f"# syntax={syntax}\nFROM a\nRUN b\n"
    wanted = f"# syntax={syntax}\nFROM a\nRUN {FLAGS} b\n" if known else text
    assert _rendered(tmp_path, text).text == wanted


def test_a_syntax_named_in_a_comment_further_down_is_none(tmp_path: Path) -> None:
    assert FLAGS in _rendered(tmp_path, "FROM a\n# syntax=mine/frontend\nRUN b\n").text


def test_a_mount_of_the_users_own_stays_what_it_is(tmp_path: Path) -> None:
    text = "FROM a\nRUN --mount=type=secret,id=x,target=/etc/xdg/pip/pip.conf pip\n"
    assert _rendered(tmp_path, text).text == text


def test_a_host_without_settings_of_its_own_changes_nothing(tmp_path: Path) -> None:
    text = "FROM a\nRUN b\n"
    assert _rendered(tmp_path, text, HostNetwork()).text == text


def test_the_flags_that_nobody_wrote_are_hidden_in_the_log() -> None:
    assert docker_mounts.without_mounts(f"#5 [2/2] RUN {FLAGS} b") == "#5 [2/2] RUN b"
    assert docker_mounts.without_mounts("#5 [2/2] RUN --mount=x b") == "#5 [2/2] RUN --mount=x b"


def test_secrets_are_given_for_the_files_that_are_there(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir()
    text = "FROM a\nRUN b\n"
    plan = _plan(tmp_path, text)
    assert docker_mounts.secret_flags(plan, Rendered(text), private) == []
    assert not list(private.iterdir())
    flags = docker_mounts.secret_flags(plan, _rendered(tmp_path, text), private)
    assert flags == [
        f"--secret=id=keynet-pip.conf,src={private}/pip/pip.conf",
        f"--secret=id=keynet-ca.pem,src={private}/pip/ca.pem",
    ]
