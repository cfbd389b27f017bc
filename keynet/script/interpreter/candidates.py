"""Choose the parser of the script among several."""

from collections.abc import Iterable
from dataclasses import dataclass

from keynet.script.interpreter.machine import ParserLike

__all__ = ["Candidate", "choose"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A parser that was seen parsing the command line.

    ``rank`` is 3 in the script's ``__main__`` block, 2 in its ``main()``, 1 anywhere else;
    ``complete`` is False for one that leaves the rest to another; ``certain`` is False where
    the call depends on a condition.
    """

    parser: ParserLike
    rank: int
    complete: bool
    certain: bool


def choose(candidates: Iterable[Candidate], parsers: Iterable[ParserLike]) -> ParserLike | None:
    """Return the parser to report, None when no parser declares anything.

    Args:
        candidates: Parsers that were seen parsing; the first of the best rank is chosen.
        parsers: All parsers in order; the first is chosen when none was seen parsing.
    """
    parsing = [c for c in candidates if c.parser.declared()]
    if parsing:
        # Each of these leaves the rest of the command line to the next: the last one gets it.
        complete = [c for c in parsing if c.complete] or parsing[::-1]
        best = max(complete, key=lambda c: (c.rank, c.certain))
        return best.parser
    declaring = [parser for parser in parsers if parser.declared()]
    whole = [parser for parser in declaring if not parser.nested]
    return next(iter(whole or declaring), None)
