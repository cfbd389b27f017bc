"""The files of a context."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.files.descent import Inodes
from keynet.files.living_folders import living
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


def test_names_that_delete_in_an_image_are_skipped_and_named(root: Path) -> None:
    (root / ".wh.train.py").write_text("")
    (root / ".wh.folder").mkdir()
    (root / ".wh.folder/file").write_text("")
    (root / "data").mkdir()
    (root / "data/.wh..wh..opq").write_text("")
    assert _paths(root) == ["data", "train.py"]
    assert "Skipping 3 files whose names begin with .wh." in _notices(root)
    assert ".wh.folder, .wh.train.py, data/.wh..wh..opq" in _notices(root)


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


def _sparse(path: Path, size: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)


def test_big_context_names_its_biggest_entries_and_what_is_rarely_needed(root: Path) -> None:
    for number in range(4):
        _sparse(root / ".git" / f"pack{number}", 40_000_000)
    _sparse(root / "data" / "a" / "x", 90_000_000)
    _sparse(root / "lib" / "__pycache__" / "a.pyc", 1_000)
    _sparse(root / "__pycache__" / "b.pyc", 1_000)
    _sparse(root / "my-env" / "pyvenv.cfg", 100)
    _sparse(root / "my-env" / "lib" / "torch.so", 50_000_000)
    _sparse(root / "conda" / "conda-meta" / "history", 10)
    notice = _notices(root)
    assert "is 300 MB" in notice
    assert "entries: .git (160 MB), data (90.0 MB), my-env (50.0 MB)" in notice
    lines = ".git, my-env, __pycache__, **/__pycache__, conda"
    assert notice.endswith(f"add to .dockerignore: {lines}")
    assert "build context" not in "".join(
        notice.text for notice in context.scan(root, ignore.parse(".git\ndata\n")).notices
    )


def test_the_lines_for_a_big_context_leave_out_what_they_name(root: Path) -> None:
    for folder in ("a/.venv", "b/c/__pycache__", ".git"):
        _sparse(root / folder / "big", 100_000_000)
    lines = _notices(root).rpartition("add to .dockerignore: ")[2].split(", ")
    assert len(lines) == 3
    assert context.scan(root, ignore.parse("\n".join(lines))).size == 5


def test_the_size_of_a_context_under_the_limit_is_not_worth_a_notice(root: Path) -> None:
    _sparse(root / ".git" / "pack", 199_999_000)
    assert _notices(root) == ""


def test_a_secret_file_is_named(root: Path) -> None:
    (root / ".env").write_text("")
    (root / "keys").mkdir()
    (root / "keys" / "deploy.key").write_text("")
    (root / ".env.example").write_text("")
    assert "2 files look like secrets and go into the image: .env, keys/dep" in _notices(root)


@pytest.mark.parametrize(
    "name",
    [
        ".netrc",
        "sub/.pypirc",
        "keys/id_rsa",
        "id_ed25519_sk",
        ".ssh/config",
        "home/.SSH/my-server",
        ".docker/config.json",
        ".config/containers/auth.json",
        ".config/keynet/config.json",
        ".config/keynet/config.json.lock",
        ".aws/credentials",
        ".git-credentials",
        ".kube/config",
    ],
)
def test_credentials_are_left_out_and_named(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("secret")
    assert name not in _paths(root)
    assert f"credentials stays out of the image: {name}." in _notices(root)
    assert f"add to .dockerignore: !{name}" in _notices(root)
    assert name in _paths(root, f"!{name}")
    assert name not in _paths(root, "*\n!**\n")
    ignored = context.scan(root, ignore.parse(f"**/{Path(name).name}"))
    assert "credentials" not in "".join(notice.text for notice in ignored.notices)


@pytest.mark.parametrize(
    "name",
    ["id_rsa.pub", "netrc", "config.json", "auth.json", "models/ssh/key", "credentials.csv"],
)
def test_files_that_only_resemble_credentials_go_into_the_image(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text('{"hidden_size": 768}')
    assert name in _paths(root)


@pytest.mark.parametrize("name", ["docker/config.json", "auth.json"])
def test_an_engines_logins_are_recognised_by_their_content(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text('{"auths": {"r.example": {"auth": "dTpw"}}}')
    assert name not in _paths(root)


def test_this_hosts_own_logins_are_left_out_by_any_name(root: Path) -> None:
    (root / "settings").write_text("secret")
    (root / "other-name").hardlink_to(root / "settings")
    logins = Inodes((root / "settings", root / "absent"))
    found = context.scan(root, ignore.Rules(), logins)
    assert [file.path for file in found.files] == ["train.py"]


def _pointer(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n")


def test_git_lfs_pointers_are_named_with_the_command(root: Path) -> None:
    _pointer(root / "model.bin")
    _pointer(root / "data" / "deep" / "train.parquet")
    (root / "notes.md").write_text("version https://git-lfs.github.com/spec/v1 is a line " * 4)
    notice = _notices(root)
    assert "2 files are Git LFS pointers" in notice
    assert "data/deep/train.parquet, model.bin." in notice
    assert notice.endswith("git lfs pull")


def test_ignored_git_lfs_pointers_are_not_named(root: Path) -> None:
    _pointer(root / "model.bin")
    assert context.scan(root, ignore.parse("*.bin")).notices == ()


def test_a_containerfile_in_the_context_is_found(root: Path) -> None:
    assert context.unused_containerfile(root) is None
    (root / "Dockerfile").mkdir()
    assert context.unused_containerfile(root) is None
    (root / "Dockerfile").rmdir()
    (root / "Dockerfile").write_text("FROM a\n")
    assert context.unused_containerfile(root) == "Dockerfile"


def test_a_path_that_engines_cannot_open_is_an_error(root: Path) -> None:
    folder = root
    for _level in range(14):
        folder /= "d" * 250
        folder.mkdir()
    with pytest.raises(ContextInvalid, match="longer than 3000 bytes") as caught:
        context.scan(root, ignore.Rules())
    assert "Exclude it" in (caught.value.hint or "")


@pytest.mark.slow
def test_a_farm_of_links_takes_no_time(root: Path) -> None:
    for number in range(3_000):
        (root / f"link{number}").symlink_to(f"link{number + 1}")
    assert len(_paths(root)) == 3_001


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
    (root / "absolute.py").symlink_to(root / "train.py")
    assert context.locate_entrypoint(root, root / "absolute.py", ignore.Rules()) == "train.py"
    (root / "around.py").symlink_to(f"../{root.name}/train.py")
    assert context.locate_entrypoint(root, root / "around.py", ignore.Rules()) == "around.py"
    (root / "folder").symlink_to(root)
    assert context.locate_entrypoint(root, root / "folder/train.py", ignore.Rules()) == "train.py"
    alias = root.parent / "alias"
    alias.symlink_to(root)
    assert context.locate_entrypoint(root, alias / "train.py", ignore.Rules()) == "train.py"
    assert context.locate_entrypoint(alias, alias / "train.py", ignore.Rules()) == "train.py"


def test_ignored_entrypoint_is_refused_with_the_line(root: Path) -> None:
    (root / ".dockerignore").write_text("# all\n*.py\n")
    with pytest.raises(ContextInvalid, match=r"line 2 of .*\.dockerignore excludes it \(\*\.py\)"):
        context.locate_entrypoint(root, root / "train.py", ignore.load(root))


def test_private_folders_of_keynet_stay_out_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "sub").mkdir()
    # One of a push that was killed while TMPDIR lay in the context, and one that lives.
    dead = tmp_path / "sub/keynet-auth-0123456789abcdef"
    dead.mkdir(mode=0o700)
    (dead / "auth.json").write_text("{}")
    (tmp_path / "sub/.keynet-0123456789abcdef").write_text("half a file of keynet")
    with living("build", tmp_path) as folder:
        (folder / "Containerfile").write_text("")
        rules = ignore.parse("!**/auth.json\n!keynet-auth-*\n")
        listed = [file.path for file in context.scan(tmp_path, rules).files]
    assert listed == ["sub", "train.py"]


def test_what_only_resembles_a_private_folder_goes_in(tmp_path: Path) -> None:
    names = ["keynet-auth-0123", "keynet-auth-helpers", "keynet", "my-keynet-auth-0123456789abcdef"]
    for name in names:
        (tmp_path / name).mkdir()
    # A file, because private folders are folders.
    (tmp_path / "keynet-auth-0123456789abcdef").write_text("")
    listed = [file.path for file in context.scan(tmp_path, ignore.Rules()).files]
    assert listed == sorted([*names, "keynet-auth-0123456789abcdef"])


def test_a_known_folder_of_keynet_stays_out_by_any_path(tmp_path: Path) -> None:
    (tmp_path / "context/caches/keynet/staging").mkdir(parents=True)
    (tmp_path / "context/caches/other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "context/caches")
    logins = Inodes((tmp_path / "link/keynet",))
    listed = [
        file.path for file in context.scan(tmp_path / "context", ignore.Rules(), logins).files
    ]
    assert listed == ["caches", "caches/other"]
