"""Byte code of packages: loaded by Python, and the same bytes every time."""

import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from keynet.direct.installed import byte_code
from keynet.direct.installed.byte_code import ByteCode, Compiler, find_compiler
from keynet.direct.layers.tar_stream import FilePart, file_entry
from keynet.errors import BuildFailed
from tests.unit.interrupts import children, each_interrupt

SITE = "opt/keynet/lib/python3/site-packages"
HERE = ".".join(map(str, sys.version_info[:2]))
SOURCES = {
    "a.py": "X = {'a', 'b'}\ndef f(x):\n    return x in {'left', 'right', 'up'}\n",
    "pkg/__init__.py": "from .b import *\n",
    "pkg/wrong.py": "def (:\n",
    "pkg/large.py": "#" * (4 << 20) + "\n",
    "pkg/tests/test_x.py": "x = 1\n",
}


@pytest.fixture
def compiler() -> Compiler:
    found = find_compiler(HERE)
    assert found is not None
    return found


def read(part: FilePart) -> bytes:
    return part.file.read_bytes()[part.start : part.start + part.size]


def compiled(folder: Path, compiler: Compiler) -> dict[str, bytes]:
    entries = []
    for name, text in SOURCES.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        entries.append(file_entry(f"{SITE}/{name}", file))
    code = ByteCode(entries, compiler)
    try:
        return {e.path: read(e.content) for e in code.entries() if isinstance(e.content, FilePart)}
    finally:
        code.end()


def test_modules_but_tests_wrong_and_very_large_ones_are_compiled(
    tmp_path: Path, compiler: Compiler
) -> None:
    tag = sys.implementation.cache_tag
    assert set(compiled(tmp_path, compiler)) == {
        f"{SITE}/__pycache__/a.{tag}.pyc",
        f"{SITE}/pkg/__pycache__/__init__.{tag}.pyc",
    }


@pytest.mark.medium
def test_another_folder_gives_the_same_bytes_without_its_path(
    tmp_path: Path, compiler: Compiler
) -> None:
    one, two = compiled(tmp_path / "one", compiler), compiled(tmp_path / "other", compiler)
    assert one == two
    assert not any(str(tmp_path).encode() in content for content in one.values())


@pytest.mark.medium
def test_the_seed_of_hashes_is_not_the_users(
    tmp_path: Path, compiler: Compiler, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        monkeypatch.setenv("PYTHONOPTIMIZE", seed)
        found.append(compiled(tmp_path, compiler))
    assert found[0] == found[1]


@pytest.mark.medium
def test_python_takes_it_without_looking_at_the_source(tmp_path: Path, compiler: Compiler) -> None:
    content = next(iter(compiled(tmp_path, compiler).values()))
    (tmp_path / "alone.pyc").write_bytes(content)
    spec = importlib.util.spec_from_file_location("alone", tmp_path / "alone.pyc")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.f("left")
    assert content[4:8] == b"\x01\0\0\0"
    source = next(iter(SOURCES.values())).encode()
    assert content[8:16] == importlib.util.source_hash(source)


def test_a_version_that_is_not_here_has_no_compiler() -> None:
    assert find_compiler("3.99") is None


def test_a_compiler_that_fails_says_why_and_not_how_it_was_called(tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text(
        "#!/bin/sh\necho Traceback >&2\necho 'OSError: No space left on device' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    module = tmp_path / "a.py"
    module.write_text("x = 1\n")
    entry = file_entry("opt/keynet/lib/python3.11/site-packages/a.py", module)
    code = ByteCode([entry], Compiler(str(program), "cpython-311", "3.11.2"))
    with pytest.raises(BuildFailed, match=r"python: OSError: No space left on device\.$"):
        code.entries()
    code.end()


def test_a_compiler_that_cannot_say_why_is_told_with_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of a full disk: it can write neither results nor the reason.
    program, module = tmp_path / "python", tmp_path / "a.py"
    program.write_text("#!/bin/sh\nexit 120\n")
    program.chmod(0o755)
    module.write_text("x = 1\n")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    entry = file_entry("opt/keynet/lib/python3.11/site-packages/a.py", module)
    code = ByteCode([entry], Compiler(str(program), "cpython-311", "3.11.2"))
    with pytest.raises(BuildFailed, match=r"python: exit status 120, no output\.$") as failed:
        code.entries()
    assert str(tmp_path) in failed.value.hint
    code.end()


def test_a_compiler_that_writes_too_little_is_an_error(tmp_path: Path) -> None:
    program, module = tmp_path / "python", tmp_path / "a.py"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    module.write_text("x = 1\n")
    entry = file_entry("opt/keynet/lib/python3.11/site-packages/a.py", module)
    code = ByteCode([entry], Compiler(str(program), "cpython-311", "3.11.2"))
    with pytest.raises(BuildFailed, match="its output is not complete"):
        code.entries()
    code.end()


def test_what_is_begun_ahead_is_ended_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    program, module = tmp_path / "python", tmp_path / "a.py"
    number, new = tmp_path / "pid", tmp_path / "pid.new"
    program.write_text(f"#!/bin/sh\necho $$ >{new}\nmv {new} {number}\nexec sleep 600\n")
    program.chmod(0o755)
    module.write_text("x = 1\n")
    entry = file_entry("opt/keynet/lib/python3.11/site-packages/a.py", module)
    code = ByteCode([entry], Compiler(str(program), "cpython-311", "3.11.2"))
    code.begin()
    deadline = time.monotonic() + 120
    while not number.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    code.end()
    with pytest.raises(ProcessLookupError):
        os.kill(int(number.read_text()), 0)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_compiler_that_is_gone_is_named(tmp_path: Path) -> None:
    module = tmp_path / "a.py"
    module.write_text("x = 1\n")
    entry = file_entry("opt/keynet/lib/python3.11/site-packages/a.py", module)
    code = ByteCode([entry], Compiler(str(tmp_path / "gone"), "cpython-311", "3.11.2"))
    with pytest.raises(BuildFailed, match="gone: No such file"):
        code.begin()
    code.end()


@pytest.mark.medium
def test_an_interrupt_at_any_moment_leaves_no_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    program, module = tmp_path / "python", tmp_path / "a.py"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    module.write_text("x = 1\n")
    entry = file_entry("opt/keynet/lib/python3.11/site-packages/a.py", module)
    before = children()
    code = ByteCode([entry], Compiler(str(program), "cpython-311", "3.11.2"))
    lines = 0
    # It can be begun again.
    for lines in each_interrupt(code.begin, byte_code):
        code.end()
        assert children() == before, lines
        assert list((tmp_path / "temporary").iterdir()) == [], lines
    code.end()
    assert lines > 20
