"""The config file: what it holds, who may read it, and that it never breaks."""

import json
import os
import stat
import subprocess
import sys
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keynet import credentials
from keynet.errors import KeynetError
from keynet.saved_login import HarborAccount, SavedLogin, SavedProject
from keynet.secret import Secret
from tests.tables import table

TOKEN = "eyJhbGciOiJIUzI1NiJ9.secret.abc"
SAVED = SavedLogin(
    server_url="https://api.example.com/app",
    username="user@example.com",
    api_token=Secret(TOKEN),
    api_token_expires_at=datetime(2025, 11, 4, 12, tzinfo=UTC),
    harbor=HarborAccount("https://harbor.example.com", "robot$1", Secret("eyJrobotpassword-xyz")),
    last_login="2025-11-04T08:30:00",
    project=SavedProject(12, "객체 탐지 모델", "https://api.example.com/app"),
    ca_cert=Path("/etc/company-ca.pem"),
    insecure=True,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "keynet" / "config.json"


def write(file: Path, content: bytes, mode: int = 0o600) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(mode)


def test_a_saved_login_is_loaded(file: Path) -> None:
    credentials.save(SAVED, file)
    assert credentials.load(file) == SAVED


def test_the_file_has_the_documented_form(file: Path) -> None:
    credentials.save(replace(SAVED, project=None, ca_cert=None, insecure=False), file)
    assert json.loads(file.read_text()) == {
        "server_url": "https://api.example.com/app",
        "username": "user@example.com",
        "api_token": TOKEN,
        "api_token_expires_at": "2025-11-04T12:00:00Z",
        "harbor": {
            "url": "https://harbor.example.com",
            "username": "robot$1",
            "password": "eyJrobotpassword-xyz",
        },
        "last_login": "2025-11-04T08:30:00",
    }


def test_only_the_user_may_read_file_and_folder(file: Path) -> None:
    former = os.umask(0)
    try:
        credentials.save(SAVED, file)
    finally:
        os.umask(former)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_keynets_own_folder_is_closed_when_it_was_open(file: Path) -> None:
    file.parent.mkdir(parents=True, mode=0o755)
    credentials.save(SAVED, file)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_shared_folder_is_not_changed(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    credentials.save(SAVED, shared / "my.json")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755


def test_no_file_means_no_login(file: Path) -> None:
    assert credentials.load(file) is None
    assert not file.parent.exists()


def test_unknown_keys_survive_a_rewrite(file: Path) -> None:
    credentials.save(SAVED, file)
    content = json.loads(file.read_text()) | {"theme": {"dark": True}, "future": [1, None]}
    write(file, json.dumps(content).encode())
    credentials.save(replace(SAVED, project=None, username="other"), file)
    after = json.loads(file.read_text())
    assert after["theme"] == {"dark": True}
    assert after["future"] == [1, None]
    assert after["username"] == "other"
    assert after["project"]["id"] == 12


def test_a_lone_surrogate_of_an_unknown_key_survives(file: Path) -> None:
    write(file, b'{"theme": "\\ud800", "username": "\xed\x99\x8d"}')
    credentials.save(SAVED, file)
    loaded = credentials.load(file)
    assert loaded is not None
    assert loaded.extra == {"theme": "\ud800"}
    assert "객체" in file.read_text("utf-8")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o660, 0o601])
def test_a_file_that_others_can_reach_is_refused_with_the_command(file: Path, mode: int) -> None:
    write(file, b"{}", mode)
    with pytest.raises(KeynetError) as caught:
        credentials.load(file)
    assert f"chmod 600 {file}" in caught.value.hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("part", ["file", "folder"])
def test_the_file_or_folder_of_another_user_is_refused_with_the_command(
    file: Path, part: str
) -> None:
    credentials.save(SAVED, file)
    owned = file if part == "file" else file.parent
    os.chown(owned, 12345, -1)
    with pytest.raises(KeynetError, match="belongs to another user") as refused:
        credentials.load(file)
    assert f"chown {os.geteuid()} {owned}" in refused.value.hint
    with pytest.raises(KeynetError):
        credentials.check_savable(file)
    assert credentials.clear(file)


@table("above", [0, 1])
@table("saved", [True, False])
def test_a_folder_in_which_others_could_exchange_the_file_is_refused(
    tmp_path: Path, above: int, saved: bool
) -> None:
    file = tmp_path / "shared/folder/login.json"
    file.parent.mkdir(parents=True)
    if saved:
        credentials.save(SAVED, file)
    opened = file.parents[above]
    opened.chmod(0o777)
    with pytest.raises(KeynetError) as refused:
        credentials.save(SAVED, file)
    assert f"chmod go-w {opened}" in refused.value.hint
    assert saved or not file.exists()
    # As in /tmp, where only its owner can exchange a file.
    opened.chmod(0o1777)
    credentials.save(SAVED, file)
    assert credentials.load(file) == SAVED


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_owner_of_what_lies_above_does_not_count(tmp_path: Path) -> None:
    file = tmp_path / "home/keynet/config.json"
    credentials.save(SAVED, file)
    os.chown(file.parent.parent, 12345, 12345)
    assert credentials.load(file) == SAVED


def test_what_a_killed_process_has_left_of_the_file_is_removed(file: Path) -> None:
    credentials.save(SAVED, file)
    left = file.with_name(".keynet-0123456789abcdef")
    left.write_text("a password")
    credentials.save(SAVED, file)
    assert not left.exists()
    left.write_text("a password")
    credentials.clear(file)
    assert list(file.parent.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"server_url": 3}',
        b'{"harbor": "x"}',
        b'{"harbor": {"password": ["p"]}}',
        b'{"project": {"id": "12"}}',
        b'{"project": {"id": true}}',
        b'{"api_token_expires_at": "soon"}',
        b'{"insecure": "yes"}',
        b'{"x": "' + b"y" * 1_000_001 + b'"}',
    ],
)
def test_a_broken_file_is_named_and_never_overwritten(file: Path, content: bytes) -> None:
    write(file, content)
    with pytest.raises(KeynetError, match="broken"):
        credentials.load(file)
    with pytest.raises(KeynetError, match="broken"):
        credentials.save(SAVED, file)
    assert file.read_bytes() == content
    assert sorted(p.name for p in file.parent.iterdir()) == [".config.json.lock", "config.json"]


def test_a_broken_file_does_not_show_its_secrets(file: Path) -> None:
    write(file, f'{{"api_token": "{TOKEN}" oops}}'.encode())
    with pytest.raises(KeynetError) as caught:
        credentials.load(file)
    assert "line 1" in caught.value.message
    shown = "".join(traceback.format_exception(caught.value))
    assert TOKEN not in shown
    assert caught.value.__cause__ is None


def test_a_folder_or_a_fifo_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeynetError, match="Is a directory"):
        credentials.load(tmp_path)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(KeynetError, match="not a regular file"):
        credentials.load(tmp_path / "fifo")


def test_a_loop_of_links_is_an_error(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    for call in (credentials.load, lambda file: credentials.save(SAVED, file)):
        with pytest.raises(KeynetError, match="symbolic links"):
            call(loop)


def test_a_save_that_fails_leaves_the_file_and_nothing_else(file: Path) -> None:
    credentials.save(SAVED, file)
    before = file.read_bytes()
    with pytest.raises(RuntimeError):
        credentials.update(_fail, file)
    with pytest.raises(TypeError):
        credentials.save(replace(SAVED, extra={"x": object()}), file)
    assert file.read_bytes() == before
    assert sorted(p.name for p in file.parent.iterdir()) == [".config.json.lock", "config.json"]


def _fail(_present: SavedLogin | None) -> SavedLogin:
    raise RuntimeError


def test_a_link_to_the_file_stays_a_link(tmp_path: Path, file: Path) -> None:
    credentials.save(SAVED, file)
    link = tmp_path / "link.json"
    link.symlink_to(file)
    credentials.save(replace(SAVED, username="other"), link)
    assert link.is_symlink()
    loaded = credentials.load(file)
    assert loaded is not None
    assert loaded.username == "other"


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeynetError, match="Cannot save") as caught:
        credentials.save(SAVED, tmp_path / "file" / "keynet" / "config.json")
    assert "KEYNET_CONFIG" in caught.value.hint


def test_clearing_removes_even_a_broken_file(file: Path) -> None:
    write(file, b"broken", 0o644)
    assert credentials.clear(file)
    assert not file.exists()
    assert not credentials.clear(file)


def test_clearing_leaves_no_lock_behind(file: Path) -> None:
    credentials.save(SAVED, file)
    assert credentials.clear(file)
    assert list(file.parent.iterdir()) == []


def test_clearing_without_a_file_creates_nothing(file: Path) -> None:
    assert not credentials.clear(file)
    assert not file.parent.exists()


@table(
    ("environment", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.config/keynet/config.json"),
        ({"HOME": "/home/a", "XDG_CONFIG_HOME": "/x"}, "/x/keynet/config.json"),
        ({"HOME": "/home/a", "XDG_CONFIG_HOME": "rel"}, "/home/a/.config/keynet/config.json"),
        ({"HOME": "/home/a", "XDG_CONFIG_HOME": ""}, "/home/a/.config/keynet/config.json"),
        ({"KEYNET_CONFIG": "/k.json", "XDG_CONFIG_HOME": "/x"}, "/k.json"),
    ],
)
def test_the_environment_decides_the_path(environment: dict[str, str], expected: str) -> None:
    assert credentials.path(environment) == Path(expected)


_WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from keynet import credentials
from keynet.saved_login import SavedLogin, SavedProject
from keynet.secret import Secret
file, name = Path(sys.argv[1]), sys.argv[2]
for number in range(25):
    def change(saved):
        saved = saved or SavedLogin()
        return replace(saved, username=name * 500, api_token=Secret(name * 500),
                       extra={**saved.extra, f"{name}{number}": number})
    credentials.update(change, file)
    assert credentials.load(file).username[0] in "abcd"
"""


@pytest.mark.slow
def test_concurrent_writers_keep_the_file_whole_and_lose_nothing(file: Path) -> None:
    argv = [sys.executable, "-c", _WRITER, str(file)]
    writers = [subprocess.Popen([*argv, name]) for name in "abcd"]
    assert [writer.wait(300) for writer in writers] == [0, 0, 0, 0]
    loaded = credentials.load(file)
    assert loaded is not None
    assert len(loaded.extra) == 100
    assert loaded.api_token == Secret(loaded.username)
    assert sorted(p.name for p in file.parent.iterdir()) == [".config.json.lock", "config.json"]


_ALONE = """
import os, sys, time
from pathlib import Path
from keynet import credentials
from keynet.saved_login import SavedLogin
file, inside = Path(sys.argv[1]), Path(sys.argv[2])
def change(saved):
    os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
    time.sleep(0.001)
    inside.unlink()
    return saved or SavedLogin()
for number in range(60):
    credentials.update(change, file)
    credentials.clear(file)
"""


@pytest.mark.slow
def test_clearing_never_lets_two_writers_in_at_once(file: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", _ALONE, str(file), str(tmp_path / "inside")]
    writers = [subprocess.Popen(argv) for _ in range(4)]
    assert [writer.wait(300) for writer in writers] == [0, 0, 0, 0]
    assert list(file.parent.iterdir()) == []
