"""One .dockerignore, and the same set with docker, BuildKit, buildah and keynet."""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from keynet.recipe import context, ignore
from tests.testbed.daemon import Dockerd
from tests.testbed.stores import Store

TREE = (
    *("train.py", "a/x.py", "a/y.txt", "a/b/x.py", "a/b/c/deep.md", "README.md", "b.txt"),
    *("docs/README.md", "docs/a.md", "data/1.bin", "data/sub/2.bin", "foo", "foobar", "x/foo"),
    *("x/y/foo", "with space.txt", " lead.txt", "q?.txt", "한글/모델.py", "[br].txt", "a1.log"),
    *("b2.log", "-dash", "#hash", "!bang", ".hidden", "x/.hidden", "x/a.py", "x/z/a.py"),
    *("keep/me/now.txt", "keep/me/not.txt", "back\\slash.txt", "$d.txt", "empty/"),
)

# Many patterns in each, so that few builds try much.
IGNORE_FILES = (
    "*",
    "*\n!train.py\n!a/b\n!docs/README.md\n!keep/me/now.txt",
    "**/*.md\n!docs/README.md\n**/foo\n?1.log\n[a-b]2.log\n/train.py\n//b.txt\na/b/",
    "x/**\n!x/y/foo\n*.txt\n!*a*\n# c\n #hash\n\\!bang\n! lead.txt\nempty",
    "a/**/x.py\ndata/../README.md\n  with space.txt\t\n한글\n**/.hidden\nfoo*\nback\\\\slash.txt\n"
    "q\\?.txt\n[[]br].txt\n$d.txt",
    "\ufeffkeep\n!keep/me/now.txt\n*/foo\n*/*/foo\n[^a-z]*\n./docs\r",
    ".\n/\n..\n../x\n**/b/**\nx\n!x/z\nx/z/a.py\nkeep/*\n!keep/me",
    "**\n!a/**\na/b/**\n!data\n**/1.bin\n!keep/me/not.txt",
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A context with names that patterns like to get wrong."""
    folder = tmp_path / "context"
    for name in TREE:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    return folder


def _leaves(paths: set[str]) -> set[str]:
    """Leave out directories that hold something: engines differ in whether they name them."""
    return {path for path in paths if not any(other.startswith(path + "/") for other in paths)}


def _ours(root: Path) -> set[str]:
    return _leaves({file.path for file in context.scan(root, ignore.load(root)).files})


def _run(argv: list[str], environment: dict[str, str]) -> bytes:
    return subprocess.run(argv, env=environment, check=True, capture_output=True).stdout


def _containerfile(folder: Path) -> str:
    file = folder / "Containerfile"
    file.write_text("FROM scratch\nCOPY . /c/\n")
    return str(file)


@pytest.mark.docker
@pytest.mark.parametrize("kit", ["0", "1"])
def test_docker_sends_what_keynet_stages(
    dockerd: Dockerd, root: Path, tmp_path: Path, kit: str
) -> None:
    environment = {**os.environ, "DOCKER_HOST": dockerd.host, "DOCKER_BUILDKIT": kit}
    for text in IGNORE_FILES:
        (root / ".dockerignore").write_text(text)
        argv = [dockerd.client, "build", "-q", "-f", _containerfile(tmp_path), str(root)]
        image = _run(argv, environment).decode().strip()
        container = _run([dockerd.client, "create", image, "x"], environment).decode().strip()
        exported = _run([dockerd.client, "export", container], environment)
        with tarfile.open(fileobj=BytesIO(exported)) as files:
            names = [name.rstrip("/") for name in files.getnames()]
        inside = {name.removeprefix("c/") for name in names if name.startswith("c/")}
        assert _leaves(inside) == _ours(root), text


@pytest.mark.buildah
def test_buildah_copies_what_keynet_stages(root_store: Store, root: Path, tmp_path: Path) -> None:
    environment = root_store.environment
    for text in IGNORE_FILES:
        (root / ".dockerignore").write_text(text)
        argv = ["buildah", "bud", "-q", "--isolation", "chroot", "-f", _containerfile(tmp_path)]
        image = _run([*argv, str(root)], environment).decode().strip()
        container = _run(["buildah", "from", image], environment).decode().strip()
        copied = Path(_run(["buildah", "mount", container], environment).decode().strip(), "c")
        names = {str(path.relative_to(copied)) for path in copied.rglob("*")}
        _run(["buildah", "rm", container], environment)
        assert _leaves(names) == _ours(root), text
