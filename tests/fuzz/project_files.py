"""Fuzz what is read of a repository: ``python -m tests.fuzz.project_files --seconds 60``.

Files of each kind are made of fragments, some of them repeated very often. Each is read or refused
with an error of keynet's own, within two seconds of processor time. A finding is printed with the
seed that makes it again.
"""

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.recipe import buildargs, containerfile, ignore

LIMIT_S: Final = 2.0
_LONGEST: Final = 200_000
_REPEATS: Final = (1, 1, 1, 2, 5, 50, 3_000, 100_000)
_PATHS: Final = (
    "a",
    "a/b/c",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "/".join(["a" * 20] * 100),
    "x" * 250,
    "한글/파일 이름",
)
_BLANKS: Final = (" ", "\t", "\r\n", "\n", "\n", "\n", "\\\n", "\x0b", "\x00", "\ufeff")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: what it is made of, and what reads it."""

    fragments: tuple[str, ...]
    read: Callable[[Path], object]


def _ignore(path: Path) -> None:
    (path.parent / ".dockerignore").write_bytes(path.read_bytes())
    rules = ignore.load(path.parent)
    for each in _PATHS:
        rules.rule_for(each)
        rules.names(each)
        rules.may_reinclude_below(each)


def _build_argument(path: Path) -> None:
    buildargs.parse([f"A={path.read_text(errors='replace')}"], {})


_IGNORED = [
    "**",
    "**/",
    "*",
    "*a*",
    "**/*a*/",
    "?",
    "[a-z]",
    "[^a]",
    "[!a]",
    "[",
    "]",
    "[a",
    "[]",
    "\\",
    "\\*",
    "!",
    "#",
    "/",
    "a",
    "b",
    ".",
    "..",
    "a/",
    "*.py",
]
_BUILT = [
    "FROM ",
    "RUN ",
    "COPY ",
    "ADD ",
    "ARG ",
    "ENV ",
    "LABEL ",
    "ONBUILD ",
    "from ",
    "a",
    "base AS b",
    "<<EOF",
    "<<-'E O'",
    "EOF",
    "\\",
    "`",
    "# escape=`",
    "# syntax=docker/dockerfile:1",
    "#",
    "--mount=type=cache,target=/x",
    '["a", "b"]',
    "$A",
    "${A:-b}",
]
_VALUES = [
    "a",
    "sk-",
    "eyJ",
    "://",
    "@",
    ":",
    "password=",
    "Bearer ",
    "-----BEGIN ",
    "PRIVATE KEY",
    "?token=",
    "token",
    ".",
    "-",
    "_",
    "9",
    "A",
]

KINDS: Final[Mapping[str, Kind]] = {
    "ignore": Kind((*_IGNORED, *_BLANKS), _ignore),
    "containerfile": Kind((*_BUILT, *_BLANKS), containerfile.read),
    "build-argument": Kind((*_VALUES, *_BLANKS), _build_argument),
}


def made(kind: str, seed: int) -> str:
    """Return the file of a seed."""
    chance = random.Random(f"{kind}-{seed}")
    fragments = KINDS[kind].fragments
    pieces: list[str] = []
    size = 0
    for _piece in range(chance.randint(1, 40)):
        unit = "".join(chance.choices(fragments, k=chance.choice((1, 1, 2, 3))))
        piece = unit * min(chance.choice(_REPEATS), _LONGEST // max(len(unit), 1))
        pieces.append(piece)
        size += len(piece)
        if size > _LONGEST:
            break
    return "".join(pieces)


def finding(kind: str, seed: int, folder: Path, limit_s: float = LIMIT_S) -> str:
    """Read the file of a seed; return what is wrong, "" for nothing."""
    path = folder / "file"
    path.write_text(made(kind, seed), encoding="utf-8", newline="")
    began = time.process_time()
    try:
        KINDS[kind].read(path)
    except KeynetError:
        pass
    except Exception:  # noqa: BLE001 - this is what is looked for
        return traceback.format_exc(limit=-3)
    took = time.process_time() - began
    return f"took {took:.1f} s" if took > limit_s else ""


def main() -> int:
    """Fuzz until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    options = parser.parse_args()
    ends = time.monotonic() + options.seconds
    seed, findings = options.seed, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < ends:
            for kind in KINDS:
                if found := finding(kind, seed, Path(folder)):
                    findings += 1
                    print(f"{kind} {seed}: {found}", flush=True)
            seed += 1
    print(f"{seed - options.seed} seeds from {options.seed}, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
