"""Fields of classes and parameters of functions, as sources of arguments."""

import ast
import re
from dataclasses import replace
from typing import Final

from keynet.frozen import frozen
from keynet.script.files.bodies import docstring
from keynet.script.interpreter.definitions import Class, Function, Instance, Scope
from keynet.script.interpreter.knowledge.annotations import Described, describe_value
from keynet.script.interpreter.lineage import class_member, lineage
from keynet.script.interpreter.machine import Dialect, Handler, Machine
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    BoundMethod,
    External,
    Generic,
    Value,
)
from keynet.text import _, fill

__all__ = [
    "DATACLASSES",
    "Field",
    "FieldInfo",
    "class_fields",
    "field_with_default",
    "function_fields",
    "function_of",
    "listed_field",
]

_DEEPEST: Final = 6
_HIDDEN: Final = ("ClassVar", "Suppress", "Fixed", "SuppressFixed")
_DOCUMENTED: Final = re.compile(r"^\s*(?:\*\s*|:param\s+)?(\w+)(?:\s*\([^)]*\))?\s*:\s+(\S.*)$")


@frozen
class Field:
    """One field or parameter; ``annotation`` is its evaluated type, else MISSING.

    ``part`` is what it adds to a dotted name, None for its own name; ``bare`` is set where the
    names of what it is in are left out, ``flat`` where its own fields have no dotted names, and
    ``single`` where it has the fields of its default alone.
    """

    name: str
    annotation: Value
    described: Described
    default: Value = MISSING
    info: Arguments = Arguments()
    help: Value = ""
    line: int = 0
    file: str = ""
    part: str | None = None
    bare: bool = False
    flat: bool = False
    single: bool = False


class FieldInfo(Instance):
    """What ``dataclasses.field(...)`` and functions like it return."""

    def __init__(self, given: Arguments) -> None:
        super().__init__()
        self.given = given

    def native(self, name: str) -> Value:
        """Return default, factory or metadata as passed, MISSING when they were not."""
        known = name in ("default", "default_factory", "factory", "metadata", "type")
        return self.given.keywords.get(name, MISSING) if known else MISSING


def class_fields(run: Machine, cls: Class) -> list[Field]:
    """Return the annotated fields of a class, those of its bases first."""
    found: dict[str, Field] = {}
    for one in reversed(list(lineage(cls))):
        texts = _documented(ast.get_docstring(one.node))
        for number, node in enumerate(one.node.body):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                run.limits.spend(2)
                field = _class_field(run, cls, one, node)
                if field is None:
                    continue
                text = _text_below(one.node.body, number) or texts.get(field.name, "")
                found[field.name] = replace(field, help=field.help or text)
    return list(found.values())


def _class_field(run: Machine, cls: Class, owner: Class, node: ast.AnnAssign) -> Field | None:
    assert isinstance(node.target, ast.Name)
    name = node.target.id
    annotation = run.evaluate(node.annotation, owner.scope)
    if _head(annotation) in _HIDDEN:
        return None
    default = class_member(cls, name)
    info = Arguments()
    if isinstance(default, FieldInfo):
        info = default.given
        if run.truth(info.keywords.get("init", True)) is False:
            return None
        default = info.keywords.get("default", MISSING)
        factory = info.keywords.get("default_factory", MISSING)
        if default is MISSING and factory is not MISSING:
            default = run.call(factory, Arguments())
    return Field(
        name,
        annotation,
        describe_value(run, annotation, owner.scope),
        default,
        info,
        _help_of(run, info),
        node.lineno,
        owner.scope.module.file,
    )


def function_fields(
    run: Machine, function: Function, *, method: bool = False, several: bool = False
) -> list[Field]:
    """Return a function's parameters, without ``**`` and a method's first.

    Args:
        several: Return ``*names`` too, which takes any number of words, and note ``**names``.
    """
    given = function.node.args
    if several:
        note_rest(run, function)
    nodes = [*given.posonlyargs, *given.args]
    defaults = function.parameter_defaults()
    texts: dict[str, str] = {}
    if not isinstance(function.node, ast.Lambda):
        texts = _documented(docstring(function.node))
    found = []
    rest = [given.vararg] if several and given.vararg is not None else []
    for node in [*nodes[1 if method else 0 :], *rest, *given.kwonlyargs]:
        annotation = _annotation(run, node.annotation, function.scope)
        if _head(annotation) in _HIDDEN:
            continue
        described = (
            Described(known=False)
            if annotation is MISSING
            else describe_value(run, annotation, function.scope)
        )
        default = defaults.get(node.arg, None if node is given.vararg else MISSING)
        text = texts.get(node.arg, "")
        file = function.scope.module.file
        found.append(
            Field(node.arg, annotation, described, default, Arguments(), text, node.lineno, file)
        )
    return found


def note_rest(run: Machine, function: Function) -> None:
    """Note that a function takes options of any name, which cannot be listed."""
    rest = function.node.args.kwarg
    if rest is not None:
        text = fill(_("**{name} takes further values by name; they are not listed."), name=rest.arg)
        run.note(rest.lineno, text, function.scope.module.file)


def _annotation(run: Machine, node: ast.expr | None, scope: Scope) -> Value:
    return MISSING if node is None else run.evaluate(node, scope)


def function_of(value: Value) -> Function | None:
    """Return the function of the project behind a callable, None if there is none."""
    for _step in range(_DEEPEST):
        if isinstance(value, BoundMethod):
            value = value.function
        elif isinstance(value, Function) and "__wrapped__" in value.attributes:
            value = value.attributes["__wrapped__"]
    return value if isinstance(value, Function) else None


def _head(annotation: Value) -> str:
    if isinstance(annotation, Generic | External):
        return annotation.name.rpartition(".")[2]
    if isinstance(annotation, str):
        return annotation.partition("[")[0].rpartition(".")[2]
    return ""


def _help_of(run: Machine, info: Arguments) -> Value:
    if "help" in info.keywords:
        return info.keywords["help"]
    metadata = info.keywords.get("metadata")
    if isinstance(metadata, dict) and not run.spoiled(metadata):
        return metadata.get("help", "")
    return ""


def _documented(docstring: str | None) -> dict[str, str]:
    """Return the description of each name in the ``Args:`` section of a docstring."""
    found: dict[str, str] = {}
    for line in (docstring or "")[:20_000].splitlines():
        match = _DOCUMENTED.match(line)
        if match is not None:
            found.setdefault(match[1], match[2].strip())
    return found


def _text_below(body: list[ast.stmt], number: int) -> str:
    """Return the string literal below a field, which documents it."""
    below = body[number + 1] if number + 1 < len(body) else None
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        return below.value.value if isinstance(below.value.value, str) else ""
    return ""


def _field(_run: Machine, given: Arguments) -> Value:
    return FieldInfo(given)


def field_with_default(_run: Machine, given: Arguments) -> Value:
    """Read a field function whose first argument is the default."""
    if given.positional:
        keywords = {**given.keywords, "default": given.positional[0]}
        given = Arguments((), keywords, given.open, given.line, given.file)
    return FieldInfo(given)


def listed_field(run: Machine, given: Arguments) -> Value:
    """Read ``list_field(1, 2)``, whose arguments are the items of the default."""
    keywords = {**given.keywords, "default": run.fresh(list(given.positional))}
    return FieldInfo(Arguments((), keywords, given.open, given.line, given.file))


_HANDLERS: Final[dict[str, Handler]] = {
    "dataclasses.field": _field,
    "dataclass_wizard.field": _field,
    "attrs.field": _field,
    "attr.ib": _field,
}

# Declares no command line itself: the libraries built on dataclasses use its functions.
DATACLASSES: Final = Dialect(_HANDLERS)
