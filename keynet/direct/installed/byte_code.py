"""Byte code for packages, where this host has a Python of the image's version.

Without it a container that cannot write to its packages compiles them at each start. It is a layer
of its own, so that the packages' layers are the same whether it can be made or not.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Final

from keynet.direct.installed import compiling
from keynet.direct.layers.tar_stream import Entry, FilePart, file_entry
from keynet.errors import BuildFailed
from keynet.files.living_folders import living
from keynet.files.uninterrupted import uninterrupted
from keynet.frozen import frozen
from keynet.process import programs
from keynet.process.environment import without_own
from keynet.text import _, fill, printable

__all__ = ["ByteCode", "Compiler", "find_compiler"]

# As in engine builds: tests are compiled when they are run.
_TESTS: Final = re.compile(r"/tests?/")
_TIMEOUT_S: Final = 900
_LAST_WORDS: Final = 4_096
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


class ByteCode:
    """The byte code of modules, compiled by programs of their own that can be begun ahead.

    Args:
        entries: Files of packages; those that are not modules are left out.
    """

    def __init__(self, entries: Iterable[Entry], compiler: Compiler) -> None:
        self._modules = [
            (entry.path, entry.content)
            for entry in entries
            if isinstance(entry.content, Path)
            and entry.path.endswith(".py")
            and "/site-packages/" in entry.path
            and not _TESTS.search(entry.path)
        ]
        self._compiler = compiler
        self._begun: _Begun | None = None

    def begin(self) -> None:
        """Begin to compile, unless that has begun; returns at once.

        Raises:
            BuildFailed: The compiler cannot be started.
        """
        with uninterrupted():
            if self._begun is None:
                self._begun = _Begun(self._compiler, self._modules)

    def entries(self) -> list[Entry]:
        """Return the byte code, as entries next to the modules; it is there until ``end``.

        Modules that are not valid for this Python are left out.

        Raises:
            BuildFailed: The compiler fails.
        """
        self.begin()
        assert self._begun is not None
        return [
            file_entry(_beside(path, self._compiler.tag), result)
            for path, result in self._begun.results()
            if result.size
        ]

    def end(self) -> None:
        """End what is still compiled, and remove the files; it can be begun again."""
        with uninterrupted():
            begun, self._begun = self._begun, None
            if begun is not None:
                begun.end()


class _Begun:
    """Programs that compile into a folder of their own."""

    def __init__(self, compiler: Compiler, modules: Sequence[tuple[str, Path]]) -> None:
        self._compiler = compiler
        self._running: list[subprocess.Popen[bytes]] = []
        self._ending = ExitStack()
        self._modules = modules
        # Each has every so many modules, which takes all of them about the same time.
        self._programs = min(os.cpu_count() or 1, max(1, len(modules) // 8), len(modules))
        try:
            self._folder = self._ending.enter_context(
                living("compiled", Path(tempfile.gettempdir()))
            )
            for number in range(self._programs):
                self._start(number, modules[number :: self._programs])
        except OSError as error:
            self.end()
            raise self._failed(error.strerror or str(error)) from error
        except BaseException:
            self.end()
            raise

    def _start(self, number: int, modules: Sequence[tuple[str, Path]]) -> None:
        # Files rather than pipes: nobody has to read and write while it runs.
        wanted = self._folder / f"wanted-{number}"
        with wanted.open("wb") as file:
            for path, source in modules:
                file.write(os.fsencode(source) + f"\0/{path}\0".encode("utf-8", "surrogateescape"))
        with (
            wanted.open("rb") as stdin,
            self._result(number).open("wb") as result,
            self._said(number).open("wb") as said,
        ):
            self._running.append(
                subprocess.Popen(
                    [self._compiler.program, *_ISOLATED, compiling.__file__],
                    stdin=stdin,
                    stdout=result,
                    stderr=said,
                    cwd="/",
                    env=_environment(),
                )
            )

    def results(self) -> Iterator[tuple[str, FilePart]]:
        """Yield the path and the byte code of each module, empty where it is not valid Python.

        Raises:
            BuildFailed: The compiler fails.
        """
        self._wait()
        for number in range(self._programs):
            modules = self._modules[number :: self._programs]
            parts = list(islice(_parts(self._result(number)), len(modules)))
            if len(parts) < len(modules):
                raise self._failed(_("its output is not complete"))
            for (path, _source), part in zip(modules, parts, strict=True):
                yield path, part

    def _wait(self) -> None:
        for number, program in enumerate(self._running):
            try:
                status = program.wait(_TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                raise self._failed(str(error)) from error
            if status != 0:
                # Of a program that failed the last line of what it wrote, which is the reason.
                text = self._said(number).read_bytes()[-_LAST_WORDS:].decode("utf-8", "replace")
                last = text.strip().rpartition("\n")[2]
                none = fill(_("exit status {status}, no output"), status=status)
                raise self._failed(last or none)

    def end(self) -> None:
        with self._ending:
            for program in self._running:
                program.kill()
            for program in self._running:
                program.wait()

    def _result(self, number: int) -> Path:
        return self._folder / f"result-{number}"

    def _said(self, number: int) -> Path:
        return self._folder / f"said-{number}"

    def _failed(self, why: str) -> BuildFailed:
        return BuildFailed(
            fill(
                _("The packages cannot be compiled with {program}: {why}."),
                program=self._compiler.program,
                why=printable(why, 200),
            ),
            fill(
                _(
                    "If the disk of {folder} is full, free some space. If Python is broken, "
                    "repair it."
                ),
                folder=tempfile.gettempdir(),
            ),
        )


def _environment() -> dict[str, str]:
    """Return the variables of a program that does the same on every machine."""
    variables = without_own(os.environ)
    kept = {name: text for name, text in variables.items() if not name.startswith("PYTHON")}
    # Before Python 3.11 the order of sets in byte code depends on it.
    return {**kept, "PYTHONHASHSEED": "0"}


def _parts(file: Path) -> Iterator[FilePart]:
    """Yield what a compiler has written, each after its size in eight bytes."""
    with file.open("rb") as opened:
        while stated := opened.read(8):
            size = int.from_bytes(stated, "little")
            yield FilePart(file, opened.tell(), size)
            opened.seek(size, os.SEEK_CUR)


def _beside(path: str, tag: str) -> str:
    folder, _slash, name = path.rpartition("/")
    return f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
