"""Every engine builds and pushes the same image, quickly the second time, and leaves nothing."""

import os
from pathlib import Path

import pytest

from tests.integration.engines import (
    KINDS,
    NEWER_KINDS,
    Host,
    access,
    image_config,
    image_files,
    make_host,
    marked,
    project_tags,
    staged,
    unnamed_images,
)
from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry

TWO_STAGES = """\
FROM busybox AS dependencies
RUN ["sh", "-c", "cat /proc/sys/kernel/random/uuid > /installed"]
FROM busybox
COPY --from=dependencies /installed /installed
WORKDIR /workspace
CMD ["cat", "train.py"]
COPY . /workspace/
"""


OFTEN = (
    "docker-legacy",
    "docker-buildkit",
    "podman-root",
    "buildah-rootless",
    "docker-newer",
    "podman-newer-rootless",
)


# Where podman and buildah take the same files by the same arguments.
ONE_OF_EACH = marked(
    (*KINDS, *NEWER_KINDS),
    ("docker-legacy", "docker-buildkit", "podman-root", "podman-newer-rootless"),
)
OTHERS = marked((*KINDS, *NEWER_KINDS), ("docker-legacy", "docker-newer", "buildah-rootless"))


@pytest.fixture(params=marked((*KINDS, *NEWER_KINDS), OFTEN))
def host(request: pytest.FixtureRequest) -> Host:
    return make_host(request.param, request)


@pytest.fixture
def context(host: Host) -> Path:
    """A context with names that need care, links, modes, and files that are ignored."""
    folder = host.home / f"context-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o755)
    (folder / "train.py").write_text("print('trained')\n")
    (folder / "학습 데이터").mkdir()
    (folder / "학습 데이터" / 'it\'s "quoted".txt').write_text("한글")
    (folder / "new\nline.txt").write_text("n")
    (folder / "$HOME `x`.txt").write_text("d")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "inside").symlink_to("train.py")
    (folder / "outside").symlink_to("/etc/passwd")
    (folder / "dangling").symlink_to("no/such/file")
    (folder / "loop").symlink_to("loop")
    (folder / "empty").mkdir()
    (folder / ".dockerignore").write_text("*.log\ndata/\n!keep.log\n")
    (folder / "a.log").write_text("ignored")
    (folder / "keep.log").write_text("kept")
    (folder / "data").mkdir()
    (folder / "data" / "big.bin").write_text("ignored")
    os.mkfifo(folder / "fifo")
    return host.own(folder)


WANTED: dict[str, bytes | str] = {
    "train.py": b"print('trained')\n",
    "학습 데이터/": b"",
    '학습 데이터/it\'s "quoted".txt': "한글".encode(),
    "new\nline.txt": b"n",
    "$HOME `x`.txt": b"d",
    "run.sh": b"#!/bin/sh\n",
    "inside": "train.py",
    "outside": "/etc/passwd",
    "dangling": "no/such/file",
    "loop": "loop",
    "empty/": b"",
    ".dockerignore": b"*.log\ndata/\n!keep.log\n",
    "keep.log": b"kept",
}


def _workspace(files: dict[str, bytes | str]) -> dict[str, bytes | str]:
    inside = "workspace/"
    return {
        path.removeprefix(inside): content
        for path, content in files.items()
        if path.startswith(inside) and path != inside
    }


def test_second_push_installs_nothing_again(
    host: Host, context: Path, token_registry: RegistryServer, tmp_path: Path
) -> None:
    login = access(token_registry, context.parent)
    name = f"{token_registry.host}/kitech-model/{os.urandom(6).hex()}"
    request = {
        "context": str(context),
        "base": "python-stub",
        "requirements": "numpy==1\n",
        "access": login,
        "labels": {"keynet.managed": "true"},
    }
    before = unnamed_images(host)
    first = host.ask(**request, target=f"{name}:latest")
    assert first.status == 0, first.json
    files = image_files(token_registry, f"{name}@{first.json['digest']}", tmp_path)
    assert _workspace(files) == WANTED
    assert files["opt/keynet/requirements.txt"] == b"numpy==1\n"
    settings = image_config(tmp_path)["config"]
    assert settings["Labels"]["keynet.managed"] == "true"
    assert (settings["Cmd"], settings["WorkingDir"]) == (["cat", "train.py"], "/workspace")

    (context / "train.py").write_text("print('changed')\n")
    second = host.ask(**request, target=f"{name}:again")
    assert second.status == 0, second.json
    changed = image_files(token_registry, f"{name}:again", tmp_path)
    assert changed["workspace/train.py"] == b"print('changed')\n"
    assert changed["opt/keynet/installed"] == files["opt/keynet/installed"]
    if host.engine == "docker":
        # podman and buildah say so on a terminal only.
        assert "BlobSkipped" in second.json["events"]

    assert unnamed_images(host) == before
    assert name not in host.run(host.engine, "images")
    assert _left_behind(host) == []


@pytest.mark.parametrize("host", ONE_OF_EACH, indirect=True)
def test_a_mended_build_leaves_no_name_of_the_failed_one(host: Host, context: Path) -> None:
    before = unnamed_images(host)
    two = TWO_STAGES.replace("FROM busybox\n", 'FROM busybox\nRUN ["sh", "-c", "exit 3"]\n')
    for text, status in ((two, 4), ("FROM busybox\nCOPY . /workspace/\n", 0)):
        assert host.ask(context=str(context), text=text).status == status
    assert project_tags(host, context) == ["latest"]
    assert unnamed_images(host) == before


@pytest.mark.parametrize("host", OTHERS, indirect=True)
def test_users_containerfile_gets_the_same_files(
    host: Host, context: Path, basic_registry: RegistryServer, tmp_path: Path
) -> None:
    outside = context.parent / f"{context.name}.Containerfile"
    outside.write_text("FROM busybox\nCOPY . /workspace/\n")
    host.own(outside)
    # docker alone would apply this one again, and would not know the other.
    (context / ".containerignore").write_text("*.log\ndata\n!keep.log\n.dockerignore\n")
    (context / ".dockerignore").write_text("train.py\n")
    name = f"{basic_registry.host}/kitech-model/{os.urandom(6).hex()}"
    pushed = host.ask(
        context=str(context),
        containerfile=str(outside),
        access=access(basic_registry, context.parent),
        target=f"{name}:latest",
    )
    assert pushed.status == 0, pushed.json
    files = _workspace(image_files(basic_registry, f"{name}:latest", tmp_path))
    wanted = {path: content for path, content in WANTED.items() if path != ".dockerignore"}
    assert files == {**wanted, ".containerignore": b"*.log\ndata\n!keep.log\n.dockerignore\n"}


@pytest.mark.parametrize("host", ONE_OF_EACH, indirect=True)
def test_modes_survive(
    host: Host, context: Path, http_registry: RegistryServer, tmp_path: Path
) -> None:
    name = f"{http_registry.host}/kitech-model/{os.urandom(6).hex()}"
    pushed = host.ask(
        context=str(context),
        text='FROM busybox\nCOPY . /workspace/\nRUN ["ls", "-ld", "/workspace/run.sh"]\n',
        no_cache=True,
        access=access(http_registry, context.parent),
        target=f"{name}:latest",
    )
    assert pushed.status == 0, pushed.json
    assert "-rwxr-xr-x" in pushed.log


def test_proxies_and_secrets_stay_out_of_image_and_command_line(
    host: Host, context: Path, http_registry: RegistryServer, tmp_path: Path
) -> None:
    secret = "p-r-o-x-y-word"
    proxy = f"http://user:{secret}@127.0.0.1:1/"
    name = f"{http_registry.host}/kitech-model/{os.urandom(6).hex()}"
    pushed = host.ask(
        context=str(context),
        text="FROM busybox\n"
        'RUN ["sh", "-c", "env | sed -n s/^HTTPS_PRO/the-pro/p"]\n'
        "COPY . /workspace/\n",
        no_cache=True,
        access=access(http_registry, context.parent),
        target=f"{name}:latest",
        proxies={"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1"},
    )
    assert pushed.status == 0, pushed.json
    assert "the-proXY=***" in pushed.log
    assert secret not in pushed.log
    files = image_files(http_registry, f"{name}:latest", tmp_path)
    config = image_config(tmp_path)
    assert secret not in str(files) + str(config)
    assert "HTTPS_PROXY" not in str(config["config"]) + str(config["history"])


def _left_behind(host: Host) -> list[str]:
    """List what a push may leave in no case: staging, credentials, trials."""
    found = [*staged(host), *host.temporary.glob("keynet-*")]
    return [str(path) for path in found]


def test_kinds_cover_every_engine() -> None:
    assert {kind.partition("-")[0] for kind in KINDS} == {"docker", "podman", "buildah"}


def test_users_containerfile_finds_the_hosts_pip_settings(
    host: Host, context: Path, http_registry: RegistryServer, tmp_path: Path
) -> None:
    legacy = host.environment.get("DOCKER_BUILDKIT") == "0"
    if legacy:
        # Its daemon can mount nothing of this host: the build must work without.
        text = "FROM busybox\nRUN test ! -e /etc/xdg/pip\n"
    else:
        # As another user too: secrets are root's alone unless that is said.
        text = "FROM busybox\nUSER 1234\nRUN cat /etc/xdg/pip/pip.conf /etc/xdg/pip/ca.pem\n"
    own = context / "Containerfile"
    own.write_text(text)
    name = f"{http_registry.host}/kitech-model/{os.urandom(6).hex()}"
    pushed = host.ask(
        context=str(context),
        containerfile=str(own),
        access=access(http_registry, context.parent),
        target=f"{name}:latest",
        pip_conf="[global]\nindex-url = http://u:index-word@127.0.0.1:9/simple\n",
        ca_bundle="the bundle's text",
        no_cache=True,
    )
    assert pushed.status == 0, (pushed.json, pushed.log)
    assert "--mount" not in pushed.log
    if not legacy:
        assert "cert = /etc/xdg/pip/ca.pem" in pushed.log
        assert "the bundle's text" in pushed.log
    files = image_files(http_registry, f"{name}:latest", tmp_path)
    assert [path for path in files if "xdg/pip" in path] in ([], ["etc/xdg/pip/"])
    assert "--mount" not in str(image_config(tmp_path))
    assert "index-word" not in str(files) + str(image_config(tmp_path))
