"""argparse: what an action declares once the script has set it up."""

from typing import Final

from keynet.script.dialects.argparse.action import Action
from keynet.script.interpreter.machine import Declared
from keynet.script.interpreter.values import External, Value, join
from keynet.text import _

__all__ = ["declare", "either"]

_WITH_VALUE: Final = ("store", "append", "extend")
_BUILT_IN: Final = {f"builtins.{name}": name for name in ("bool", "float", "int", "str")}


def declare(action: Action, *, sure: bool = True) -> Declared:
    """Convert an action to a declaration that is the same for all dialects.

    What the script assigns to an attribute of the action counts.

    Args:
        sure: The subcommand to which it belongs is always there.
    """
    certain = action.certain and sure
    own = action.attributes
    notes = list(action.notes)
    required = own.get("required", action.required)
    if not isinstance(required, bool) or (required and not certain):
        required = False
        notes.append(_("It is unknown whether the script requires {name}."))
    choices = own.get("choices", action.choices)
    kind = action.kind
    if "type" in own and action.verb in _WITH_VALUE:
        kind = _BUILT_IN.get(own["type"].name, "") if isinstance(own["type"], External) else ""
    name = own.get("dest", action.name)
    return Declared(
        name if isinstance(name, str) else action.name,
        kind,
        own.get("default", action.default),
        required,
        own.get("help", action.given.keywords.get("help", "")),
        choices,
        action.given.line,
        action.given.file,
        notes,
        certain,
        _converter(action),
        action.alternative or not sure,
    )


def _converter(action: Action) -> Value:
    """Return what converts a default that is a string."""
    if not action.options and action.given.keywords.get("nargs") == "*":
        # A positional of any number takes its default as it is.
        return None
    return action.attributes.get("type", action.given.keywords.get("type"))


def either(one: Action, other: Action) -> Action:
    """Return what holds for both of two actions that are added by the same call."""
    first, second = (action.attributes.get("default", action.default) for action in (one, other))
    both = one.with_default(join(first, second))
    both.certain = one.certain or other.certain
    both.notes = list(dict.fromkeys([*one.notes, *other.notes]))
    if one.kind != other.kind:
        both.kind = ""
    if one.choices is not other.choices:
        both.choices = join(one.choices, other.choices)
    if one.required != other.required:
        both.required = False
        both.notes.append(_("It is unknown whether the script requires {name}."))
    return both
