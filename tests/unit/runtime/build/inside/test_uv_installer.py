"""Byte code of what uv has installed, and the indexes that packages are pinned to."""

import subprocess
import sys
from pathlib import Path

import pytest

from keynet.recipe.dependencies.sources import pins
from keynet.runtime.build.inside import uv_installer
from tests.testbed.machine import CHECKOUT

# Too deep for the compiler of any Python: a RecursionError or a MemoryError.
DEEP = "x = " + "-" * 100_000 + "1\n"


def compile_in(packages: Path) -> None:
    """Compile in a process of its own, since the compiling forks."""
    code = (
        "import sys; from pathlib import Path; "
        "from keynet.runtime.build.inside import uv_installer; "
        "uv_installer.compile_packages(Path(sys.argv[1]))"
    )
    argv = [sys.executable, "-c", code, str(packages)]
    subprocess.run(argv, check=True, cwd=CHECKOUT, timeout=300)


def compiled(packages: Path) -> set[str]:
    return {
        str(path.relative_to(packages)).replace("__pycache__/", "").partition(".")[0]
        for path in packages.rglob("*.pyc")
    }


@pytest.mark.medium
def test_each_module_is_compiled_but_tests(tmp_path: Path) -> None:
    names = {f"package/inner/module{number}" for number in range(40)} | {"alone"}
    for name in [*names, "package/tests/test_it", "package/test/other"]:
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")
    compile_in(tmp_path)
    assert compiled(tmp_path) == names


@pytest.mark.medium
def test_what_cannot_be_compiled_keeps_no_other_module_from_it(tmp_path: Path) -> None:
    (tmp_path / "a_template.py").write_text("{{ name }} = = 1\n" * 1000)
    (tmp_path / "deep.py").write_text(DEEP)
    (tmp_path / "bytes.py").write_bytes(b"\0\xff" * 1000)
    (tmp_path / "link.py").symlink_to("nowhere.py")
    for number in range(20):
        (tmp_path / f"fine{number}.py").write_text("x = 1\n")
    compile_in(tmp_path)
    assert compiled(tmp_path) == {f"fine{number}" for number in range(20)}


def test_the_index_of_a_pinned_package_is_found_in_what_keynet_writes(tmp_path: Path) -> None:
    wanted = {"a-b": "https://one.example.com/s?x=a%22b", "c": "https://two.example.com/s"}
    text, _pinned = pins.render(["A_b>=1", "six", "c[x] ; os_name == 'posix'", "c==1"], wanted)
    file = tmp_path / pins.PATH
    file.parent.mkdir()
    file.write_bytes(text)
    assert uv_installer.pinned(tmp_path) == wanted
    assert uv_installer.pinned(tmp_path / "empty") == {}
