"""argparse: what a parser has where it parses."""

from typing import Protocol

from keynet.script.dialects.argparse.action import Action
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Machine, ParserLike
from keynet.script.interpreter.values import MISSING, Arguments, Leftover, Unknown, Value

__all__ = ["GroupLike", "parse", "parse_known"]


class _Parser(ParserLike, Protocol):
    """A parser; ``parsed`` are the names that it had each time that it parsed."""

    actions: list[Action]
    defaults: dict[str, Value]
    parsed: set[str] | None
    region: int
    argument_default: Value
    registered: dict[tuple[Value, Value], Value]


class GroupLike(Protocol):
    """A group of arguments, or a parser."""

    cls: Class | None

    @property
    def parser(self) -> _Parser:
        """Return the parser that receives the arguments."""


def parse(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``parse_args``, which calls ``parse_known_args`` of the class."""
    parser = group.parser
    own = MISSING if group.cls is None else class_member(group.cls, "parse_known_args")
    if isinstance(own, Function) and isinstance(group, Instance):
        run.call(own, Arguments((group, *given.positional), given.keywords, given.open))
    _settle(run, parser)
    names = {action.name for action in parser.actions}
    parser.parsed = names if parser.parsed is None else parser.parsed & names
    run.parsed(parser, words=_words(run, given))
    return Unknown()


def parse_known(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``parse_known_args``, which returns the words that it leaves."""
    words = _words(run, given)
    _settle(run, group.parser)
    run.parsed(group.parser, complete=False, words=words)
    return (Unknown(), Leftover("list", parsers=(group.parser,)))


def _settle(run: Machine, parser: _Parser) -> None:
    """Make those arguments certain that the branch which parses has added.

    Where another branch parses without them, they stay uncertain.
    """
    run.limits.spend(len(parser.actions) // 8)
    for action in parser.actions:
        elsewhere = parser.parsed is not None and action.name not in parser.parsed
        if not action.alternative or action.region in (0, parser.region):
            action.certain = action.certain and not elsewhere
        elif elsewhere or action.region not in run.regions:
            action.certain, action.region = False, 0
        else:
            action.certain = True


def _words(run: Machine, given: Arguments) -> Value:
    """Return what is parsed: None for the command line, a list for fixed words."""
    words = given.get("args", 0, None)
    return Unknown("list") if run.spoiled(words) else words
