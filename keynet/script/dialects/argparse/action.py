"""argparse: the argument that one ``add_argument`` call declares."""

from typing import Final

from keynet.script.conversion import converter_kind, element_kind, guessed, is_strange
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.lineage import class_member, outside_bases
from keynet.script.interpreter.machine import Machine, Native
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    External,
    OneOf,
    Unknown,
    Value,
    is_constant,
)
from keynet.text import _, fill, printable

__all__ = ["ACTIONS", "Action", "make_action"]

_WITHOUT_VALUE: Final = {"help", "version", "parsers"}
ACTIONS: Final = {
    "argparse.Action": "store",
    "argparse.BooleanOptionalAction": "boolean_optional",
    "argparse._StoreAction": "store",
    "argparse._StoreTrueAction": "store_true",
    "argparse._StoreFalseAction": "store_false",
    "argparse._StoreConstAction": "store_const",
    "argparse._AppendAction": "append",
    "argparse._AppendConstAction": "append_const",
    "argparse._ExtendAction": "extend",
    "argparse._CountAction": "count",
    "argparse._HelpAction": "help",
    "argparse._VersionAction": "version",
}
_KINDS: Final = {
    "argparse.Action": frozenset([*ACTIONS.values(), "flag"]),
    "argparse._StoreAction": frozenset(["store"]),
    "argparse._StoreConstAction": frozenset(["store_const", "store_true", "store_false"]),
    "argparse._AppendConstAction": frozenset(["append_const"]),
    **{
        dotted: frozenset([verb])
        for dotted, verb in ACTIONS.items()
        if verb not in ("store", "store_const", "append_const")
    },
}
_OF_LIBRARIES: Final = ("argparse.", "configargparse.", "jsonargparse.", "simple_parsing.")
_VERBS: Final = frozenset([*ACTIONS.values(), *_WITHOUT_VALUE])
_FLAGS: Final = {"store_true": False, "store_false": True}
_LONGEST_NAME: Final = 200
_PARAMETERS: Final = (
    "option_strings", "dest", "nargs", "const", "default", "type", "choices", "required", "help",
    "metavar",
)  # fmt: skip
_SET_BY_CLASSES: Final = ("nargs", "const", "default", "type", "choices", "required", "help")


class Action(Instance):
    """An argument of a parser."""

    def __init__(
        self,
        name: str,
        kind: str,
        default: Value,
        given: Arguments,
        options: tuple[str, ...] = (),
        cls: Class | None = None,
    ) -> None:
        super().__init__(cls)
        self.name = name
        self.kind = kind
        self.default = default
        self.given = given
        self.options = options
        self.required = False
        self.choices: Value = None
        self.verb = "store"
        self.notes: list[str] = []
        self.certain = True
        self.alternative = False
        self.region = 0

    @classmethod
    def bare(cls, of: Class | None) -> "Action":
        """Return an action that its constructor has not set up yet."""
        return cls("", "str", None, Arguments(), (), of)

    def is_a(self, name: str) -> bool | None:
        """Report whether it is of a class of argparse, None when that is unknown."""
        return {"argparse.Action": True, "argparse._SubParsersAction": False}.get(name)

    def with_default(self, default: Value) -> "Action":
        """Return a copy with another default."""
        copy = self._copy(self.options, default)
        copy.attributes.pop("default", None)
        return copy

    def with_options(self, options: tuple[str, ...]) -> "Action":
        """Return a copy with other option strings."""
        return self._copy(options, self.default)

    def _copy(self, options: tuple[str, ...], default: Value) -> "Action":
        copy = Action(self.name, self.kind, default, self.given, options, self.cls)
        copy.required, copy.choices, copy.notes = self.required, self.choices, self.notes
        copy.verb, copy.certain, copy.region = self.verb, self.certain, self.region
        copy.alternative, copy.attributes = self.alternative, dict(self.attributes)
        return copy

    def native(self, name: str) -> Value:
        """Return an attribute of ``argparse.Action``, or its constructor."""
        if name == "__init__":
            return Native(name, self._set_up)
        if name == "__mro__":
            return tuple(External(dotted) for dotted, verbs in _KINDS.items() if self.verb in verbs)
        if name == "__dict__":
            return {parameter: self.native(parameter) for parameter in _PARAMETERS}
        known: dict[str, Value] = {
            "dest": self.name,
            "default": self.default,
            "option_strings": list(self.options),
            "required": self.required,
            "choices": self.choices,
        }
        if name in known or name not in _PARAMETERS:
            return known.get(name, MISSING)
        const = {"store_true": True, "store_false": False}.get(self.verb)
        return self.given.keywords.get(name, const if name == "const" else None)

    def _set_up(self, run: Machine, given: Arguments) -> Value:
        """Set the action up as the constructor of ``argparse.Action`` does."""
        keywords = {**dict(zip(_PARAMETERS, given.positional, strict=False)), **given.keywords}
        strings = run.iterate(keywords.pop("option_strings", ())) or []
        given = Arguments(tuple(strings), keywords, given.open, given.line, given.file)
        verb, _cls = _verb(self.cls)
        _fill(run, self, given, verb, None)
        return None


def make_action(
    run: Machine, given: Arguments, prefix: str, argument_default: Value
) -> Action | None:
    """Read one ``add_argument`` call; return None when it declares no hyperparameter.

    An argument whose name is unknown is omitted with a note: names are never guessed.
    """
    verb, custom = _verb(given.keywords.get("action"))
    if verb in _WITHOUT_VALUE:
        return None
    name, options = _name(run, given, prefix)
    if not name:
        text = _("An argument whose name is unknown is omitted.")
        run.note(given.line, text, given.file)
        return None
    if custom is not None:
        given = _as_constructed(run, custom, given, name, options)
    action = Action(name, "str", None, given, options)
    _note_action(action, given.keywords.get("action"))
    _fill(run, action, given, verb, argument_default)
    return action


def _note_action(action: Action, verb: Value) -> None:
    if isinstance(verb, External) and not verb.name.startswith(_OF_LIBRARIES):
        text = _("{name} has the action {action}, which is not read: what it stores is a guess.")
        action.notes.append(fill(text, name="{name}", action=printable(verb.name, 100)))


def _fill(
    run: Machine, action: Action, given: Arguments, verb: str, argument_default: Value
) -> None:
    """Set the fields of an action from its declaration."""
    if not action.name:
        action.name, action.options = _name(run, given, "-")
    if verb == "store" and given.keywords.get("nargs") == 0:
        verb = "flag"
    action.given, action.verb = given, verb
    action.default, given_default = _default(given, verb, argument_default)
    action.kind = _kind(run, given, verb, action.default)
    choices = given.keywords.get("choices")
    action.choices = None if choices is None or verb in _FLAGS else choices
    action.required = _required(run, given, action.options, action.notes)
    _refine(run, action, given_default)
    converter = given.keywords.get("type")
    if isinstance(converter, External) and is_strange(run, converter):
        action.notes.append(guessed(converter))
    if given.open:
        action.notes.append(_("Some of the values that declare {name} are unknown."))


def _verb(value: Value) -> tuple[str, Class | None]:  # noqa: PLR0911
    """Return the name of an ``action=``, and its class if the project defines it."""
    if value is None or value is MISSING:
        return "store", None
    if isinstance(value, str):
        return (value if value in _VERBS else "unknown"), None
    if isinstance(value, External):
        return ACTIONS.get(value.name, "store"), None
    if isinstance(value, Class):
        for base in outside_bases(value):
            if base in ACTIONS:
                return ACTIONS[base], value
        return "store", value
    if isinstance(value, OneOf):
        verbs = [_verb(one) for one in value.values]
        return verbs[0] if len(set(verbs)) == 1 else ("unknown", None)
    return "unknown", None


def _name(run: Machine, given: Arguments, prefix: str) -> tuple[str, tuple[str, ...]]:
    """Return the destination and the option strings; "" when the name is unknown."""
    dest = given.keywords.get("dest")
    strings = [part for part in given.positional if isinstance(part, str)]
    options = tuple(part for part in strings if part[:1] in prefix and part)
    if dest is not None:
        return (_checked(dest) if isinstance(dest, str) else ""), options
    # An unknown string before the first known long one would name the argument.
    first: Value = ""
    for part in given.positional:
        if not isinstance(part, str) or (part[:1] in prefix and part[1:2] in prefix):
            first = part
            break
    else:
        first = strings[0] if strings else ""
    if not isinstance(first, str) or (given.open and len(options) < 1):
        return "", options
    if first in options:
        return _checked(first.lstrip(prefix).replace("-", "_")), options
    return _checked(first) if len(strings) == 1 else "", options


def _checked(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME and name.isprintable() else ""


def _default(given: Arguments, verb: str, argument_default: Value) -> tuple[Value, bool]:
    if "default" in given.keywords:
        return given.keywords["default"], True
    if argument_default is not None:
        return argument_default, False
    if verb in _FLAGS:
        return _FLAGS[verb], False
    if verb == "unknown":
        return Unknown(), False
    return (Unknown() if given.open else None), False


def _kind(run: Machine, given: Arguments, verb: str, default: Value) -> str:
    if verb in _FLAGS or verb == "boolean_optional":
        return "bool"
    if verb == "count":
        return "int"
    if verb in ("store_const", "append_const"):
        const = element_kind(given.keywords.get("const"))
        return const or element_kind(default) or "str"
    if verb == "flag":
        return element_kind(given.keywords.get("const")) or element_kind(default) or "bool"
    converter = given.keywords.get("type")
    if converter is None:
        unsure = (given.open and "type" not in given.keywords) or verb == "unknown"
        return "" if unsure else "str"
    return converter_kind(run, converter)


def _refine(run: Machine, action: Action, given_default: bool) -> None:
    """Use the choices where the converter itself does not determine type or choices."""
    converter = action.given.keywords.get("type")
    if isinstance(converter, External) and converter.name in ("builtins.eval", "ast.literal_eval"):
        items = run.iterate(action.choices) if action.choices is not None else None
        if items and all(isinstance(item, bool) for item in items):
            action.kind = "bool"
    if isinstance(converter, Class) and action.choices is None:
        members = run.members(converter)
        if members:
            action.choices = list(members)


def _required(run: Machine, given: Arguments, options: tuple[str, ...], notes: list[str]) -> bool:
    if options:
        known = run.truth(given.keywords.get("required", False))
        if known is None:
            notes.append(_("It is unknown whether the script requires {name}."))
        return bool(known)
    nargs = given.keywords.get("nargs")
    return not (isinstance(nargs, str) and nargs in ("?", "*", "...", "==SUPPRESS=="))


def _as_constructed(
    run: Machine, cls: Class, given: Arguments, name: str, options: tuple[str, ...]
) -> Arguments:
    """Follow a custom action's constructor, which may set nargs, const or default."""
    if class_member(cls, "__init__") is MISSING:
        return given
    keywords = {key: value for key, value in given.keywords.items() if key != "action"}
    keywords = {**keywords, "option_strings": list(options), "dest": name}
    made = run.call(cls, Arguments((), keywords, given.open, given.line, given.file))
    if not isinstance(made, Action) or not made.given.keywords:
        return given
    changed = {
        key: value
        for key, value in made.given.keywords.items()
        if key in _SET_BY_CLASSES
        and (is_constant(value) or not isinstance(value, Unknown))
        and not (value is None and key in given.keywords)
    }
    # What it assigns to itself stands, whatever its base was handed.
    changed |= {key: made.attributes[key] for key in _SET_BY_CLASSES if key in made.attributes}
    return Arguments(
        given.positional, {**given.keywords, **changed}, given.open, given.line, given.file
    )
