"""Choose the parser of the script among several."""

from collections.abc import Iterable

from keynet.frozen import frozen
from keynet.script.interpreter.machine import ParserLike
from keynet.script.interpreter.values import Value

__all__ = ["Candidate", "are_one", "choose"]


@frozen
class Candidate:
    """A parser that was seen parsing the command line.

    ``rank`` is 3 in the script's ``__main__`` block, 2 in its ``main()``, 1 anywhere else;
    ``complete`` is False for one that leaves the rest to another; ``certain`` is False where
    the call depends on a condition; ``before`` are the parsers that left it their rest;
    ``fixed`` is set for one that parses words of the script and not the command line; ``parses``
    is False for one that was not seen parsing while another one was, which declares nothing.
    """

    parser: ParserLike
    rank: int = 0
    complete: bool = True
    certain: bool = True
    before: tuple[Value, ...] = ()
    fixed: bool = False
    parses: bool = True


def choose(candidates: list[Candidate], parsers: Iterable[ParserLike]) -> list[Candidate]:
    """Return the parsers that share the command line, in the order in which they read it.

    Args:
        candidates: Parsers that were seen parsing; the first of the best rank is chosen.
        parsers: All parsers in order; the first is chosen when none was seen parsing.

    Returns:
        One parser, or several where each leaves the next what it does not know. Empty when no
        parser declares anything.
    """
    parsing = [c for c in candidates if c.parser.declared()]
    if parsing:
        # Each of these leaves the rest of the command line to the next: the last one gets it.
        complete = [c for c in parsing if c.complete] or parsing[::-1]
        return _sharing(parsing, max(complete, key=lambda c: (c.rank, c.certain)))
    declaring = [parser for parser in parsers if parser.declared()]
    whole = [parser for parser in declaring if not parser.nested]
    return [Candidate(parser, parses=not candidates) for parser in (whole or declaring)[:1]]


def are_one(candidates: list[Candidate]) -> bool:
    """Report whether all that parse are one parser, or the same one made again."""
    parsers = {id(candidate.parser): candidate.parser for candidate in candidates}
    if len(parsers) < 2:
        return True
    made = {
        (
            getattr(parser, "file", ""),
            parser.line,
            frozenset((declared.name, declared.required) for declared in parser.declared()),
        )
        for parser in parsers.values()
    }
    return len(made) == 1


def _sharing(parsing: list[Candidate], best: Candidate) -> list[Candidate]:
    """Return the candidates that are linked to the best one by what they leave each other."""
    linked = {id(best.parser)}
    if not best.complete:
        # Nobody refuses what another knows.
        linked.update(id(one.parser) for one in parsing if not one.fixed)
    for _round in range(len(parsing)):
        size = len(linked)
        for one in parsing:
            family = {id(one.parser), *map(id, one.before)}
            # Of those that read the same rest only one is reached, unless none is certain.
            if family & linked and not (one.complete and one is not best and best.certain):
                linked |= family
        if len(linked) == size:
            break
    chosen: dict[int, Candidate] = {}
    for one in parsing:
        if id(one.parser) in linked and not one.fixed:
            seen = chosen.setdefault(id(one.parser), one)
            if one.certain and not seen.certain:
                # It parses on each path, and the first time on some.
                chosen[id(one.parser)] = one
    return list(chosen.values()) or [best]
