"""Byte code for packages, where this host has a Python of the image's version.

Without it a container that cannot write to its packages compiles them at each start. It is a layer
of its own, so that the packages' layers are the same whether it can be made or not.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keynet.direct.layers.tar_stream import Entry, file_entry
from keynet.direct.packages import compiling
from keynet.errors import BuildFailed
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.process import programs
from keynet.process.environment import without_own
from keynet.text import _, fill, printable

__all__ = ["Compiler", "compiled_entries", "find_compiler"]

# As in engine builds: tests are compiled when they are run.
_TESTS: Final = re.compile(r"/tests?/")
_TIMEOUT_S: Final = 900
# Not -I, which ignores the seed of hashes as well: the variables are taken out instead.
_ISOLATED: Final = ("-s", "-S", "-B", "-W", "ignore")
_ASK: Final = "import sys; print(sys.implementation.cache_tag, sys.version)"


@frozen
class Compiler:
    """A Python of this host; ``tag`` is in the names of its files, ``version`` says all of it."""

    program: str
    tag: str
    version: str


def find_compiler(minor: str) -> Compiler | None:
    """Return a Python of a version such as ``3.11``; None if there is none."""
    if minor == ".".join(map(str, sys.version_info[:2])):
        tag = sys.implementation.cache_tag
        return Compiler(sys.executable, tag, sys.version) if tag else None
    program = programs.find(f"python{minor}")
    if program is None:
        return None
    try:
        stated = subprocess.run(
            [program, *_ISOLATED, "-c", _ASK],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            cwd="/",
            env=_environment(),
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    tag, _space, version = stated.strip().partition(" ")
    if tag != f"cpython-{minor.replace('.', '')}":
        return None
    return Compiler(program, tag, version)


@contextmanager
def compiled_entries(entries: Sequence[Entry], compiler: Compiler) -> Iterator[list[Entry]]:
    """Compile the modules among the entries; yield their byte code, as entries next to them.

    Raises:
        BuildFailed: The compiler fails; modules that are not valid are left out instead.
    """
    modules = [
        (entry.path, entry.content)
        for entry in entries
        if isinstance(entry.content, Path)
        and entry.path.endswith(".py")
        and "/site-packages/" in entry.path
        and not _TESTS.search(entry.path)
    ]
    with living("compiled", Path(tempfile.gettempdir())) as folder:
        results = [folder / str(number) for number in range(len(modules))]
        jobs = [
            (str(source), f"/{path}", str(result))
            for (path, source), result in zip(modules, results, strict=True)
        ]
        workers = max(1, min(os.cpu_count() or 1, len(jobs) // 8))
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda n: _compile(jobs[n::workers], compiler), range(workers)))
        yield [
            file_entry(_beside(path, compiler.tag), result)
            for (path, _source), result in zip(modules, results, strict=True)
            if result.exists()
        ]


def _environment() -> dict[str, str]:
    """Return the variables of a program that does the same on every machine."""
    variables = without_own(os.environ)
    kept = {name: text for name, text in variables.items() if not name.startswith("PYTHON")}
    # Before Python 3.11 the order of sets in byte code depends on it.
    return {**kept, "PYTHONHASHSEED": "0"}


def _beside(path: str, tag: str) -> str:
    folder, _slash, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"


def _compile(jobs: Sequence[tuple[str, str, str]], compiler: Compiler) -> None:
    if not jobs:
        return
    try:
        subprocess.run(
            [compiler.program, *_ISOLATED, compiling.__file__],
            input=json.dumps(jobs),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
            cwd="/",
            env=_environment(),
        )
    except (OSError, subprocess.SubprocessError) as error:
        # Of a program that failed the last line of what it wrote, which is the reason.
        said = str(getattr(error, "stderr", "") or "").strip().rpartition("\n")[2]
        raise BuildFailed(
            fill(
                _("The packages cannot be compiled with {program}: {why}."),
                program=compiler.program,
                why=printable(said or error, 200),
            ),
            _("If the disk is full, free some space. If this Python is broken, repair it."),
        ) from error
