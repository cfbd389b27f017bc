"""Logging out without an engine: the entries of one host go, everything else stays."""

import base64
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keynet.registry.auth.stored_removal import remove
from tests.tables import table

HOST = "harbor.example.com"
LOGIN = {"auth": base64.b64encode(b"robot$1:password").decode()}


@pytest.fixture
def shared() -> Iterator[Path]:
    """A home that other users may enter; pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _files(home: Path) -> dict[str, Path]:
    return {
        "docker": home / ".docker/config.json",
        "containers": home / ".config/containers/auth.json",
        "runtime": home / "run/containers/auth.json",
        "named": home / "mine.json",
        "legacy": home / ".dockercfg",
    }


def _environment(home: Path) -> dict[str, str]:
    named = str(home / "mine.json")
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "REGISTRY_AUTH_FILE": named}


def _write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


@table("which", ["docker", "containers", "runtime", "named"])
@table("key", [HOST, f"https://{HOST}", f"https://{HOST}/v1/"])
def test_the_login_goes_and_all_else_stays(tmp_path: Path, which: str, key: str) -> None:
    others = {"harbor.example.com.evil": LOGIN, f"{HOST}:8443": LOGIN, "other": LOGIN}
    document = {"auths": {key: LOGIN, **others}, "HttpHeaders": {"이름": "값"}, "psFormat": "x"}
    file = _write(_files(tmp_path)[which], document)
    (done,) = remove(HOST, _environment(tmp_path))
    assert (done.file, done.removed, done.left) == (file, True, "")
    assert json.loads(file.read_text()) == {**document, "auths": others}
    assert file.stat().st_mode & 0o777 == 0o600
    assert remove(HOST, _environment(tmp_path)) == []


def test_the_old_format_is_known(tmp_path: Path) -> None:
    file = _write(_files(tmp_path)["legacy"], {f"https://{HOST}": LOGIN, "other": LOGIN})
    assert [each.removed for each in remove(HOST, _environment(tmp_path))] == [True]
    assert json.loads(file.read_text()) == {"other": LOGIN}


@table("content", ["", "{", "[]", '{"auths": null}', '{"auths": {"x": {}}}'])
def test_a_file_without_it_is_not_changed(tmp_path: Path, content: str) -> None:
    file = _write(_files(tmp_path)["docker"], {})
    file.write_text(content)
    assert remove(HOST, _environment(tmp_path)) == []
    assert file.read_text() == content


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = _write(tmp_path / "dotfiles/config.json", {"auths": {HOST: LOGIN}})
    link = _files(tmp_path)["docker"]
    link.parent.mkdir()
    link.symlink_to(real)
    remove(HOST, _environment(tmp_path))
    assert link.is_symlink()
    assert json.loads(real.read_text()) == {"auths": {}}


def test_what_a_helper_keeps_is_named(tmp_path: Path) -> None:
    file = _write(_files(tmp_path)["docker"], {"auths": {HOST: {}}, "credsStore": "pass"})
    (done,) = remove(HOST, _environment(tmp_path))
    assert done.file == file
    assert f"echo {HOST} | docker-credential-pass erase" in done.left


@pytest.mark.medium
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can use another user id")
def test_a_file_that_cannot_be_written_is_named(shared: Path) -> None:
    file = _write(_files(shared)["docker"], {"auths": {HOST: LOGIN}})
    file.chmod(0o644)
    file.parent.chmod(0o755)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.setuid(12345)
        found = remove(HOST, _environment(shared))
        os.write(write, repr([(each.removed, bool(each.left)) for each in found]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    told = os.read(read, 100).decode()
    os.close(read)
    os.close(write)
    assert told == "[(False, True)]"
    assert HOST in file.read_text()
