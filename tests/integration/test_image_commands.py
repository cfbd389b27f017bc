"""keynet image and keynet registry, as processes, against real registries."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.archives import docker_old, make_image, oci, random_image, write
from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry


@pytest.fixture
def keynet(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run one command with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KEYNET_")}
    environment = {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "keynet", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )

    return run


Keynet = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return write(tmp_path / "app.tar", docker_old(random_image(1, tags=["team/app:1", "b:2"])))


def test_push_look_pull_and_delete(
    keynet: Keynet, archive: Path, make_registry: Callable[..., RegistryServer], tmp_path: Path
) -> None:
    host = make_registry().host
    pushed = keynet("image", "push", archive, "--to", host)
    assert pushed.returncode == 0, pushed.stderr
    target, digest = pushed.stdout.split()
    assert target == f"{host}/team/app:1"
    assert keynet("registry", "repos", host).stdout == "team/app\n"
    assert keynet("registry", "tags", host, "team/app").stdout == "1\n"
    assert json.loads(keynet("registry", "tags", f"{host}/team/app", "--json").stdout) == ["1"]
    manifest = keynet("registry", "manifest", f"http://{host}/team/app:1", "--json")
    assert json.loads(manifest.stdout)["digest"] == digest
    info = json.loads(keynet("registry", "info", host, "team/app", "1", "--json").stdout)
    assert (info["architecture"], len(info["layers"])) == ("amd64", 3)
    for shown in (
        keynet("registry", "info", f"{host}/team/app@{digest}"),
        keynet("registry", "manifest", f"{host}/team/app", "1"),
        keynet("registry", "repos", "-l", host),
    ):  # fmt: skip
        assert shown.returncode == 0, shown.stderr
        assert "\x1b" not in shown.stdout
    pulled = keynet("image", "pull", f"{host}/team/app:1", tmp_path / "b.tar", "--json")
    assert json.loads(pulled.stdout)["digest"] == digest
    assert keynet("image", "validate", tmp_path / "b.tar").returncode == 0
    refused = keynet("registry", "rm", f"{host}/team/app:1")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    removed = keynet("registry", "rm", "--yes", f"{host}/team/app:1", "--json")
    assert json.loads(removed.stdout) == {"image": f"{host}/team/app:1", "deleted": True}
    assert keynet("registry", "rm", "--yes", f"{host}/team/app:1").returncode == 5
    assert keynet("registry", "rm", "--yes", f"{host}/team/app").returncode == 2


def test_rm_at_a_terminal_asks_first(
    keynet: Keynet, archive: Path, make_registry: Callable[..., RegistryServer]
) -> None:
    host = make_registry().host
    keynet("image", "push", archive, "--to", f"{host}/a:1")
    for answer, left in (("n\n", "1\n"), ("y\n", "")):
        here, there = pty.openpty()
        os.write(here, answer.encode())
        process = subprocess.run(
            [sys.executable, "-m", "keynet", "registry", "rm", f"{host}/a:1"],
            stdin=there,
            stdout=subprocess.PIPE,
            stderr=there,
            check=False,
        )
        os.close(there)
        os.close(here)
        assert process.returncode == (0 if not left else 130)
        assert keynet("registry", "tags", f"{host}/a").stdout == left


def test_several_registries_get_a_line_each_and_the_worst_is_the_status(
    keynet: Keynet, archive: Path, make_registry: Callable[..., RegistryServer]
) -> None:
    one, other = make_registry().host, make_registry().host
    done = keynet("image", "push", archive, "--to", one, "--to", f"http://{other}/x/y:2")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        f"{one}/team/app:1",
        f"{other}/x/y:2",
    ]
    failed = keynet(
        "image", "push", archive, "--to", "127.0.0.1:1/x", "--to", one, "--json", "--quiet"
    )
    assert failed.returncode == 5
    results = json.loads(failed.stdout)
    assert [result["exit_status"] for result in results] == [5, 0]
    assert results[0]["error"]
    assert results[1]["digest"].startswith("sha256:")


def test_passwords_come_from_standard_input_and_are_never_shown(
    keynet: Keynet, archive: Path, basic_registry: RegistryServer
) -> None:
    server = basic_registry
    assert server.ca is not None
    flags = ["--ca-cert", server.ca.cert, "--username", server.username, "--password-stdin"]
    target = f"{server.host}/cli/app:1"
    pushed = keynet("image", "push", archive, "--to", target, *flags, stdin=server.password + "\n")
    assert pushed.returncode == 0, pushed.stderr
    assert keynet("registry", "ping", server.url, *flags, stdin=server.password).returncode == 0
    wrong = keynet("registry", "ping", server.url, *flags, stdin="wrong-password")
    assert (wrong.returncode, "wrong-password" in wrong.stderr) == (6, False)
    nobody = keynet("image", "push", archive, "--to", target, "--ca-cert", server.ca.cert)
    assert nobody.returncode == 6
    unknown = keynet("registry", "ping", server.url)
    assert unknown.returncode == 5
    assert "certificate" in unknown.stderr.lower()
    alone = keynet("registry", "ping", server.url, "--username", "me")
    assert alone.returncode == 2
    in_url = keynet("image", "push", archive, "--to", "https://me:secret@h.io/x")
    assert (in_url.returncode, "secret" in in_url.stderr) == (2, False)


def test_the_login_of_keynet_serves_its_registry_and_no_other(
    keynet: Keynet, archive: Path, basic_registry: RegistryServer, tmp_path: Path
) -> None:
    server = basic_registry
    assert server.ca is not None
    config = tmp_path / "home/.config/keynet/config.json"
    config.parent.mkdir(parents=True, mode=0o700)
    harbor = {"url": server.url, "username": server.username, "password": server.password}
    config.write_text(json.dumps({"server_url": "https://api.example.com", "harbor": harbor}))
    config.chmod(0o600)
    target = f"{server.host}/own/app:1"
    done = keynet("image", "push", archive, "--to", target, "--ca-cert", server.ca.cert)
    assert done.returncode == 0, done.stderr
    name = f"localhost:{server.port}"
    foreign = keynet("registry", "ping", f"https://{name}", "--ca-cert", server.ca.cert)
    assert foreign.returncode in (5, 6)


def test_plain_http_beyond_loopback_is_refused(keynet: Keynet, archive: Path) -> None:
    refused = keynet("image", "push", archive, "--to", "http://registry.example.com/x:1")
    assert refused.returncode == 2
    assert "--insecure" in refused.stderr


def test_archives_are_told_apart_by_status_and_words(keynet: Keynet, tmp_path: Path) -> None:
    missing = keynet("image", "push", tmp_path / "none.tar", "--to", "127.0.0.1:1")
    assert (missing.returncode, "none.tar" in missing.stderr) == (7, True)
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"?" * 2000)
    for command in ("inspect", "validate", "tags"):
        refused = keynet("image", command, broken)
        assert (refused.returncode, refused.stdout) == (7, "")
    report = keynet("image", "validate", broken, "--json")
    assert (report.returncode, json.loads(report.stdout)["valid"]) == (7, False)
    assert keynet("image", "validate", tmp_path / "none.tar", "--json").stdout == ""
    untagged = write(tmp_path / "untagged.tar", docker_old(random_image(2, tags=[])))
    nowhere = keynet("image", "push", untagged, "--to", "127.0.0.1:1")
    assert (nowhere.returncode, "repository" in nowhere.stderr) == (7, True)
    assert keynet("image", "push", untagged).returncode == 2


def test_an_image_is_chosen_by_tag_and_platform(keynet: Keynet, tmp_path: Path) -> None:
    arm = make_image(random_image(3).layers, ["a:1"], architecture="arm64")
    amd = make_image(random_image(4).layers, ["a:1"])
    path = write(tmp_path / "a.tar", oci(arm, amd, nested=True))
    shown = keynet("image", "inspect", path, "--platform", "linux/arm64", "--json")
    assert json.loads(shown.stdout)["architecture"] == "arm64"
    assert keynet("image", "inspect", path, "--platform", "linux/mips").returncode == 7
    assert keynet("image", "inspect", path, "--image", "b:2").returncode == 7
    assert json.loads(keynet("image", "tags", path, "--json").stdout) == ["a:1"]
    table = keynet("image", "inspect", path, "--image", "a:1")
    assert "linux/" in table.stdout
    assert "Layer" in table.stdout
