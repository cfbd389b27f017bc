"""What is read of a repository is what git itself says."""

import os
import subprocess
from pathlib import Path

from keynet.recipe.version_control import Checkout, find_checkout
from tests.testbed.machine import need


def test_it_is_what_git_says(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        environment = {**os.environ, "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "me", f"GIT_{role}_EMAIL": "me@example.com"}
        return subprocess.check_output(
            [need("git"), "-C", str(tmp_path), *arguments], env=environment, text=True
        ).strip()

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "first")
    git("remote", "add", "origin", "https://me:secret@git.example.com/team/app.git")
    wanted = Checkout(git("rev-parse", "HEAD"), "https://git.example.com/team/app.git")
    (tmp_path / "src").mkdir()
    assert find_checkout(tmp_path / "src") == wanted
    git("pack-refs", "--all")
    assert find_checkout(tmp_path) == wanted
    git("checkout", "--quiet", "--detach")
    assert find_checkout(tmp_path) == wanted
