"""Properties of dependency files: any content is read or refused, and nothing outside is read."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keynet.errors import ContextInvalid, UsageError
from keynet.plan import Dependencies
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.finding import Search

SECRET = "s3cret-of-the-user"
NAMES = st.sampled_from(
    ["requirements.txt", "pylock.toml", "pyproject.toml", "uv.lock", "poetry.lock", "pdm.lock",
     "Pipfile", "Pipfile.lock", "setup.cfg", "setup.py", "environment.yml", "sub/pyproject.toml",
     "sub/setup.py", "train.py"]
)  # fmt: skip
# Parts of real files, in any order: what a grammar of each kind would make, and more.
PARTS = st.sampled_from(
    ["six", "==1.0", " ", "\n", "\\\n", " # ", ";", " ; python_version < '3.9'", "[", "]", "{", "}",
     "-r ", "-c ", "-e ", "-f ", "--hash=sha256:00", "--find-links=", "-i https://", "./", "../",
     "sub", ".", "requirements.txt", "outside", "../outside/secret", "file://", "x @ ", "git+",
     "${HOME}", "${KEYNET_A}", "own-1.0.tar.gz", "wheels", "[project]\n", 'name = "own"\n',
     'version = "1"\n', "dependencies = ", '["six"]', "[]", "{}", '"', "'", "=", ",", "\0",
     "é", "\ufeff",
     "# -*- coding: cp949 -*-\n", "[tool.uv.sources]\n", "six = { workspace = true }\n",
     'six = { path = "../outside" }\n', "[tool.uv.workspace]\nmembers = ['*']\n", "version = 1\n",
     "[[package]]\n", 'source = { registry = "https://x" }\n', "wheels = [{ hash = 'sha256:a' }]\n",
     "[tool.poetry]\n", "[tool.poetry.dependencies]\n", 'six = "^1 || 2"\n', "python = '*'\n",
     "[packages]\n", 'lock-version = "1.0"\n', "[[packages]]\n", "marker = 'x'\n", "[options]\n",
     "install_requires =\n", "file: ", "[metadata]\n", "attr: own.V", "setup(", "install_requires=",
     ")", "dependencies:\n", "- ", "pip:\n", "&a ", "*a", "{ pip: ", "# /// script\n", "# ///\n",
     "# "]
)  # fmt: skip
TEXTS = st.lists(PARTS | st.text(max_size=4), max_size=30).map("".join)
FILES = st.dictionaries(NAMES, TEXTS, min_size=1, max_size=4)


def _find(files: dict[str, str], *, links: bool) -> tuple[Dependencies | None, str]:
    """Return what is found, None if it is refused, and all that is said."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "context")
        outside = Path(folder, "outside")
        for made in (root / "sub", outside / "wheels"):
            made.mkdir(parents=True)
        (outside / "secret").write_text(SECRET)
        (outside / "own-1.0.tar.gz").write_text(SECRET)
        (root / "own-1.0.tar.gz").write_text("sdist")
        if links:
            (root / "outside").symlink_to("../outside")
            (root / "wheels").symlink_to(outside / "wheels")
        for name, text in files.items():
            (root / name).write_text(text, encoding="utf-8", errors="replace", newline="")
        script = root / "train.py"
        source = script.read_bytes() if script.exists() else b""
        try:
            found, notices = finding.find(
                Search(root, script, source, environment={"HOME": "/root"})
            )
        except (ContextInvalid, UsageError) as error:
            return None, f"{error.message} {error.hint}"
        return found, " ".join(notice.text for notice in notices)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(FILES, st.booleans())
@example({"requirements.txt": "-e .\n-e ./sub", "sub/setup.py": "setup("}, True)
@example({"requirements.txt": "-e ./outside"}, True)
@example(
    {"pyproject.toml": '[project]\nname = "own"\ndependencies = ["x @ file:../outside"]\n'}, True
)
def test_any_files_are_read_or_refused(files: dict[str, str], links: bool) -> None:
    found, said = _find(files, links=links)
    assert SECRET not in said
    if found is None:
        return
    for name, content in found.files.items():
        assert isinstance(content, bytes)
        assert SECRET.encode() not in content
        # The set refers to nothing outside of it.
        if name.endswith(".txt"):
            for kind, path in re.findall(r"^(-[rc]|--find-links) (\S+)", content.decode(), re.M):
                assert "://" in path or kind == "--find-links" or path in found.files
            for path in re.findall(r"^\./(archives/[^\s\[]+)", content.decode(), re.M):
                assert path in found.files


@pytest.mark.slow
@settings(deadline=None)
@given(FILES)
def test_equal_projects_give_equal_files(files: dict[str, str]) -> None:
    one, other = _find(files, links=False)[0], _find(files, links=False)[0]
    assert (one and one.files) == (other and other.files)
