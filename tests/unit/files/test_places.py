"""keynet's own files go to the user's folders, else to a private temporary one."""

import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keynet.errors import KeynetError
from keynet.files import places


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose user has no folder at all but this one, for temporary files."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/dev/null")
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_users_folders_are_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert places.home() == tmp_path
    assert tmp_path in places.cache().parents
    assert tmp_path in places.data().parents
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    assert places.cache() == tmp_path / "mine/keynet"


def test_a_private_folder_is_the_substitute(temporary: Path) -> None:
    own = temporary / f"keynet-{os.geteuid()}"
    assert places.cache() == own / "cache"
    assert places.data() == own / "data"
    assert own.stat().st_mode & 0o777 == 0o700
    assert places.cache() == own / "cache"


@pytest.mark.parametrize("trap", ["open", "link", "file"])
def test_a_folder_that_others_could_change_is_refused(temporary: Path, trap: str) -> None:
    own = temporary / f"keynet-{os.geteuid()}"
    if trap == "open":
        own.mkdir(mode=0o777)
        own.chmod(0o770)
    elif trap == "link":
        own.symlink_to(temporary)
    else:
        own.write_text("")
    with pytest.raises(KeynetError) as refused:
        places.cache()
    assert str(own) in refused.value.message
    assert "XDG_CACHE_HOME" in refused.value.hint


def test_a_machine_without_any_folder_is_an_error(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "gone"))
    with pytest.raises(KeynetError, match="no folder for keynet's own files"):
        places.data()


def test_a_user_without_a_home_has_the_root(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME")
    # No line of /etc/passwd has it.
    monkeypatch.setattr(os, "getuid", lambda: 54_321)
    assert places.home() == Path("/")
    assert places.expanded(Path("~/x")) == Path("~/x")
    assert temporary in places.cache().parents
    monkeypatch.setenv("HOME", "not/absolute")
    assert places.home() == Path("/")


def test_a_writable_folder_is_recognised_without_creating_it(tmp_path: Path) -> None:
    assert places.is_writable(tmp_path / "a/b")
    (tmp_path / "file").write_text("")
    assert not places.is_writable(tmp_path / "file/a")
    assert not places.is_writable(tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    for link, target in (("link", tmp_path), ("broken", tmp_path / "unmounted"), ("loop", "loop")):
        (tmp_path / link).symlink_to(target)
        assert places.is_writable(tmp_path / link / "a") == (link == "link")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_a_private_folder_is_made_with_those_above_it(tmp_path: Path, umask: int) -> None:
    former = os.umask(umask)
    try:
        places.make_private(tmp_path / "a/b/c")
        places.make_private(tmp_path / "a/b/c")
    finally:
        os.umask(former)
    for folder in ("a", "a/b", "a/b/c"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


def test_an_open_folder_of_keynets_own_is_closed_and_no_other(tmp_path: Path) -> None:
    for name in ("keynet", "shared"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o755)
        places.make_private(tmp_path / name)
    assert (tmp_path / "keynet").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("trap", ["file", "link"])
def test_a_private_folder_is_not_made_over_something_else(tmp_path: Path, trap: str) -> None:
    if trap == "file":
        (tmp_path / "place").write_text("")
    else:
        (tmp_path / "place").symlink_to("nowhere")
    for folder in (tmp_path / "place", tmp_path / "place/below"):
        with pytest.raises(NotADirectoryError, match="Not a directory"):
            places.make_private(folder)


def test_links_are_resolved_as_far_as_possible(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert places.real(tmp_path / "loop") == tmp_path / "loop"
    assert places.real(tmp_path / "link") == tmp_path / "file"


def test_the_owner_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.is_own(str(tmp_path))
    assert places.is_own(str(tmp_path / "nothing"))
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    assert not places.is_own(str(tmp_path))


@pytest.mark.parametrize("name", ["a,b", "a:b", 'a"b', "a b", "a\nb", "a$b", "a\\b", "a'b", "a*"])
def test_temporary_files_go_where_the_path_is_plain(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / name
    odd.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    assert not places.is_plain(str(odd))
    assert places.plain_temporary() == Path("/var/tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert places.plain_temporary() == tmp_path
    assert places.is_plain("/home/학생/a-b_c.d~1@x/%=+")


@pytest.mark.slow
def test_a_chain_of_thousands_of_links_is_left_as_it_is(tmp_path: Path) -> None:
    for number in range(3_000):
        (tmp_path / f"link{number}").symlink_to(f"link{number + 1}")
    # Python 3.13 follows any number of them.
    assert places.real(tmp_path / "link0") in (tmp_path / "link0", tmp_path / "link3000")


@pytest.mark.medium
def test_a_folder_that_many_create_at_once_is_created(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) / "a" / "b" for number in range(120)]
    with ThreadPoolExecutor(8) as pool:
        for folder in folders:
            list(pool.map(places.make_private, [folder] * 8))
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in folders)
