"""Run the comparison over all programs: ``python -m tests.differential.report``."""

import os
import pickle
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from keynet.errors import ScriptInvalid
from keynet.script.extraction import extract

from .compare import Score
from .programs import TRUTH, Program, Truth, interpreter, programs, truths


@dataclass(slots=True)
class Report:
    """The score in all, for each framework and for what was drawn."""

    total: Score = field(default_factory=Score)
    by_group: dict[str, Score] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Return the whole report, the numbers first."""
        for group, score in self.by_group.items():
            yield f"{group}: {next(score.lines())}"
        yield from self.total.lines()
        yield from self.failed
        slowest = sorted(self.seconds, key=self.seconds.__getitem__, reverse=True)[:5]
        yield (
            f"median {statistics.median(self.seconds.values()) * 1000:.1f} ms, slowest: "
            + ", ".join(f"{name} {self.seconds[name] * 1000:.0f} ms" for name in slowest)
        )


def report(kept: Path | None = None) -> Report:
    """Compare all programs.

    Args:
        kept: Where the truth of an earlier run may lie, for quick tries while developing.
    """
    result = Report()
    for truth in _truths(kept):
        name = truth.program.start
        started = time.perf_counter()
        try:
            extraction = extract(truth.entry)
        except ScriptInvalid as error:
            result.failed.append(f"  {name}: {error}")
            continue
        result.seconds[name] = time.perf_counter() - started
        result.total.add(truth, extraction)
        for group in _groups(truth.program):
            result.by_group.setdefault(group, Score()).add(truth, extraction)
    return result


def _groups(program: Program) -> Iterator[str]:
    yield program.framework
    if program.drawn:
        yield "drawn, held back" if program.held_back else "drawn"


def _truths(kept: Path | None) -> list[Truth]:
    python = interpreter()
    if kept is None:
        return truths(python, programs())
    key = sha256(TRUTH.read_bytes() + repr(programs()).encode() + str(python).encode())
    path = kept / f"truth-{key.hexdigest()[:12]}.pickle"
    if path.exists():
        found: list[Truth] = pickle.loads(path.read_bytes())
        return found
    found = truths(python, programs())
    path.write_bytes(pickle.dumps(found))
    return found


if __name__ == "__main__":
    folder = os.environ.get("KEYNET_TRUTH_KEPT")
    print(*report(Path(folder) if folder else None).lines(), sep="\n")
