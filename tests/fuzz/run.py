"""Fuzz the extraction, led by coverage: ``python -m tests.fuzz.run --seconds 600 [SEED.py …]``.

Needs atheris. Every finding is kept once for each place that failed, and the run goes on;
exit status 1 when there was one. ``minimise`` what is kept and put it into ``regressions/``.
"""

import argparse
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

import atheris

from keynet.errors import ScriptInvalid

from .mutate import mutated

with atheris.instrument_imports(include=["keynet.script"]):
    from keynet.script.dialects import LIBRARIES
    from keynet.script.extraction import extract

    for library in LIBRARIES:
        library.dialect()

SLOW_S = 6
# Modules of the standard library that have command lines, large and small.
STANDARD = ("timeit", "zipfile", "tarfile", "calendar", "ast", "pdb", "trace", "unittest/main")


def main() -> int:
    """Fuzz until the time is over."""
    options = _parser().parse_args()
    options.findings.mkdir(parents=True, exist_ok=True)
    seeds = [path.read_text(errors="replace") for path in options.seeds]
    seeds = [seed for seed in seeds if len(seed) < 60_000]
    kept: set[str] = set()
    runs = 0
    # Memory, not disk: hundreds of scripts a second.
    folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
    script = Path(folder.name) / "script.py"
    corpus = Path(folder.name) / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_text(seed, errors="replace")
    ends = time.monotonic() + options.seconds

    def once(content: bytes) -> None:
        nonlocal runs
        runs += 1
        script.write_bytes(content)
        started = time.process_time()
        try:
            found = extract(script)
            found.to_json()
        except ScriptInvalid:
            return
        except Exception:  # noqa: BLE001 - this is what is looked for
            _keep(options.findings, kept, content, traceback.extract_tb(sys.exc_info()[2]))
        if time.process_time() - started > SLOW_S:
            _keep(options.findings, kept, content, None)
        if time.monotonic() > ends:
            print(f"{runs} runs, {len(kept)} findings: {', '.join(sorted(kept))}", flush=True)
            folder.cleanup()
            # libFuzzer has no other way out that is not an error.
            os._exit(1 if kept else 0)

    def mutator(content: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if chance.random() < 0.05:
            return bytes(atheris.Mutate(content, max_size))
        source = content.decode(errors="replace")
        return mutated(source, seeds, chance).encode(errors="replace")[:max_size]

    argv = [sys.argv[0], f"-max_total_time={options.seconds + 60}", "-max_len=65536"]
    argv += [
        "-timeout=60",
        "-rss_limit_mb=4000",
        "-verbosity=1",
        "-print_final_stats=1",
        str(corpus),
    ]
    atheris.Setup(argv, once, custom_mutator=mutator)
    atheris.Fuzz()
    return 0


def _keep(
    folder: Path, kept: set[str], content: bytes, trace: traceback.StackSummary | None
) -> None:
    if trace is None:
        where = "slow"
    else:
        own = [frame for frame in trace if "keynet" in frame.filename][-1]
        error = sys.exc_info()[0]
        where = f"{Path(own.filename).stem}-{own.lineno}-{error.__name__ if error else ''}"
    if where not in kept:
        kept.add(where)
        (folder / f"{where}.src").write_bytes(content)
        print(f"found {where}", flush=True)


def _seeds() -> list[Path]:
    examples = Path(__file__).resolve().parents[2] / "examples"
    standard = Path(os.__file__).parent
    found = [standard / f"{name}.py" for name in STANDARD]
    return [*sorted(examples.rglob("*.py")), *(path for path in found if path.exists())]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "seeds", nargs="*", type=Path, default=_seeds(), help="scripts to start from"
    )
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--findings", type=Path, default=Path("findings"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
