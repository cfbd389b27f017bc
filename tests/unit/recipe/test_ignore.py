"""Ignore files: what docker's own reader and matcher make of them."""

import os
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe import ignore
from tests.tables import table


def _ignored(text: str, path: str) -> bool:
    return ignore.parse(text).rule_for(path) is not None


@table(
    ("text", "path"),
    [
        ("*.log", "a.log"),
        ("a", "a/b/c"),
        ("/a", "a"),
        ("//a/", "a/b"),
        ("./a/../b", "b"),
        ("**/a", "a"),
        ("**/a", "x/y/a"),
        ("**/*.pyc", "x/__pycache__/y.pyc"),
        ("a/**/z", "a/z"),
        ("a/**/z", "a/b/c/z"),
        ("a/**", "a/b"),
        ("**", "anything"),
        ("?.txt", "a.txt"),
        ("[a-c].txt", "b.txt"),
        ("[^a].txt", "b.txt"),
        ("[\\]].txt", "].txt"),
        ("a\\*", "a*"),
        ("  a  ", "a"),
        ("\ufeffa", "a"),
        ("a\r\n", "a"),
        ("\\#a", "#a"),
        ("\\!a", "!a"),
        (" #a", "#a"),
        ("c+d(1).txt", "c+d(1).txt"),
        ("*\n!a", "b"),
        ("!a\n*", "a"),
        ("*\n!a/b\na/b/c", "a/b/c"),
        ("한글", "한글/파일"),
        ("foo**", "foobar/x"),
    ],
)
def test_pattern_ignores(text: str, path: str) -> None:
    assert _ignored(text, path)


@table(
    ("text", "path"),
    [
        ("", "a"),
        ("# a", "a"),
        ("*.log", "a/b.log"),
        ("a", "b/a"),
        ("a", "ab"),
        ("a/**", "a"),
        ("?.txt", "ab.txt"),
        ("a/?", "a//"),
        (".", "a"),
        ("/", "a"),
        ("..", "a"),
        ("../a", "a"),
        ("*\n!a", "a"),
        ("*\n! a", "a"),
        ("*\n!a", "a/b"),
        ("*\n!**/*.py", "x/y.py"),
        ("a\\*", "ab"),
        ("c+d", "ccd"),
    ],
)
def test_pattern_does_not_ignore(text: str, path: str) -> None:
    assert not _ignored(text, path)


@table("pattern", ["!", "[", "[]", "[a", "[a-", "[]a]", "[z-a]", "a\\", "[a\\"])
def test_broken_pattern_is_refused_with_its_line(pattern: str) -> None:
    with pytest.raises(ContextInvalid, match=r"Line 2 of \.dockerignore"):
        ignore.parse(f"ok\n{pattern}")


def test_masks_of_a_walk_decide_as_single_paths_do() -> None:
    rules = ignore.parse("a\n!a/b\n**/x\n*.md\n!keep.md")
    for path in ("a", "a/b", "a/b/x", "a/c", "keep.md", "b.md", "q/x/y"):
        mask = 0
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            mask = rules.mask("/".join(parts[:depth]), mask)
        assert rules.ignores(mask) is (rules.rule_for(path) is not None), path


@table(
    ("text", "directory", "expected"),
    [
        ("a", "a", False),
        ("a\n!a/b", "a", True),
        ("a\n!c", "a", False),
        ("a\n!ab", "a", False),
        ("*\n!**/x", "a", True),
        ("*\n!a*/x", "abc", True),
        ("*\n!a/b/c", "a/b", True),
    ],
)
def test_an_ignored_directory_is_walked_only_for_an_exception(
    text: str, directory: str, expected: bool
) -> None:
    assert ignore.parse(text).may_reinclude_below(directory) is expected


def test_containerignore_comes_before_dockerignore(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("a")
    assert ignore.load(tmp_path).rule_for("a")
    (tmp_path / ".containerignore").write_text("b")
    assert not ignore.load(tmp_path).rule_for("a")


def test_ignore_file_of_the_containerfile_comes_first(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("a")
    (tmp_path / "Train.dockerignore").write_text("b")
    rules = ignore.load(tmp_path, tmp_path / "Train")
    assert rules.source == tmp_path / "Train.dockerignore"
    assert rules.rule_for("b")


def test_no_ignore_file_ignores_nothing(tmp_path: Path) -> None:
    rules = ignore.load(tmp_path)
    assert not rules.ignores(rules.mask("a"))
    assert not rules.may_reinclude_below("a")


def test_link_out_of_the_context_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("a")
    root = tmp_path / "context"
    root.mkdir()
    (root / ".dockerignore").symlink_to(outside)
    with pytest.raises(ContextInvalid, match="points outside the context"):
        ignore.load(root)


def test_link_inside_the_context_is_followed(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("a")
    (tmp_path / ".dockerignore").symlink_to("rules")
    assert ignore.load(tmp_path).rule_for("a")


def test_unusable_ignore_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / ".dockerignore"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ContextInvalid, match="not UTF-8"):
        ignore.load(tmp_path)
    file.write_bytes(b"a\n" * 600_000)
    with pytest.raises(ContextInvalid, match="larger than"):
        ignore.load(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(ContextInvalid, match="not a regular file"):
        ignore.load(tmp_path)
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(ContextInvalid, match="not a regular file"):
        ignore.load(tmp_path)
    file.unlink()
    with file.open("wb") as sparse:
        sparse.truncate(1_000_000_000)
    with pytest.raises(ContextInvalid, match="larger than"):
        ignore.load(tmp_path)
    file.unlink()
    file.symlink_to(".dockerignore")
    with pytest.raises(ContextInvalid):
        ignore.load(tmp_path)


def test_the_ignore_file_of_a_containerfile_outside_the_context_is_read(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "Train.dockerignore").write_text("b")
    rules = ignore.load(tmp_path / "context", tmp_path / "Train")
    assert rules.rule_for("b")
    (tmp_path / "context" / "docker").mkdir()
    (tmp_path / "context" / "rules").write_text("c")
    link = tmp_path / "context" / "docker" / "Train.dockerignore"
    link.symlink_to("../rules")
    assert ignore.load(tmp_path / "context", link.with_name("Train")).rule_for("c")
    link.unlink()
    link.symlink_to("../../Train.dockerignore")
    with pytest.raises(ContextInvalid, match="points outside the context"):
        ignore.load(tmp_path / "context", link.with_name("Train"))


@pytest.mark.slow
def test_too_many_wildcards_are_refused() -> None:
    ignore.parse("*.log\n" * 10_000)
    with pytest.raises(ContextInvalid, match="more than 10000 wildcards"):
        ignore.parse("*.log\n" * 10_001)


@table(
    ("pattern", "expected"),
    [("x/*.pem", True), ("**/key", True), ("x", False), ("**", False), ("x/*", False)],
)
def test_an_exception_names_a_file_or_everything_in_a_folder(pattern: str, expected: bool) -> None:
    rules = ignore.parse(f"!{pattern}")
    assert (rules.names("x/a.pem") or rules.names("x/key")) is expected
    assert not ignore.parse(pattern).names("x/a.pem")
