"""Compare known values."""

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.definitions import (
    Class,
    EnumMember,
    Function,
    Instance,
    content_of,
)
from keynet.script.interpreter.evaluation.operations import concrete
from keynet.script.interpreter.values import (
    HERE,
    SCALARS,
    External,
    Generic,
    OneOf,
    SetValue,
    Unknown,
    Value,
    is_constant,
)

__all__ = ["compare"]

_COMPARE: Final[Mapping[type[ast.cmpop], Callable[..., object]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
# Objects of which there is one each, and which no script has for another value.
_SENTINELS: Final = frozenset(["dataclasses.MISSING", "inspect._empty"])
_FAILURES: Final = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError)


def compare(op: ast.cmpop, left: Value, right: Value) -> bool | None:  # noqa: PLR0911
    """Compare two values; return None when the outcome is unknown."""
    for value in (left, right):
        if isinstance(value, str) and HERE in value:
            return None
    left, right = content_of(left), content_of(right)
    if isinstance(op, (ast.Is, ast.IsNot)):
        same = _identical(left, right)
        return same if same is None or isinstance(op, ast.Is) else not same
    if isinstance(op, (ast.In, ast.NotIn)):
        found = _contains(left, right)
        return found if found is None or isinstance(op, ast.In) else not found
    if isinstance(left, OneOf) or isinstance(right, OneOf):
        return _compare_alternatives(op, left, right)
    if isinstance(op, (ast.Eq, ast.NotEq)) and _different_things(left, right):
        return isinstance(op, ast.NotEq)
    if isinstance(op, (ast.Eq, ast.NotEq)) and (_is_sentinel(left) or _is_sentinel(right)):
        same = _identical(left, right)
        return same if same is None or isinstance(op, ast.Eq) else not same
    if isinstance(op, (ast.Eq, ast.NotEq)):
        same = _same_type(left, right)
        if same is not None:
            return same is isinstance(op, ast.Eq)
    if left == External("sys.version_info") and isinstance(right, tuple):
        return _compare_version(op, right)
    if not concrete(left) or not concrete(right) or isinstance(left, SetValue):
        return None
    try:
        return bool(_COMPARE[type(op)](left, right))
    except _FAILURES:
        return None


def _compare_version(op: ast.cmpop, version: tuple[Value, ...]) -> bool | None:
    """Compare with a version older than any Python in use; None for a newer one."""
    if (
        concrete(version)
        and all(isinstance(part, int) for part in version)
        and version[:2] < (3, 9)
        and not isinstance(op, (ast.Eq, ast.NotEq))
    ):
        return isinstance(op, (ast.Gt, ast.GtE))
    return None


def _compare_alternatives(op: ast.cmpop, left: Value, right: Value) -> bool | None:
    lefts = left.values if isinstance(left, OneOf) else (left,)
    rights = right.values if isinstance(right, OneOf) else (right,)
    outcomes = {compare(op, a, b) for a in lefts for b in rights}
    return outcomes.pop() if len(outcomes) == 1 else None


def _different_things(left: Value, right: Value) -> bool:
    """Report whether only one value is None, or two enum members differ."""
    for one, other in ((left, right), (right, left)):
        if one is None:
            return other is not None and not isinstance(other, (Unknown, External))
    if isinstance(left, EnumMember) and isinstance(right, EnumMember):
        return left is not right
    return False


def _is_sentinel(value: Value) -> bool:
    return isinstance(value, External) and value.name in _SENTINELS


def _is_known_type(value: Value) -> bool:
    """Report whether a value is a type that has no other name."""
    if isinstance(value, External):
        return value.name.startswith(("builtins.", "typing.", "types."))
    return isinstance(value, (Class, Generic))


def _same_type(left: Value, right: Value) -> bool | None:
    """Compare two types; None when one may be another name of the other."""
    if isinstance(left, Generic) and isinstance(right, Generic):
        return None
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Instance) and _is_known_type(other):
            return None if one.cls is not None and "__eq__" in one.cls.namespace else False
        if is_constant(one) and one is not None and _is_known_type(other):
            return False
    if not (_is_known_type(left) and _is_known_type(right)):
        return True if isinstance(left, External) and left == right else None
    return left is right or (isinstance(left, External) and left == right)


def _identical(left: Value, right: Value) -> bool | None:  # noqa: PLR0911
    if isinstance(left, OneOf) or isinstance(right, OneOf):
        return _compare_alternatives(ast.Is(), left, right)
    if left is right and not isinstance(left, Unknown):
        return True
    for one, other in ((left, right), (right, left)):
        if _is_sentinel(one) and one != other:
            known = not isinstance(other, (Unknown, External))
            return False if known or _is_sentinel(other) or _is_known_type(other) else None
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Unknown):
            if one is None and other.kind not in ("", "None") and not other.optional:
                return False
            return None
        if one is None or isinstance(one, bool):
            possible = isinstance(other, External) and not _is_known_type(other)
            return None if possible else one is other
    same = _same_type(left, right)
    if same is not None:
        return same
    if isinstance(left, (Function, Instance)) or isinstance(right, (Function, Instance)):
        return False
    return None


def _contains(item: Value, container: Value) -> bool | None:
    if isinstance(item, OneOf):
        outcomes = {_contains(one, container) for one in item.values}
        return outcomes.pop() if len(outcomes) == 1 else None
    if isinstance(item, str) and isinstance(container, str):
        return item in container
    if isinstance(container, SetValue):
        container = container.items
    if isinstance(container, (list, tuple)) and _is_known_type(item):
        outcomes = {_identical(item, one) for one in container}
        return True if True in outcomes else None if None in outcomes else False
    if not isinstance(container, (list, tuple, dict)) or not is_constant(item):
        return None
    if item in container:
        return True
    return False if SCALARS.issuperset(map(type, container)) else None
