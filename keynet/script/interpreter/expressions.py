"""Evaluate each kind of expression."""

import ast
from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.definitions import Class, Scope, Super, content_of
from keynet.script.interpreter.evaluation import comparing, operations
from keynet.script.interpreter.evaluation.displays import DISPLAYS
from keynet.script.interpreter.evaluation.iterators import content
from keynet.script.interpreter.evaluation.suspending import SUSPENDING
from keynet.script.interpreter.machine import MAX_DEPTH, Machine, OutOfSteps
from keynet.script.interpreter.names import assign, look_up, names_of
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    External,
    Iterator,
    OneOf,
    Unknown,
    Value,
    join,
    kind_of,
)

__all__ = ["call_arguments", "evaluate"]

_NAMES_OF_SCOPE: Final = ("builtins.locals", "builtins.globals", "builtins.vars")
_ADD: Final = ast.Add()
_MAX_CONSTANT: Final = operations.MAX_TEXT


def evaluate(run: Machine, node: ast.expr, scope: Scope) -> Value:
    """Return the value of an expression, Unknown when it cannot be determined."""
    limits = run.limits
    limits.steps -= 1
    if limits.steps < 0:
        raise OutOfSteps
    kind = type(node)
    if kind is ast.Constant:
        return _constant(node)  # type: ignore[arg-type]
    if kind is ast.Name:
        return look_up(run, node.id, scope)  # type: ignore[attr-defined]
    handler = _EXPRESSIONS.get(kind)
    if handler is None or run.depth >= MAX_DEPTH:
        return UNKNOWN
    run.depth += 1
    try:
        return handler(run, node, scope)
    finally:
        run.depth -= 1


def _constant(node: ast.Constant) -> Value:
    value = node.value
    if value is Ellipsis:
        return External("builtins.Ellipsis")
    if isinstance(value, (str, bytes)) and len(value) > _MAX_CONSTANT:
        return Unknown(type(value).__name__)
    return value


def _attribute(run: Machine, node: ast.Attribute, scope: Scope) -> Value:
    return run.attribute(evaluate(run, node.value, scope), node.attr)


def _call(run: Machine, node: ast.Call, scope: Scope) -> Value:
    function = evaluate(run, node.func, scope)
    arguments = call_arguments(run, node, scope)
    if isinstance(function, External):
        if function.name == "builtins.super":
            return _super_of(scope, arguments)
        if function.name in _NAMES_OF_SCOPE and not arguments.positional:
            return _scope_names(run, scope, everything=function.name.endswith("globals"))
    return run.call(function, arguments)


def _super_of(scope: Scope, arguments: Arguments) -> Value:
    """Evaluate ``super()``, with or without arguments."""
    if len(arguments.positional) == 2 and isinstance(arguments.positional[0], Class):
        return Super(arguments.positional[0], arguments.positional[1])
    function = scope.frame.function
    if function is None or function.owner is None:
        return UNKNOWN
    parameters = [*function.node.args.posonlyargs, *function.node.args.args]
    inner: Scope | None = scope
    while parameters and inner is not None:
        if parameters[0].arg in inner.names:
            return Super(function.owner, inner.names[parameters[0].arg])
        inner = inner.parent
    return UNKNOWN


def _scope_names(run: Machine, scope: Scope, *, everything: bool) -> Value:
    """Return ``locals()`` or ``globals()`` as a new dict."""
    while everything and scope.parent is not None:
        scope = scope.parent
    return names_of(run, scope)


def call_arguments(run: Machine, node: ast.Call, scope: Scope) -> Arguments:
    """Evaluate the arguments of a call, expanding known ``*`` and ``**``."""
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    is_open = False
    for argument in node.args:
        if isinstance(argument, ast.Starred):
            items = run.iterate(evaluate(run, argument.value, scope))
            is_open = is_open or items is None
            positional.extend(items or ())
        elif not (is_open and not isinstance(argument, ast.Starred)):
            positional.append(evaluate(run, argument, scope))
    for keyword in node.keywords:
        value = evaluate(run, keyword.value, scope)
        if keyword.arg is not None:
            keywords[keyword.arg] = value
            continue
        is_open = not _spread(run, value, keywords) or is_open
    return Arguments(tuple(positional), keywords, is_open, node.lineno, scope.module.file)


def _spread(run: Machine, value: Value, into: dict[str, Value]) -> bool:
    """Add the items of a mapping; report whether all of them are known."""
    value = content_of(value)
    if not isinstance(value, dict):
        return False
    run.limits.spend(len(value))
    for key, item in value.items():
        if isinstance(key, str):
            into[key] = item
    return not run.spoiled(value)


def _binary(run: Machine, node: ast.BinOp, scope: Scope) -> Value:
    left = evaluate(run, node.left, scope)
    right = evaluate(run, node.right, scope)
    if run.spoiled(left) or run.spoiled(right):
        return Unknown(kind_of(left))
    result = operations.binary(node.op, left, right)
    if isinstance(result, (list, tuple, str)):
        run.limits.spend(len(result) // 16)
    return result


def _unary(run: Machine, node: ast.UnaryOp, scope: Scope) -> Value:
    operand = evaluate(run, node.operand, scope)
    if run.spoiled(operand):
        return Unknown("bool")
    return operations.unary(node.op, operand)


def _boolean(run: Machine, node: ast.BoolOp, scope: Scope) -> Value:
    stops = isinstance(node.op, ast.Or)
    result: Value = None
    found = False
    for operand in node.values:
        value = (_perhaps if found else evaluate)(run, operand, scope)
        known = run.truth(value)
        if known is None or known is stops or operand is node.values[-1]:
            kept = (
                _only(value, stops) if known is None and operand is not node.values[-1] else value
            )
            result = join(result, kept) if found else kept
            found = True
        if known is stops:
            break
    return result


def _only(value: Value, truth: bool) -> Value:
    """Narrow a value to what can end an ``or`` (true) or an ``and`` (false)."""
    if isinstance(value, OneOf):
        fitting = tuple(item for item in value.values if operations.truth(item) in (truth, None))
        if len(fitting) == 1:
            return fitting[0]
        return OneOf(fitting) if fitting else UNKNOWN
    return value


def _compare(run: Machine, node: ast.Compare, scope: Scope) -> Value:
    left = evaluate(run, node.left, scope)
    outcome: bool | None = True
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = evaluate(run, comparator, scope)
        if isinstance(right, Iterator):
            right = content(run, right, partly=True)
        elif isinstance(right, list) and id(right) in run.views:
            right = run.iterate(right)
        known = None
        if not (run.spoiled(left) or run.spoiled(right)):
            if isinstance(right, (list, tuple, dict, str)):
                run.limits.spend(len(right) // 4)
            known = comparing.compare(op, left, right)
        if known is False:
            return False
        outcome = None if known is None else outcome
        left = right
    return Unknown("bool") if outcome is None else True


def _condition(run: Machine, node: ast.IfExp, scope: Scope) -> Value:
    known = run.truth(evaluate(run, node.test, scope))
    if known is None:
        left = _perhaps(run, node.body, scope)
        return join(left, _perhaps(run, node.orelse, scope))
    return evaluate(run, node.body if known else node.orelse, scope)


def _perhaps(run: Machine, node: ast.expr, scope: Scope) -> Value:
    """Evaluate an expression that the script may pass over."""
    run.limits.spend(1)
    bound = run.stored.get(node)
    if bound is None:
        module = scope.module
        if id(module) not in run.walrus:
            run.walrus[id(module)] = ":=" in module.text
        walked = ast.walk(node) if run.walrus[id(module)] else ()
        bound = {inner.target.id for inner in walked if isinstance(inner, ast.NamedExpr)}
        run.stored[node] = bound
    if not bound and not any(isinstance(inner, ast.Call) for inner in ast.walk(node)):
        return evaluate(run, node, scope)
    before = {name: scope.names.get(name, UNKNOWN) for name in bound}
    with run.uncertain():
        value = evaluate(run, node, scope)
    for name, old in before.items():
        if name in scope.names:
            scope.names[name] = join(old, scope.names[name])
    return value


def _subscript(run: Machine, node: ast.Subscript, scope: Scope) -> Value:
    value = evaluate(run, node.value, scope)
    if isinstance(node.slice, ast.Slice):
        bounds = [
            None if part is None else evaluate(run, part, scope)
            for part in (node.slice.lower, node.slice.upper, node.slice.step)
        ]
        return run.slice_of(value, bounds)
    return run.item(value, evaluate(run, node.slice, scope))


def _joined_text(run: Machine, node: ast.JoinedStr, scope: Scope) -> Value:
    text: Value = ""
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            piece = _formatted(run, part, scope)
        else:
            piece = evaluate(run, part, scope)
        text = operations.binary(_ADD, text, piece)
        if isinstance(text, Unknown):
            return Unknown("str", text.why)
    return text


def _formatted(run: Machine, node: ast.FormattedValue, scope: Scope) -> Value:
    value = evaluate(run, node.value, scope)
    spec: Value = ""
    if node.format_spec is not None:
        spec = evaluate(run, node.format_spec, scope)
    if not isinstance(spec, str):
        return Unknown("str")
    return operations.format_value(value, chr(node.conversion) if node.conversion > 0 else "", spec)


def _lambda(run: Machine, node: ast.Lambda, scope: Scope) -> Value:
    return run.fresh(run.make_function(node, scope))


def _named(run: Machine, node: ast.NamedExpr, scope: Scope) -> Value:
    value = evaluate(run, node.value, scope)
    while scope.kind == "comprehension" and scope.parent is not None:
        scope = scope.parent
    assign(run, node.target, value, scope)
    return value


_EXPRESSIONS: Final[Mapping[type[ast.expr], Callable[..., Value]]] = {
    ast.Attribute: _attribute,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.IfExp: _condition,
    ast.JoinedStr: _joined_text,
    ast.Lambda: _lambda,
    ast.NamedExpr: _named,
    ast.Subscript: _subscript,
    ast.UnaryOp: _unary,
    **DISPLAYS,
    **SUSPENDING,
}
