"""argparse: defaults that a parser has besides those of its arguments."""

from collections.abc import Mapping
from dataclasses import replace

from keynet.script.dialects.argparse.parsing import GroupLike
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import MISSING, UNKNOWN, Arguments, OneOf, Value, join
from keynet.text import _

__all__ = ["as_registered", "get_default", "register", "set_defaults"]


def set_defaults(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``set_defaults``; on a condition, a default is either the old or the new one."""
    parser = group.parser
    if given.open:
        text = _("Some of the values passed to set_defaults() are unknown.")
        run.note(given.line, text, given.file)
        if run.sure_for(parser):
            # Whatever is passed replaces the defaults in any case.
            run.limits.spend(len(parser.actions))
            parser.argument_default = UNKNOWN
            parser.actions[:] = [
                action
                if action.name in given.keywords
                else action.with_default(join(action.default, UNKNOWN))
                for action in parser.actions
            ]
    run.limits.spend(len(parser.actions) // 4)
    for name, value in given.keywords.items():
        new = value
        # One that has parsed before, on a condition, had the old default there.
        if not run.sure_for(parser) or parser.parsed is not None:
            old = next((a.default for a in parser.actions if a.name == name), MISSING)
            new = value if old is MISSING else OneOf((old, value))
        parser.defaults[name] = new
        parser.actions[:] = [
            action.with_default(new) if action.name == name else action for action in parser.actions
        ]
    return None


def get_default(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``get_default``."""
    name = given.get("dest", 0)
    for action in group.parser.actions:
        if action.name == name:
            return action.default
    return UNKNOWN


def register(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``register``: a name that stands for an action or a type from now on."""
    parser = group.parser
    kind, name = given.get("registry_name", 0), given.get("value", 1)
    new = given.get("object", 2, UNKNOWN)
    if isinstance(kind, str) and isinstance(name, str):
        old = parser.registered.get((kind, name), UNKNOWN)
        parser.registered[kind, name] = new if run.sure_for(parser) else join(old, new)
    return None


def as_registered(registered: Mapping[tuple[Value, Value], Value], given: Arguments) -> Arguments:
    """Return the arguments of ``add_argument`` with what the names in them stand for."""
    if not registered:
        return given
    named = {
        kind: registered[kind, given.keywords[kind]]
        for kind in ("action", "type")
        if isinstance(given.keywords.get(kind), str) and (kind, given.keywords[kind]) in registered
    }
    return replace(given, keywords={**given.keywords, **named})
