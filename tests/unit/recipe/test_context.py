"""The files of a context."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe import context, ignore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A context with one script."""
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "train.py").write_text("pass\n")
    return folder


@pytest.fixture
def shared() -> Iterator[Path]:
    """A context that other users may enter; pytest's own folders are private."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        (Path(name) / "train.py").write_text("pass\n")
        yield Path(name)


@contextlib.contextmanager
def _ordinary_user() -> Iterator[None]:
    """Be nobody for a while, where the tests run as root: root may read everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def _paths(root: Path, rules: str = "") -> list[str]:
    return [file.path for file in context.scan(root, ignore.parse(rules)).files]


def _notices(root: Path) -> str:
    return "\n".join(notice.text for notice in context.scan(root, ignore.Rules()).notices)


def test_files_are_sorted_with_sizes_and_directories(root: Path) -> None:
    (root / "b").mkdir()
    (root / "b" / "z.txt").write_text("12345")
    (root / "a.txt").write_text("1")
    (root / "b-c").write_text("")
    found = context.scan(root, ignore.Rules())
    assert [(file.path, file.size) for file in found.files] == [
        ("a.txt", 1),
        ("b", 0),
        ("b-c", 0),
        ("b/z.txt", 5),
        ("train.py", 5),
    ]
    assert found.size == 11


def test_ignored_directories_are_not_even_opened(shared: Path) -> None:
    (shared / "closed").mkdir(mode=0)
    with _ordinary_user():
        assert _paths(shared, "closed") == ["train.py"]


def test_exception_brings_back_a_file_of_an_ignored_directory(root: Path) -> None:
    (root / "data" / "raw").mkdir(parents=True)
    (root / "data" / "keep.csv").write_text("")
    (root / "data" / "raw" / "x").write_text("")
    assert _paths(root, "data\n!data/keep.csv") == ["data/keep.csv", "train.py"]


def test_links_are_entries_and_never_followed(root: Path) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("")
    (root / "out").symlink_to(outside)
    (root / "absolute").symlink_to("/etc/passwd")
    (root / "loop").symlink_to(".")
    (root / "self").symlink_to("self")
    (root / "inside").symlink_to("train.py")
    assert _paths(root) == ["absolute", "inside", "loop", "out", "self", "train.py"]
    assert "2 symbolic links point outside the context" in _notices(root)
    assert "absolute, out" in _notices(root)


def test_sockets_and_fifos_are_skipped_and_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock")
        assert _paths(root) == ["train.py"]
        assert "Skipping 2 sockets, fifos or devices of the context: pipe, sock" in _notices(root)


@pytest.mark.parametrize("name", ["with space", "quo'te\"", "new\nline", "훈련", "$HOME", "-dash"])
def test_any_text_is_a_name(root: Path, name: str) -> None:
    (root / name).write_text("")
    assert name in _paths(root)


def test_a_name_that_is_not_utf_8_is_refused_with_its_bytes(root: Path) -> None:
    (root / os.fsdecode(b"caf\xe9")).write_text("")
    with pytest.raises(ContextInvalid, match=r"caf\\xe9.*not UTF-8"):
        context.scan(root, ignore.Rules())
    assert _paths(root, "caf?") == ["train.py"]


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_an_unreadable_entry_is_named_with_the_fix(shared: Path, kind: str) -> None:
    entry = shared / "closed"
    entry.mkdir() if kind == "directory" else entry.write_text("")
    entry.chmod(0)
    with _ordinary_user(), pytest.raises(ContextInvalid, match=f"The {kind} closed") as caught:
        context.scan(shared, ignore.Rules())
    assert "chmod" in caught.value.hint


def test_big_context_names_its_biggest_files(root: Path) -> None:
    (root / ".git").mkdir()
    for number in range(7):
        with (root / ".git" / f"pack{number}").open("wb") as file:
            file.truncate(200_000_000 + number)
    notice = _notices(root)
    assert "1.4 GB" in notice
    assert ".git/pack6 (200 MB)" in notice
    assert "pack1" not in notice
    assert "It includes .git." in notice


def test_a_secret_file_is_named(root: Path) -> None:
    (root / ".env").write_text("")
    (root / "keys").mkdir()
    (root / "keys" / "id_rsa").write_text("")
    (root / ".env.example").write_text("")
    assert "2 files look like secrets and go into the image: .env, keys/id_rsa" in _notices(root)


def test_ordinary_context_has_no_notices(root: Path) -> None:
    assert context.scan(root, ignore.Rules()).notices == ()


def test_missing_context_is_named_as_given_and_as_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContextInvalid, match=rf"absent \({tmp_path}/absent\) does not exist"):
        context.scan(Path("absent"), ignore.Rules())


def test_context_must_be_a_directory(root: Path) -> None:
    with pytest.raises(ContextInvalid, match="is not a directory"):
        context.scan(root / "train.py", ignore.Rules())
    with pytest.raises(ContextInvalid, match="cannot be read"):
        context.scan(root / "train.py" / "x", ignore.Rules())


def test_entrypoint_is_relative_to_the_context(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "src").mkdir()
    (root / "src" / "go.py").write_text("")
    monkeypatch.chdir(root / "src")
    assert context.locate_entrypoint(Path(".."), Path("go.py"), ignore.Rules()) == "src/go.py"
    assert context.locate_entrypoint(root, root / "train.py", ignore.Rules()) == "train.py"


def test_entrypoint_outside_the_context_is_refused(root: Path) -> None:
    other = root.parent / "other.py"
    other.write_text("")
    with pytest.raises(ContextInvalid, match="not inside the build context"):
        context.locate_entrypoint(root, other, ignore.Rules())
    (root / "link.py").symlink_to(other)
    with pytest.raises(ContextInvalid, match="not inside the build context"):
        context.locate_entrypoint(root, root / "link.py", ignore.Rules())


def test_an_entrypoint_through_links_keeps_a_name_inside_the_image(root: Path) -> None:
    (root / "now.py").symlink_to("train.py")
    assert context.locate_entrypoint(root, root / "now.py", ignore.Rules()) == "now.py"
    alias = root.parent / "alias"
    alias.symlink_to(root)
    assert context.locate_entrypoint(root, alias / "train.py", ignore.Rules()) == "train.py"
    assert context.locate_entrypoint(alias, alias / "train.py", ignore.Rules()) == "train.py"


def test_ignored_entrypoint_is_refused_with_the_line(root: Path) -> None:
    (root / ".dockerignore").write_text("# all\n*.py\n")
    with pytest.raises(ContextInvalid, match=r"line 2 of .*\.dockerignore excludes it \(\*\.py\)"):
        context.locate_entrypoint(root, root / "train.py", ignore.load(root))
