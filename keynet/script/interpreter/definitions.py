"""What the project defines: modules, functions, classes, scopes of names."""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keynet.frozen import frozen
from keynet.script.interpreter.values import MISSING, Take, Value

__all__ = [
    "Class",
    "Container",
    "EnumMember",
    "Frame",
    "Function",
    "Instance",
    "Module",
    "Registry",
    "Scope",
    "Super",
    "content_of",
]


@dataclass(slots=True, eq=False, repr=False)
class Frame:
    """One call: what it returned and yielded, and the names where turns and loops may end early.

    ``region`` and ``time`` are those of the run when it began; ``number`` is its own, and ``loop``
    and ``turn`` are those of its innermost loop; ``unsure`` is set where it may not yield all that
    it yielded. ``partly`` is set for a generator that may not go on after what it yields,
    ``closed`` once a function is made that reads its names later; ``exits`` are the names wherever
    it may end early from then on. ``take`` is called with each item that it yields.
    """

    function: "Function | None" = None
    returns: list[Value] = field(default_factory=list)
    yields: list[Value] = field(default_factory=list)
    continues: list[dict[str, Value]] = field(default_factory=list)
    breaks: list[dict[str, Value]] = field(default_factory=list)
    region: int = 0
    time: int = 0
    number: int = 0
    loop: int = 0
    turn: int = 0
    unsure: bool = False
    partly: bool = False
    closed: bool = False
    exits: list[dict[str, Value]] = field(default_factory=list)
    take: Take | None = None


@dataclass(slots=True, eq=False, repr=False)
class Module:
    """A file of the project.

    ``file`` is its path as shown to people; ``state`` is ``unread``, ``reading`` or ``read``;
    ``stars`` are the modules of its ``import *``, each with whether that is certain to be
    followed; ``hints`` is what it has under
    ``if TYPE_CHECKING:``, as statements until a name is looked up; ``text`` is its content
    once it is read; ``order`` sorts modules as Python imports them, while they are read later, if
    at all. ``imported`` has where each of its names was imported and may not have been looked up.
    """

    name: str
    path: Path
    package: bool = False
    file: str = ""
    state: str = "unread"
    scope: "Scope | None" = None
    stars: list[tuple[Value, bool]] = field(default_factory=list)
    hints: "list[list[ast.stmt]] | dict[str, Value]" = field(default_factory=list)
    text: str = ""
    order: tuple[int, ...] = ()
    imported: "dict[str, list[tuple[Scope, str]]]" = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Scope:
    """Names of one module, function call, class body or comprehension.

    ``bound_in`` has the scopes of names that are declared global or nonlocal.
    """

    module: Module
    parent: "Scope | None" = None
    names: dict[str, Value] = field(default_factory=dict)
    kind: str = "function"
    frame: Frame = field(default_factory=Frame)
    bound_in: dict[str, "Scope"] = field(default_factory=dict)


@dataclass(slots=True, eq=False, repr=False)
class Function:
    """A function or lambda of the project, with the scope in which it was defined.

    ``results`` are what it has returned, by its arguments, where it keeps them (``lru_cache``);
    each is with whether that call was certain. ``managers`` are context managers that decorate it,
    outermost first. ``replaced`` is set where a decorator may return something unknown for it.
    """

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: tuple[Value, ...] = ()
    keyword_defaults: Mapping[str, Value] = field(default_factory=dict)
    owner: "Class | None" = None
    attributes: dict[str, Value] = field(default_factory=dict)
    results: dict[Value, tuple[Value, bool]] | None = None
    managers: tuple[Value, ...] = ()
    replaced: bool = False

    @property
    def name(self) -> str:
        """Return its name as written; "" for a lambda."""
        return "" if isinstance(self.node, ast.Lambda) else self.node.name

    def parameter_defaults(self) -> dict[str, Value]:
        """Return the defaults of the parameters that have one."""
        if not self.defaults:
            return dict(self.keyword_defaults)
        given = self.node.args
        names = [parameter.arg for parameter in (*given.posonlyargs, *given.args)]
        last = names[len(names) - len(self.defaults) :]
        return {**dict(zip(last, self.defaults, strict=True)), **self.keyword_defaults}


@dataclass(slots=True, eq=False, repr=False)
class Class:
    """A class of the project; ``derived`` are the classes that name it as a base."""

    name: str
    bases: tuple[Value, ...]
    namespace: dict[str, Value]
    node: ast.ClassDef
    scope: Scope
    decorators: tuple[Value, ...] = ()
    derived: "list[Class]" = field(default_factory=list)


@dataclass(slots=True, eq=False, repr=False)
class Instance:
    """An object of a class of the project; dialects derive their objects from it."""

    cls: Class | None = None
    attributes: dict[str, Value] = field(default_factory=dict)
    region: int = 0

    def native(self, name: str) -> Value:
        """Return an attribute of its class outside the project, MISSING when it has none."""
        return MISSING

    def is_a(self, name: str) -> bool | None:
        """Report whether it is of a class outside the project, None when that is unknown."""
        return None


class Container(Instance):
    """An object of a class that derives from ``dict`` or ``list``, with its items."""

    def __init__(self, cls: Class | None, items: Value) -> None:
        super().__init__(cls)
        self.items = items


def content_of(value: Value) -> Value:
    """Return the items of a container of the project, any other value itself."""
    return value.items if isinstance(value, Container) else value


@frozen(eq=False)
class Super:
    """``super()`` inside a method of ``owner``."""

    owner: Class
    receiver: Value


@frozen(eq=False)
class EnumMember:
    """A member of an Enum of the project."""

    cls: Class
    name: str
    value: Value


@dataclass(slots=True)
class Registry:
    """A container of a module; ``found`` is how many modules were known when it was filled."""

    container: object
    module: Module
    found: int = -1

    def pattern(self) -> str:
        """Return what a module that imports this one contains."""
        path = self.module.path
        if self.module.name == "__main__":
            return rf"\b(?:{re.escape(path.stem)}|__main__)\b"
        if not self.module.package:
            return rf"\b{re.escape(path.stem)}\b"
        return rf"\b{re.escape(path.parent.name)}\b|\bfrom\s+\.+\s+import\b"
