"""argparse: parsers, groups and subcommands, and what derives from them."""

from collections.abc import Callable
from typing import Final

from keynet.script.dialects.argparse import grouped, parser_defaults, parsing
from keynet.script.dialects.argparse.action import Action, make_action
from keynet.script.dialects.argparse.action_lists import (
    ActionLists,
    help_action,
    remove_action,
    resolve_conflict,
)
from keynet.script.dialects.argparse.config_options import config_options
from keynet.script.dialects.argparse.conflicts import MOST_ACTIONS, add_action
from keynet.script.dialects.argparse.declaration import declare
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import (
    Declared,
    Handler,
    Machine,
    Native,
)
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    OneOf,
    Unknown,
    Value,
    is_constant,
)
from keynet.text import _

__all__ = ["Group", "Parser"]


class Group(Instance):
    """An argument group, plain or mutually exclusive; also the base of a parser."""

    def __init__(self, cls: Class | None = None, parser: "Parser | None" = None) -> None:
        super().__init__(cls)
        self._parser = parser
        self.own: list[str] = []

    @property
    def parser(self) -> "Parser":
        """Return the parser that receives the arguments."""
        if self._parser is None:
            # The parser of this group is unknown: its arguments are reported by no other parser.
            self._parser = Parser()
        return self._parser

    def another(self, own: list[str]) -> "Group":
        """Return a group of the same parser."""
        made = Group(None, self.parser)
        made.own = own
        return made

    def join(self, container: "Group") -> None:
        """Add the arguments to the parser of another group."""
        self._parser = container.parser

    def native(self, name: str) -> Value:
        """Return a method of argparse."""
        if name == "prefix_chars":
            return self.parser.prefix
        if name == "_actions":
            return self.parser.lists.actions(self.parser.every_action())
        if name == "_option_string_actions":
            return self.parser.lists.options(self.parser.every_action())
        if name.startswith("_") and name in _LISTS:
            # They are made anew each time.
            self.parser.lists.spend(1 + (len(self.parser.actions) + len(self.parser.groups)) // 4)
        if name in grouped.LISTS:
            return grouped.listed(self, name)
        method = _GROUP_METHODS.get(name)
        return MISSING if method is None else Native(name, self._bound(method))

    def _bound(self, method: "Callable[[Machine, Group, Arguments], Value]") -> Handler:
        return lambda run, given: method(run, self, given)


class Parser(Group):
    """An ``ArgumentParser``: its actions in order, and its subcommands' parsers."""

    dialect = "argparse"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.actions: list[Action] = []
        self.lists = ActionLists()
        self.help: Action | None = None
        self.defaults: dict[str, Value] = {}
        self.children: list[tuple[int, Parser]] = []
        self.groups: list[Group] = []
        self.subparsers: list[tuple[int, Subparsers]] = []
        self.argument_default: Value = None
        self.prefix: str = "-"
        self.resolve = False
        self.nested = False
        self.line = 0
        self.file = ""
        self.set_up = False
        self.time = 0
        self.sometimes = False
        self.parsed: set[str] | None = None
        self.key: Value = None
        self.registered: dict[tuple[Value, Value], Value] = {}

    @property
    def parser(self) -> "Parser":
        """Return the parser itself."""
        return self

    def every_action(self) -> list[Value]:
        """Return the actions in order, also those that stand for subcommands and for help."""
        self.lists.apply(self.actions)
        found: list[Value] = list(self.actions)
        for at, subparsers in reversed(self.subparsers):
            found.insert(at, subparsers)
        return found if self.help is None else [self.help, *found]

    def native(self, name: str) -> Value:
        """Return a method or attribute of argparse."""
        if name == "declared":
            return True
        method = _PARSER_METHODS.get(name)
        if method is not None:
            return Native(name, self._bound(method))
        return super().native(name)

    def declared(self) -> list[Declared]:
        """Return all arguments in source order, subcommands flattened."""
        found: list[tuple[Action, bool]] = []
        self._flatten(found, set(), sure=True)
        return [declare(action, sure=sure) for action, sure in found]

    def settle(self, run: Machine, name: str) -> None:
        """Take an argument that every branch has added as added by what surrounds them."""
        certain = run.region in (0, self.region)
        run.limits.spend(len(self.actions) // 16)
        for action in self.actions:
            if action.name == name and not action.certain:
                action.certain, action.region = certain, run.region
        if not certain:
            run.added.setdefault(run.region, {})[id(self), name] = self

    def _flatten(self, found: list[tuple[Action, bool]], seen: set[int], *, sure: bool) -> None:
        """Append the arguments of each parser once, a subcommand's where it was added.

        Those of one that may not have been added are not ``sure``.
        """
        if id(self) in seen or len(seen) > MOST_ACTIONS:
            return
        seen.add(id(self))
        self.lists.apply(self.actions)
        sure = sure and not self.sometimes
        children = iter([*self.children, (len(self.actions) + 1, self)])
        at, child = next(children)
        for position, action in enumerate([*self.actions, None]):
            while at <= position:
                child._flatten(found, seen, sure=sure)
                at, child = next(children)
            if action is None or len(found) >= MOST_ACTIONS:
                break
            found.append((action, sure))


class Subparsers(Instance):
    """What ``add_subparsers`` returns; ``choices`` are its parsers by name."""

    def __init__(self, parser: Parser) -> None:
        super().__init__()
        self.of = parser
        self.choices: dict[Value, Value] = {}

    def native(self, name: str) -> Value:
        """Return ``add_parser`` or the parsers that it has made."""
        if name == "add_parser":
            return Native(name, lambda run, given: _add_parser(run, self, given))
        return self.choices if name in ("choices", "_name_parser_map") else MISSING

    def is_a(self, name: str) -> bool | None:
        """Report whether it is of a class of argparse."""
        return name in ("argparse.Action", "argparse._SubParsersAction")


def _set_up(run: Machine, group: Group, given: Arguments) -> Value:
    parser = group.parser
    parser.line, parser.file = given.line, given.file
    parser.time = run.time
    if not parser.set_up:
        run.created(parser)
        parser.set_up = True
    conflict = given.keywords.get("conflict_handler")
    parser.resolve = conflict == "resolve"
    prefix = given.keywords.get("prefix_chars", "-")
    parser.prefix = prefix if isinstance(prefix, str) and prefix else "-"
    parser.argument_default = given.keywords.get("argument_default")
    parser.help = help_action(run, parser.prefix, given)
    parser.lists.spoiled, parser.lists.spend = run.spoiled, run.limits.spend
    for option in config_options(run, given):
        _add_argument(run, parser, option)
    if run.truth(given.keywords.get("default_config_files")) is not False:
        text = _("The parser reads configuration files, whose values replace defaults.")
        run.note(given.line, text, given.file)
    parents = given.get("parents", 5, ())
    for parent in _parents(run, parents, given):
        parent.nested = True
        run.limits.spend(len(parent.actions) + len(parent.children))
        if len(parser.actions) + len(parent.actions) > MOST_ACTIONS:
            break
        parser.actions.extend(parent.actions)
        parser.defaults.update(parent.defaults)
        parser.children.extend((len(parser.actions), child) for _at, child in parent.children)
    return None


def _parents(run: Machine, value: Value, given: Arguments) -> list[Parser]:
    if value is None or value is MISSING:
        return []
    items = run.iterate(value)
    found = [item for item in items or () if isinstance(item, Parser)]
    for item in items or ():
        if isinstance(item, OneOf):
            found.extend(part for part in item.values if isinstance(part, Parser))
    if items is None or len(found) < len(items):
        run.note(given.line, _("The arguments of a parent parser are unknown."), given.file)
    return found


def _add_argument(run: Machine, group: Group, given: Arguments) -> Value:
    parser = group.parser
    run.limits.spend(1)
    given = parser_defaults.as_registered(parser.registered, given)
    action = make_action(run, given, parser.prefix, parser.argument_default)
    if action is None or len(parser.actions) >= MOST_ACTIONS:
        return Instance()
    group.own.append(action.name)
    run.kept_by(given, parser)
    doubtful = run.doubtful_since(parser.time)
    action.certain = run.region in (0, parser.region) and not doubtful
    action.alternative = not action.certain
    action.region = 0 if doubtful else run.region
    if action.region and not action.certain:
        run.added.setdefault(action.region, {})[id(parser), action.name] = parser
    if action.name in parser.defaults and "default" not in given.keywords:
        action.default = parser.defaults[action.name]
    own = MISSING if group.cls is None else class_member(group.cls, "_add_action")
    if isinstance(own, Function):
        return run.call(own, Arguments((group, action), line=given.line, file=given.file))
    return _take(run, parser, action)


def _take(run: Machine, parser: Parser, action: Action) -> Value:
    run.limits.spend(len(parser.actions) // 16)
    return add_action(parser.actions, action, resolve=parser.resolve)


def _add_group(run: Machine, group: Group, given: Arguments) -> Value:
    made = Group(None, group.parser)
    group.parser.groups.append(made)
    return made


def _add_action(run: Machine, group: Group, given: Arguments) -> Value:
    """Add an action object that the script has made."""
    value = given.get("action", 0)
    if isinstance(value, Action) and value.name:
        if not value.given.line:
            place = value.given
            value.given = Arguments(
                place.positional, place.keywords, place.open, given.line, given.file
            )
        return _take(run, group.parser, value)
    return value if value is not MISSING else UNKNOWN


def _set_up_group(run: Machine, group: Group, given: Arguments) -> Value:
    """Set a group up as the constructor of ``argparse._ArgumentGroup`` does."""
    container = given.get("container", 0)
    if isinstance(container, Group):
        group.join(container)
    return None


def _add_subparsers(run: Machine, group: Group, given: Arguments) -> Value:
    parser = group.parser
    subparsers = Subparsers(parser)
    parser.subparsers.append((len(parser.actions), subparsers))
    return subparsers


def _add_parser(run: Machine, subparsers: Subparsers, given: Arguments) -> Value:
    of = subparsers.of
    kind: Value = External("argparse.ArgumentParser") if of.cls is None else of.cls
    parser = run.call(kind, given.after(1))
    if isinstance(parser, Parser):
        parser.nested = True
        late = run.doubtful_since(of.time) or of.parsed is not None
        parser.sometimes = late or not run.sure_for(of)
        named = [given.get("name", 0), *(run.iterate(given.keywords.get("aliases", ())) or ())]
        if parser.sometimes or not all(map(is_constant, named)):
            run.spoil(subparsers.choices)
        subparsers.choices.update((name, parser) for name in named if is_constant(name))
        if len(of.children) < 500:
            of.children.append((len(of.actions), parser))
        else:
            run.limits.meet("commands")
    return parser


def _format(run: Machine, group: Group, given: Arguments) -> Value:
    return Unknown("str")


_LISTS: Final = grouped.LISTS | {"_actions", "_option_string_actions"}
_Method = Callable[[Machine, Group, Arguments], Value]
_GROUP_METHODS: Final[dict[str, _Method]] = {
    "__init__": _set_up_group,
    "add_argument": _add_argument,
    "add_argument_group": _add_group,
    "add_mutually_exclusive_group": _add_group,
    "_add_action": _add_action,
    "_handle_conflict_resolve": resolve_conflict,
    "_remove_action": remove_action,
    "set_defaults": parser_defaults.set_defaults,
    "get_default": parser_defaults.get_default,
    "register": parser_defaults.register,
    # Short names of configargparse.
    "add": _add_argument,
    "add_arg": _add_argument,
}
_PARSER_METHODS: Final[dict[str, _Method]] = {
    "__init__": _set_up,
    "add_subparsers": _add_subparsers,
    "parse_args": parsing.parse,
    "parse_intermixed_args": parsing.parse,
    "parse_known_args": parsing.parse_known,
    "parse_known_intermixed_args": parsing.parse_known,
    "format_help": _format,
    "format_usage": _format,
    # Short names of configargparse.
    "parse": parsing.parse,
    "parse_known": parsing.parse_known,
}
