"""What a repository says of itself, read without git and without trust."""

import os
from pathlib import Path

import pytest

from keynet.recipe.project_version import project_version
from keynet.recipe.version_control import Checkout, find_checkout
from tests.tables import table

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def repository(folder: Path, head: str = COMMIT, config: str = "") -> Path:
    (folder / ".git/refs/heads").mkdir(parents=True)
    (folder / ".git/HEAD").write_text(f"{head}\n")
    (folder / ".git/config").write_text(config)
    return folder


def origin(url: str) -> str:
    return f'[core]\n\turl = no\n[remote "other"]\n\turl = no\n[remote "origin"]\n\turl = {url}\n'


@table(
    ("url", "public"),
    [
        (
            "https://me:pw@git.example.com:8443/a.git?token=pw#pw",
            "https://git.example.com:8443/a.git",
        ),
        ("git@github.com:team/app.git", "ssh://github.com/team/app.git"),
        ("ssh://git:pw@git.example.com/a", "ssh://git.example.com/a"),
        ("/home/me/app", ""),
        ("../app", ""),
        ("file:///home/me/app", ""),
        ("C:\\Users\\me", ""),
        ("ext::sh -c id", ""),
        ("https://[broken/a", ""),
    ],
)
def test_an_address_has_no_login_and_no_place_of_this_machine(
    tmp_path: Path, url: str, public: str
) -> None:
    assert find_checkout(repository(tmp_path, config=origin(url))).origin == public


@table("head", ["ref: refs/heads/../../../secret", "ref: /etc/passwd", "x" * 40, "", "\0"])
def test_a_head_that_leads_elsewhere_says_nothing(tmp_path: Path, head: str) -> None:
    (tmp_path / "secret").write_text(COMMIT)
    assert find_checkout(repository(tmp_path / "app", head)) == Checkout()


def test_links_out_of_it_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(COMMIT)
    folder = repository(tmp_path / "app", "ref: refs/heads/main")
    (folder / ".git/refs/heads/main").symlink_to(tmp_path / "secret")
    assert find_checkout(folder) == Checkout()
    elsewhere = tmp_path / "linked"
    elsewhere.mkdir()
    (elsewhere / ".git").symlink_to(folder / ".git")
    assert find_checkout(elsewhere) == Checkout()


def test_a_worktree_leads_elsewhere_and_is_left_alone(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/.git").write_text(f"gitdir: {tmp_path}/.git\n")
    assert find_checkout(tmp_path / "inner") == Checkout()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_user_is_left_alone(tmp_path: Path) -> None:
    folder = repository(tmp_path)
    os.chown(folder / ".git", 12345, -1)
    assert find_checkout(folder) == Checkout()


@table(
    ("content", "version"),
    [
        ('[project]\nversion = "1.2"\n', "1.2"),
        ('[project]\ndynamic = ["version"]\n', ""),
        ("[project]\nversion = 3\n", ""),
        ("project = 3\n", ""),
        ('[project]\nversion = "a\\u001b[31m"\n', ""),
        ("[", ""),
    ],
)
def test_the_projects_own_version(tmp_path: Path, content: str, version: str) -> None:
    assert project_version(tmp_path) == ""
    (tmp_path / "pyproject.toml").write_text(content)
    assert project_version(tmp_path) == version
