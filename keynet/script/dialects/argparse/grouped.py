"""argparse: which arguments of a parser are in which of its groups."""

from collections.abc import Sequence
from typing import Final, Protocol

from keynet.script.dialects.argparse.action import Action
from keynet.script.interpreter.values import Unknown, Value

__all__ = ["LISTS", "listed"]

LISTS: Final = frozenset(
    [
        "_action_groups", "_group_actions", "_mutually_exclusive_groups", "_optionals",
        "_positionals",
    ]
)  # fmt: skip


class _Group(Protocol):
    """A group; ``own`` are the names of its arguments."""

    own: list[str]

    @property
    def parser(self) -> "_Parser":
        """Return the parser that receives the arguments."""

    def another(self, own: list[str]) -> "_Group":
        """Return a group of the same parser."""


class _Parser(Protocol):
    actions: list[Action]

    @property
    def groups(self) -> Sequence[_Group]:
        """Return the groups that were added."""


def listed(group: _Group, name: str) -> Value:
    """Return a group's arguments, a parser's groups, or one of the two that it has from the start.

    They are lists made for it: to change their order changes nothing that is reported.
    """
    parser = group.parser
    if name == "_mutually_exclusive_groups":
        return Unknown("list")
    if name == "_group_actions":
        named = set(group.own)
        return [action for action in parser.actions if action.name in named]
    grouped = {own for one in parser.groups for own in one.own}
    rest = [action for action in parser.actions if action.name not in grouped]
    optionals = group.another([action.name for action in rest if action.options])
    positionals = group.another([action.name for action in rest if not action.options])
    if name == "_action_groups":
        return [positionals, optionals, *parser.groups]
    return optionals if name == "_optionals" else positionals
