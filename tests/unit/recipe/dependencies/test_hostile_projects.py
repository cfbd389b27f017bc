"""Projects made to read a user's files, to exhaust whoever reads them, or to fail in odd ways."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid, UsageError
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.finding import Search
from keynet.settings.sources import read_pyproject

from .projects import find, write

SECRET = "machine example.com login me password s3cret-of-the-user"
Make = Callable[[Path], object]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a secret outside of the context."""
    return write(tmp_path / "home", {".netrc": SECRET, "keys/own-1.0.tar.gz": SECRET})


@pytest.fixture
def root(tmp_path: Path, home: Path) -> Path:
    """A context next to that folder."""
    assert home.is_dir()
    folder = tmp_path / "context"
    folder.mkdir()
    return folder


def _linked(root: Path, path: str, target: str) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).symlink_to(target)
    return root


ATTACKS: dict[str, Make] = {
    "the file itself": lambda root: _linked(root, "requirements.txt", "../home/.netrc"),
    "absolute": lambda root: _linked(root, "requirements.txt", f"{root.parent}/home/.netrc"),
    "an include": lambda root: (
        write(root, {"requirements.txt": "-r a.txt\n"}), _linked(root, "a.txt", "../home/.netrc"),
    ),
    "an include by path": lambda root: write(root, {"requirements.txt": "-r ../home/.netrc\n"}),
    "an include by URL": lambda root: write(
        root, {"requirements.txt": f"-r file://{root.parent}/home/.netrc\n"}
    ),
    "constraints": lambda root: write(root, {"requirements.txt": "-c ../home/.netrc\nsix\n"}),
    "an archive": lambda root: (
        write(root, {"requirements.txt": "./own-1.0.tar.gz\n"}),
        _linked(root, "own-1.0.tar.gz", "../home/keys/own-1.0.tar.gz"),
    ),
    "find-links": lambda root: (
        write(root, {"requirements.txt": "--find-links ./wheels\nsix\n"}),
        _linked(root, "wheels/notes.tar.gz", "../../home/.netrc"),
    ),
    "find-links by a folder": lambda root: (
        write(root, {"requirements.txt": "--find-links wheels\nsix\n"}),
        _linked(root, "wheels", "../home/keys"),
    ),
    "find-links by path": lambda root: write(root, {"requirements.txt": "-f ../home/keys\nsix\n"}),
    "a project": lambda root: (
        write(root, {"requirements.txt": "-e ./sub\n", "sub/x": ""}),
        _linked(root, "sub/pyproject.toml", "../../home/.netrc"),
    ),
    "a project's folder": lambda root: (
        write(root, {"requirements.txt": "-e ./sub\n"}), _linked(root, "sub", "../home"),
    ),
    "dynamic": lambda root: write(
        root,
        {
            "pyproject.toml": '[project]\nname = "a"\ndynamic = ["dependencies"]\n'
            '[tool.setuptools.dynamic]\ndependencies = {file = ["../home/.netrc"]}\n'
        },
    ),
    "setup.cfg": lambda root: write(
        root, {"setup.cfg": "[options]\ninstall_requires = file: ../home/.netrc\n"}
    ),
    "conda": lambda root: write(
        root, {"environment.yml": "dependencies: [{pip: [-r ../home/.netrc]}]\n"}
    ),
    "a source": lambda root: write(
        root,
        {
            "pyproject.toml": '[project]\nname = "a"\ndependencies = ["b"]\n'
            '[tool.uv.sources]\nb = { path = "../home/keys/own-1.0.tar.gz" }\n'
        },
    ),
    "a lock": lambda root: (
        write(root, {"pyproject.toml": '[project]\nname = "a"\n'}),
        _linked(root, "uv.lock", "../home/.netrc"),
    ),
    "a Pipfile": lambda root: _linked(root, "Pipfile.lock", "../home/.netrc"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_file_outside_is_read_on_a_projects_word(root: Path, attack: str) -> None:
    ATTACKS[attack](root)
    with pytest.raises(ContextInvalid) as caught:
        find(root)
    said = f"{caught.value.message} {caught.value.hint}"
    assert "outside the build context" in said
    assert "s3cret" not in said


def test_a_version_outside_is_not_read(root: Path, home: Path) -> None:
    write(home, {"v.py": "__version__ = '6.6.6'\n", "VERSION": "6.6.6\n"})
    write(
        root,
        {
            "requirements.txt": "-e .\n",
            "pyproject.toml": '[project]\nname = "own"\ndynamic = ["version"]\n'
            '[tool.hatch.version]\npath = "../home/v.py"\n'
            '[tool.setuptools.dynamic]\nversion = {file = "../home/VERSION"}\n',
        },
    )
    assert "own-0-py3-none-any.whl" in str(find(root)[0].files)


@pytest.mark.parametrize("path", ["../home/.netrc", "../../home/.netrc", "link.txt"])
def test_a_file_that_the_context_itself_names_is_inside(root: Path, path: str) -> None:
    _linked(root, "link.txt", "../home/.netrc")
    with pytest.raises(ContextInvalid, match="outside the build context") as caught:
        find(root, requirements=Path(path), is_trusted=False)
    assert "s3cret" not in caught.value.message
    write(root, {"sub/own.txt": "six\n"})
    found, _notices = find(root, requirements=Path("sub/own.txt"), is_trusted=False)
    assert found.lines == ("six",)


def _sparse(path: Path, size: int) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def _chain(root: Path, *, times: int) -> None:
    write(root, {"requirements.txt": "-r r0.txt\n" * times, "r1500.txt": "six\n"})
    write(root, {f"r{n}.txt": f"-r r{n + 1}.txt\n" * times for n in range(1500)})


def _requirements(text: str) -> Make:
    return lambda root: write(root, {"requirements.txt": text})


def _file(name: str, text: str) -> Make:
    return lambda root: write(root, {name: text})


HEAD = '[project]\nname = "a"\n'
EXHAUSTING: dict[str, Make] = {
    "blanks": _requirements("numpy" + " " * 100_000 + "x\n"),
    "blanks and a comment": _requirements("numpy" + " " * 100_000 + "# x\n"),
    "blanks of an option": _requirements("-r" + " " * 100_000 + "x\n"),
    "letters": _requirements("a" * 150_000 + "!\n"),
    "dots": _requirements("a." * 75_000 + "!\n"),
    "brackets": _requirements("a" + "[" * 150_000 + "\n"),
    "slashes": _requirements("./" + "a/" * 75_000 + "\n"),
    "folders above": _requirements("./" + "../" * 50_000 + "\n"),
    "backslashes": _requirements("\\\n" * 300_000),
    "variables": _requirements("${A}" * 100_000 + "\n"),
    "quotes": _requirements("-f '" + "a" * 150_000 + "\n"),
    "specifiers": _requirements("a" + ",".join(["==1"] * 50_000) + "\n"),
    "parentheses of a marker": _requirements("a ; " + "(" * 5000 + "'a' == 'b'\n"),
    "100,000 requirements": _requirements("".join(f"a{n}==1.{n}\n" for n in range(100_000))),
    "100,000 markers": _requirements("".join(f"a{n} ; 'a' > '3.{n}'\n" for n in range(100_000))),
    "100,000 options": _requirements("".join(f"-f https://a/{n}\n" for n in range(100_000))),
    "a chain": lambda root: _chain(root, times=1),
    "a tree": lambda root: _chain(root, times=2),
    "a circle": lambda root: write(
        root,
        {"requirements.txt": "-r a.txt\n", "a.txt": "-c b.txt\n-r requirements.txt\n", "b.txt": ""},
    ),
    "a fifo": lambda root: os.mkfifo(root / "pyproject.toml"),
    "a fifo of requirements": lambda root: os.mkfifo(root / "requirements.txt"),
    "a fifo of conda": lambda root: os.mkfifo(root / "environment.yml"),
    "a folder": lambda root: (root / "pyproject.toml").mkdir(),
    "a gigabyte": lambda root: _sparse(root / "pyproject.toml", 10**9),
    "a device": lambda root: (root / "pyproject.toml").symlink_to("/dev/zero"),
    "a project that is a device": _requirements("-e /dev/zero\n"),
    "an archive of 30 GB": lambda root: (
        _sparse(root / "a-1.0.tar.gz", 30 * 10**9),
        write(root, {"requirements.txt": "./a-1.0.tar.gz\n"}),
    ),
    "archives of 40 GB": lambda root: (
        [_sparse(root / "w" / f"a{n}-1.0.tar.gz", 5 * 10**9) for n in range(8)],
        write(root, {"requirements.txt": "-f w\na0\n"}),
    ),
    "a dotted key": _file("pyproject.toml", "a" + ".a" * 100_000 + "=1\n"),
    "nested lists": _file("pyproject.toml", "a=" + "[" * 100_000),
    "digits": _file("pyproject.toml", "a=" + "1" * 100_000),
    "a list": _file("pyproject.toml", HEAD + "dependencies=[" + "'a'," * 200_000 + "]\n"),
    "tables": _file("pyproject.toml", HEAD + "".join(f"[tool.x{n}]\na=1\n" for n in range(50_000))),
    "groups of groups": _file(
        "pyproject.toml",
        HEAD + "[dependency-groups]\n" + "".join(
            f"g{n}=[{{include-group='g{n + 1}'}},{{include-group='g{n + 1}'}}]\n"
            for n in range(299)
        ),
    ),
    "blanks of setup.cfg": _file("setup.cfg", "[options]\na" + " " * 100_000 + "x\n"),
    "nested setup.py": _file("setup.py", "x=" + "(" * 5000),
    "attributes of setup.py": _file("setup.py", "x=a" + ".b" * 90_000),
    "doubled lists of setup.py": _file(
        "setup.py",
        "a0=['x']\n" + "".join(f"a{n + 1}=a{n}+a{n}\n" for n in range(60))
        + "setup(install_requires=a60)\n",
    ),
    "aliases of YAML": _file(
        "environment.yml",
        "a: &a [x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n"
            for n in range(9)
        )
        + "dependencies: [*j]\n",
    ),
    "nested YAML": _file("environment.yml", "a: " + "[" * 40_000),
    "much YAML": _file("environment.yml", "dependencies:\n" + "- six\n" * 1_000_000),
    "nested JSON": _file("Pipfile.lock", "[" * 100_000),
    "a lock of many packages": lambda root: write(
        root,
        {
            "pyproject.toml": HEAD + "dependencies=['p0']\n",
            "uv.lock": "version=1\n" + "".join(
                f"[[package]]\nname='p{n}'\nversion='1'\nsource={{registry='https://x'}}\n"
                "dependencies=["
                + ",".join(
                    f"{{name='p{m}',marker=\"python_version>'3.{m % 9}'\"}}"
                    for m in range(n + 1, n + 9)
                )
                + "]\n"
                for n in range(4000)
            ),
        },
    ),
    "a pylock of long markers": _file(
        "pylock.toml",
        "lock-version='1.0'\n" + "".join(
            f"[[packages]]\nname='p{n}'\nversion='1'\nmarker=\"python_version>'3.{n}' and "
            + "(" * 20 + "os_name=='x'" + ")" * 20 + "\"\n"
            for n in range(4_000)
        ),
    ),
    "quotes of an option": _requirements('--index-url "' + '\\"' * 400_000 + "\n"),
    "tables of tables": _file("pyproject.toml", "".join(f"[a{n}.b.c.d]\n" for n in range(60_000))),
    "a pylock of many packages": _file(
        "pylock.toml",
        "lock-version='1.0'\n" + "".join(
            f"[[packages]]\nname='p{n}'\nversion='1'\nmarker=\"python_version>'3.{n}'\"\n"
            for n in range(20_000)
        ),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", EXHAUSTING)
def test_what_is_made_to_exhaust_is_read_or_refused(root: Path, name: str) -> None:
    EXHAUSTING[name](root)
    # What takes time in the square of the size would take minutes. Anything else raised fails.
    with contextlib.suppress(UsageError, ContextInvalid):
        read_pyproject(root)
        finding.find(Search(root, environment={"A": "b" * 10}))


@pytest.mark.slow
def test_a_large_archive_is_not_held_in_memory(root: Path) -> None:
    _sparse(root / "a-1.0.tar.gz", 300_000_000)
    write(root, {"requirements.txt": "./a-1.0.tar.gz\n"})
    code = (
        "import re, sys; from pathlib import Path\n"
        "from keynet.recipe.dependencies.finding import Search, find\n"
        "found, _ = find(Search(Path(sys.argv[1])))\n"
        "print(found.files['archives/a-1.0.tar.gz'])\n"
        # Not ru_maxrss, which begins with the memory of the process that started this one.
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)],
        env={
            **os.environ,
            "XDG_CACHE_HOME": str(root.parent / "cache"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    kept, peak = done.stdout.splitlines()
    assert re.fullmatch(r"[0-9a-f]{64}", Path(kept).parent.name)
    assert Path(kept).stat().st_size == 300_000_000
    assert int(peak) < 200_000
