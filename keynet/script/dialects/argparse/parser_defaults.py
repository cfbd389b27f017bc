"""argparse: defaults that a parser has besides those of its arguments."""

from keynet.script.dialects.argparse.parsing import GroupLike
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import MISSING, UNKNOWN, Arguments, OneOf, Value
from keynet.text import _

__all__ = ["get_default", "set_defaults"]


def set_defaults(run: Machine, group: GroupLike, given: Arguments) -> Value:
    """Follow ``set_defaults``; on a condition, a default is either the old or the new one."""
    parser = group.parser
    if given.open:
        text = _("Some of the values passed to set_defaults() are unknown.")
        run.note(given.line, text, given.file)
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
