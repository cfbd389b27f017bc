"""Arguments that libraries derive from the fields of a class or a function's parameters."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from keynet.script.conversion import element_kind
from keynet.script.interpreter.definitions import Class, EnumMember, Function, Instance, Scope
from keynet.script.interpreter.evaluation.attributes import class_attribute, lineage
from keynet.script.interpreter.knowledge.annotations import Described, describe_value
from keynet.script.interpreter.machine import Declared, Dialect, Handler, Machine
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    BoundMethod,
    External,
    Generic,
    Unknown,
    Value,
)
from keynet.text import _

__all__ = [
    "DATACLASSES",
    "Field",
    "FieldInfo",
    "Form",
    "Style",
    "class_fields",
    "declare_all",
    "field_with_default",
    "function_fields",
    "function_of",
    "listed_field",
    "members_of_union",
]

_DEEPEST: Final = 6
_MOST: Final = 1_000
_HIDDEN: Final = ("ClassVar", "Suppress", "Fixed", "SuppressFixed")
_DOCUMENTED: Final = re.compile(r"^\s*(?:\*\s*|:param\s+)?(\w+)(?:\s*\([^)]*\))?\s*:\s+(\S.*)$")


@dataclass(frozen=True, slots=True)
class Style:
    """What libraries do differently with the same fields.

    Args:
        nested: Fields of a field's own class become arguments too.
        prefixed: ``optim.lr`` instead of ``lr`` for them.
        enum_names: Enum members are given by name, not by value.
        false_flags: A bool without a default is False instead of required.
    """

    nested: bool = True
    prefixed: bool = True
    enum_names: bool = True
    false_flags: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One field or parameter; ``annotation`` is its evaluated type, MISSING where it has none."""

    name: str
    annotation: Value
    described: Described
    default: Value = MISSING
    info: Arguments = Arguments()  # noqa: RUF009 - frozen
    help: Value = ""
    line: int = 0
    file: str = ""


class FieldInfo(Instance):
    """What ``dataclasses.field(...)`` and its relatives in other libraries give."""

    def __init__(self, given: Arguments) -> None:
        super().__init__()
        self.given = given

    def native(self, name: str) -> Value:
        """Give what it was made with; the default is what an attribute of the class gives."""
        known = name in ("default", "default_factory", "metadata")
        return self.given.keywords.get(name, MISSING) if known else MISSING


class Form(Instance):
    """A command line that is made of declarations gathered elsewhere."""

    def __init__(self, dialect: str, given: Arguments) -> None:
        super().__init__()
        self.dialect = dialect
        self.found: list[Declared] = []
        self.nested = False
        self.line = given.line

    def native(self, name: str) -> Value:
        """Say that it declares arguments."""
        return True if name == "declared" else MISSING

    def declared(self) -> list[Declared]:
        """Give the declarations in order."""
        return self.found[:_MOST]


def class_fields(run: Machine, cls: Class) -> list[Field]:
    """Read the annotated fields of a class, those of its bases first."""
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
    default = class_attribute(cls, name)
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


def function_fields(run: Machine, function: Function, *, method: bool = False) -> list[Field]:
    """Read the parameters of a function, without ``*`` and ``**`` ones and a method's first."""
    given = function.node.args
    nodes = [*given.posonlyargs, *given.args]
    padding: list[Value] = [MISSING] * (len(nodes) - len(function.defaults))
    defaults = dict(zip([n.arg for n in nodes], [*padding, *function.defaults], strict=True))
    defaults.update(function.keyword_defaults)
    texts: dict[str, str] = {}
    if not isinstance(function.node, ast.Lambda):
        texts = _documented(ast.get_docstring(function.node))
    found = []
    for node in [*nodes[1 if method else 0 :], *given.kwonlyargs]:
        annotation = _annotation(run, node.annotation, function.scope)
        if _head(annotation) in _HIDDEN:
            continue
        described = (
            Described(known=False)
            if annotation is MISSING
            else describe_value(run, annotation, function.scope)
        )
        default = defaults.get(node.arg, MISSING)
        text = texts.get(node.arg, "")
        file = function.scope.module.file
        found.append(
            Field(node.arg, annotation, described, default, Arguments(), text, node.lineno, file)
        )
    return found


def _annotation(run: Machine, node: ast.expr | None, scope: Scope) -> Value:
    return MISSING if node is None else run.evaluate(node, scope)


def function_of(value: Value) -> Function | None:
    """Give the function of the project behind a callable, if it is one."""
    for _step in range(_DEEPEST):
        if isinstance(value, BoundMethod):
            value = value.function
        elif isinstance(value, Function) and "__wrapped__" in value.attributes:
            value = value.attributes["__wrapped__"]
    return value if isinstance(value, Function) else None


def declare_all(
    run: Machine,
    fields: list[Field],
    style: Style,
    prefix: str = "",
    owner: Value = MISSING,
    depth: int = 0,
) -> Iterator[Declared]:
    """Declare an argument for each field, classes of the project spread out.

    Args:
        owner: The object whose attributes are the defaults, where there is one.
    """
    for field in fields:
        run.limits.spend(1)
        default = field.default
        if isinstance(owner, Instance) and field.name in owner.attributes:
            default = owner.attributes[field.name]
        if default in (External("builtins.Ellipsis"), External("tyro.MISSING")):
            default = MISSING
        inner = members_of_union(field.annotation) if style.nested else []
        if inner and depth < _DEEPEST:
            below = f"{prefix}{field.name}." if style.prefixed else ""
            for cls in inner:
                instance = default if isinstance(default, Instance) else MISSING
                matching = isinstance(instance, Instance) and instance.cls is cls
                yield from declare_all(
                    run,
                    class_fields(run, cls),
                    style,
                    below,
                    instance if matching else MISSING,
                    depth + 1,
                )
        else:
            yield _declared(run, field, style, prefix, default)


def members_of_union(annotation: Value) -> list[Class]:
    """Give the classes with fields of their own that an annotation allows."""
    if isinstance(annotation, Generic):
        last = annotation.name.rpartition(".")[2]
        if last in ("Optional", "Union", "UnionType"):
            return [cls for part in annotation.arguments for cls in members_of_union(part)]
        if last in ("Annotated", "Final", "Positional", "OmitArgPrefixes", "FlagConversionOff"):
            return members_of_union(annotation.arguments[0]) if annotation.arguments else []
        return []
    if isinstance(annotation, Class) and _has_fields(annotation):
        return [annotation]
    return []


def _has_fields(cls: Class) -> bool:
    if any(isinstance(value, EnumMember) for value in cls.namespace.values()):
        return False
    return any(isinstance(node, ast.AnnAssign) for one in lineage(cls) for node in one.node.body)


def _declared(run: Machine, field: Field, style: Style, prefix: str, default: Value) -> Declared:
    described = field.described
    required = default is MISSING
    kind, choices = described.kind, described.choices
    if not described.known:
        kind = element_kind(default) or ("" if isinstance(default, Unknown) else "str")
    elif not kind:
        kind = "str"
    if kind == "bool" and required and style.false_flags and not described.many:
        default, required = False, False
    if field.info.keywords.get("choices") is not None:
        choices = field.info.keywords["choices"]
    members = run.iterate(choices) if choices is not None else None
    if members and all(isinstance(member, EnumMember) for member in members):  # noqa: SIM102
        if style.enum_names:
            kind, choices = "str", [m.name for m in members if isinstance(m, EnumMember)]
            default = _named(run, default)
    notes = [_("Some of its declaration is not known.")] if field.info.open else []
    return Declared(
        f"{prefix}{field.name}",
        kind,
        None if required else default,
        required,
        field.help,
        choices,
        field.line,
        field.file,
        notes,
    )


def _named(run: Machine, value: Value) -> Value:
    if isinstance(value, EnumMember):
        return value.name
    if isinstance(value, list | tuple):
        return run.fresh([_named(run, item) for item in value])
    return value


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
    """Read what a docstring's ``Args:`` section says of each name."""
    found: dict[str, str] = {}
    for line in (docstring or "")[:20_000].splitlines():
        match = _DOCUMENTED.match(line)
        if match is not None:
            found.setdefault(match[1], match[2].strip())
    return found


def _text_below(body: list[ast.stmt], number: int) -> str:
    """Give the string that stands below a field as its documentation."""
    below = body[number + 1] if number + 1 < len(body) else None
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        return below.value.value if isinstance(below.value.value, str) else ""
    return ""


def _field(_run: Machine, given: Arguments) -> Value:
    return FieldInfo(given)


def field_with_default(_run: Machine, given: Arguments) -> Value:
    """Read a field helper whose first argument is the default."""
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

# No command line of its own: what the libraries built on dataclasses need.
DATACLASSES: Final = Dialect("dataclasses", (), _HANDLERS)
