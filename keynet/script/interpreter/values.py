"""Values of expressions that are known without running the script.

Constants, lists, tuples and dicts are Python's own; their elements may be any value. Others
are the classes here and in ``definitions``. ``Unknown`` stands for everything else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from keynet.frozen import frozen

if TYPE_CHECKING:
    import ast

__all__ = [
    "HERE",
    "MISSING",
    "ROOT",
    "SCALARS",
    "UNKNOWN",
    "Arguments",
    "BoundMethod",
    "Coroutine",
    "Descriptor",
    "External",
    "Generic",
    "Imported",
    "Iterator",
    "Leftover",
    "OneOf",
    "Partial",
    "PathValue",
    "SetValue",
    "Take",
    "Unknown",
    "Value",
    "is_constant",
    "join",
    "join_all",
    "kind_of",
    "merge_kinds",
    "reason_of",
]

Value: TypeAlias = object
# Takes an item; reports whether the iterator may not be asked for another.
Take: TypeAlias = Callable[[Value], bool]
SCALARS: Final = frozenset([bool, bytes, complex, float, int, str, type(None)])
_MOST_ALTERNATIVES: Final = 6
# Stands at the start of ``__file__`` for the folder of the project in the image, which is unknown:
# the name of a file is known where its place is not. Not printable, so that no name can hold it.
HERE: Final = "\ue000"
# Many parts, so that the folders above the project are still unknown ones.
ROOT: Final = "/".join([HERE] * 16)


@frozen(eq=False)
class Unknown:
    """An unknown value; ``kind`` is its type's name, "" if that is unknown too.

    ``why`` is a text for people; ``of`` is the kind of the elements of a list; ``optional`` is
    set for one of its kind that may be None instead.
    """

    kind: str = ""
    why: str = ""
    of: str = ""
    optional: bool = False


UNKNOWN: Final = Unknown()


@frozen(eq=False)
class Leftover(Unknown):
    """The words that ``parse_known_args`` leaves; ``parsers`` have taken theirs before."""

    parsers: tuple[Value, ...] = ()


class _Missing:
    """The type of MISSING, which stands for an argument that is not passed."""


MISSING: Final = _Missing()


@frozen(eq=False)
class OneOf:
    """One of a few values, depending on a condition that is unknown."""

    values: tuple[Value, ...]


@frozen
class External:
    """Something outside the project, by its full dotted name."""

    name: str


@frozen(eq=False)
class Generic:
    """A type with arguments: ``typing.Optional[int]``, ``int | None``."""

    name: str
    arguments: tuple[Value, ...]


@frozen
class PathValue:
    """A ``pathlib`` path."""

    text: str


@dataclass(slots=True, eq=False, repr=False)
class SetValue:
    """A set that keeps the order of the source."""

    items: dict[Value, None]


@dataclass(slots=True, eq=False, repr=False)
class Iterator:
    """Items that are made when they are asked for, and each is taken once.

    ``make`` makes them, None once that was done; ``rest`` is then what is left, as a list or an
    unknown one; ``holds`` is what it can reach, and ``code`` what of the script makes the items.
    ``drive`` passes each item on as soon as it is made, where what takes it may change what the
    next one is made of.
    """

    make: Callable[[bool], Value] | None
    holds: tuple[Value, ...] = ()
    code: "ast.AST | None" = None
    rest: Value = UNKNOWN
    drive: "Callable[[Take], None] | None" = None


@dataclass(slots=True, eq=False, repr=False)
class Coroutine:
    """What a call of an ``async def`` returns: its body is followed where it is awaited.

    ``make`` follows it, None once that was certain; ``result`` is then what it returned. ``parts``
    are those that it awaits; ``holds`` is what it can reach. ``suspends`` is set where others may
    run before it ends, and ``pauses`` where they do; ``begun`` once it may have run in part.
    """

    make: Callable[[], Value] | None
    holds: tuple[Value, ...] = ()
    parts: "tuple[Value, ...]" = ()
    suspends: bool = False
    pauses: bool = False
    begun: bool = False
    result: Value = UNKNOWN


@frozen
class Arguments:
    """The arguments of a call; ``open`` if an unknown ``*`` or ``**`` may add more."""

    positional: tuple[Value, ...] = ()
    keywords: Mapping[str, Value] = field(default_factory=dict)
    open: bool = False
    line: int = 0
    file: str = ""

    def get(self, name: str, position: int | None = None, default: Value = MISSING) -> Value:
        """Return one argument by keyword, else by position."""
        if name in self.keywords:
            return self.keywords[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return default

    def after(self, count: int) -> "Arguments":
        """Return the arguments without the first positional ones."""
        return Arguments(self.positional[count:], self.keywords, self.open, self.line, self.file)

    def before(self, *first: Value) -> "Arguments":
        """Return the arguments with more positional ones in front."""
        positional = (*first, *self.positional)
        return Arguments(positional, self.keywords, self.open, self.line, self.file)


@frozen(eq=False)
class BoundMethod:
    """A callable with its first argument."""

    function: Value
    receiver: Value


@frozen(eq=False)
class Descriptor:
    """A function wrapped in ``staticmethod``, ``classmethod`` or ``property``."""

    kind: str
    function: Value


@frozen(eq=False)
class Partial:
    """``functools.partial``."""

    function: Value
    arguments: Arguments


@frozen(eq=False)
class Imported:
    """A name imported from a module of the project that is not read yet."""

    module: Value
    name: str


def is_constant(value: Value) -> bool:
    """Report whether a value is one of Python's own scalar constants."""
    return type(value) in SCALARS


def join(left: Value, right: Value) -> Value:
    """Return the value that is one or the other."""
    if left is right or (is_constant(left) and _same(left, right)):
        return left
    values: list[Value] = []
    for value in (*_alternatives(left), *_alternatives(right)):
        if isinstance(value, Unknown) and any(
            isinstance(seen, Unknown)
            and seen.kind == value.kind
            and seen.optional >= value.optional
            for seen in values
        ):
            continue
        if not any(value is seen or _same(value, seen) for seen in values):
            values.append(value)
    if len(values) == 1:
        return values[0]
    if len(values) > _MOST_ALTERNATIVES:
        return Unknown(kind_of(OneOf(tuple(values))))
    return OneOf(tuple(values))


def join_all(values: Iterable[Value]) -> Value:
    """Return the value that is one of these; Unknown when there is none."""
    result: Value = MISSING
    for value in values:
        result = value if result is MISSING else join(result, value)
    return UNKNOWN if result is MISSING else result


def _alternatives(value: Value) -> tuple[Value, ...]:
    return value.values if isinstance(value, OneOf) else (value,)


def _same(left: Value, right: Value) -> bool:
    """Report whether two constants, names, paths or short sequences are equal."""
    if type(left) is not type(right):
        return False
    if is_constant(left) or isinstance(left, (External, PathValue)):
        return bool(left == right)
    if isinstance(left, (list, tuple)) and isinstance(right, (list, tuple)):
        return (
            len(left) == len(right) <= 16
            and all(is_constant(item) for item in left)
            and all(_same(a, b) for a, b in zip(left, right, strict=True))
        )
    return False


def kind_of(value: Value) -> str:  # noqa: PLR0911
    """Return the type name of a value: ``str``, ``list``, …, "" when unknown."""
    if isinstance(value, Unknown):
        return value.kind
    if value is None:
        return "None"
    if isinstance(value, (bool, int, float, str)):
        return type(value).__name__
    if isinstance(value, OneOf):
        return merge_kinds([kind_of(item) for item in value.values])
    if isinstance(value, (list, tuple, SetValue)):
        return "list"
    if isinstance(value, PathValue):
        return "path"
    return "dict" if isinstance(value, dict) else "object"


def merge_kinds(kinds: list[str]) -> str:
    """Return the type name that covers all of these, "" when there is none."""
    distinct = {kind for kind in kinds if kind != "None"}
    if not distinct and kinds:
        return "None"
    if distinct == {"int", "float"}:
        return "float"
    return distinct.pop() if len(distinct) == 1 else ""


def reason_of(value: Value) -> str:
    """Return why a value is unknown, "" when that is not recorded."""
    return value.why if isinstance(value, Unknown) else ""
