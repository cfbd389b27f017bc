"""Follow each kind of statement."""

import ast
from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.branching.flow import (
    BREAK,
    CONTINUE,
    RAISE,
    RETURN,
    Signal,
    follow_branches,
)
from keynet.script.interpreter.branching.loops import LOOPS
from keynet.script.interpreter.branching.managers import follow_with
from keynet.script.interpreter.branching.matching import match
from keynet.script.interpreter.branching.trying import follow_try
from keynet.script.interpreter.definitions import Container, Instance, Scope
from keynet.script.interpreter.evaluation import operations
from keynet.script.interpreter.evaluation.attributes import bound
from keynet.script.interpreter.importing import bind_imports, bind_names
from keynet.script.interpreter.knowledge.classes import make_class
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import MAX_DEPTH, Machine
from keynet.script.interpreter.names import assign, bind, replace_slice, unbind
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    Descriptor,
    External,
    SetValue,
    Unknown,
    Value,
)

__all__ = ["execute", "is_entry_test"]


_NEVER_RETURN: Final = frozenset(
    ["sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"]
)
_SET_CHANGES: Final[Mapping[type[ast.operator], str]] = {
    ast.BitAnd: "intersection",
    ast.BitXor: "symmetric_difference",
    ast.Sub: "difference",
}
_IN_PLACE: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "__iadd__",
    ast.BitAnd: "__iand__",
    ast.BitOr: "__ior__",
    ast.BitXor: "__ixor__",
    ast.Div: "__itruediv__",
    ast.FloorDiv: "__ifloordiv__",
    ast.LShift: "__ilshift__",
    ast.MatMult: "__imatmul__",
    ast.Mod: "__imod__",
    ast.Mult: "__imul__",
    ast.Pow: "__ipow__",
    ast.RShift: "__irshift__",
    ast.Sub: "__isub__",
}
_ENDINGS: Final = frozenset(["exit", "_exit", "abort", "quit"])


def execute(run: Machine, statements: list[ast.stmt], scope: Scope) -> Signal:
    """Follow statements; return how they ended, None when the last one was reached."""
    if run.depth >= MAX_DEPTH:
        return None
    run.depth += 1
    try:
        for statement in statements:
            run.limits.spend(1)
            handler = _STATEMENTS.get(type(statement))
            if handler is not None:
                signal = handler(run, statement, scope)
                if signal is not None:
                    return signal
    finally:
        run.depth -= 1
    return None


def _expression(run: Machine, node: ast.Expr, scope: Scope) -> Signal:
    if isinstance(node.value, ast.Constant):
        return None
    run.evaluate(node.value, scope)
    match node.value:
        case ast.Call(func=ast.Name(id=name)) if name in _ENDINGS:
            function = run.evaluate(node.value.func, scope)
        case ast.Call(func=ast.Attribute(value=ast.Name(), attr=name)) if name in _ENDINGS:
            function = run.evaluate(node.value.func, scope)
        case _:
            return None
    if isinstance(function, External) and function.name in _NEVER_RETURN:
        run.raised = External("builtins.SystemExit")
        return RAISE
    return None


def _assign(run: Machine, node: ast.Assign, scope: Scope) -> Signal:
    value = run.evaluate(node.value, scope)
    for target in node.targets:
        assign(run, target, value, scope)
    return None


def _assign_annotated(run: Machine, node: ast.AnnAssign, scope: Scope) -> Signal:
    if node.value is not None:
        assign(run, node.target, run.evaluate(node.value, scope), scope)
    return None


def _assign_augmented(run: Machine, node: ast.AugAssign, scope: Scope) -> Signal:
    target = node.target
    current = run.evaluate(_loaded(target), scope)
    value = run.evaluate(node.value, scope)
    if isinstance(current, Instance):
        assign(run, target, _in_place(run, node.op, current, value), scope)
        return None
    if isinstance(current, list) and isinstance(node.op, ast.Add):
        run.call(run.attribute(current, "extend"), Arguments((value,)))
        return None
    if isinstance(current, list) and isinstance(node.op, ast.Mult):
        repeated = operations.binary(node.op, current, value)
        if isinstance(repeated, list) and not run.spoiled(current) and run.may_change(current):
            current[:] = repeated
        else:
            run.spoil(current)
        return None
    if isinstance(current, SetValue) and type(node.op) in _SET_CHANGES:
        changed = run.call(run.attribute(current, _SET_CHANGES[type(node.op)]), Arguments((value,)))
        if isinstance(changed, SetValue) and run.may_change(current):
            current.items = changed.items
        else:
            run.spoil(current)
        return None
    if isinstance(current, (dict, SetValue)) and isinstance(node.op, ast.BitOr):
        run.call(run.attribute(current, "update"), Arguments((value,)))
        return None
    assign(run, target, operations.binary(node.op, current, value), scope)
    return None


def _in_place(run: Machine, operator: ast.operator, current: Instance, value: Value) -> Value:
    """Follow an augmented assignment to an object, by a method of its class where it has one."""
    name = _IN_PLACE.get(type(operator), "")
    own = MISSING if current.cls is None else class_member(current.cls, name)
    if current.cls is not None and own is not MISSING:
        return run.call(bound(run, own, current, current.cls), Arguments((value,)))
    if isinstance(current, Container):
        method = run.attribute(current.items, name)
        if not isinstance(method, Unknown):
            run.call(method, Arguments((value,)))
            return current
    return operations.binary(operator, current, value)


def _loaded(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    match target:
        case ast.Name():
            return ast.Name(target.id, ast.Load())
        case ast.Attribute():
            return ast.Attribute(target.value, target.attr, ast.Load())
        case _:
            return ast.Subscript(target.value, target.slice, ast.Load())


def _delete(run: Machine, node: ast.Delete, scope: Scope) -> Signal:
    for target in node.targets:
        if isinstance(target, ast.Name):
            unbind(run, target.id, scope)
        elif isinstance(target, ast.Attribute):
            run.delete_attribute(run.evaluate(target.value, scope), target.attr)
        elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            replace_slice(run, run.evaluate(target.value, scope), target.slice, scope, [])
        elif isinstance(target, ast.Subscript):
            container = run.evaluate(target.value, scope)
            key = run.evaluate(target.slice, scope)
            if isinstance(container, (list, dict, Instance)):
                deleter = run.attribute(container, "__delitem__")
                if not isinstance(deleter, Unknown):
                    run.call(deleter, Arguments((key,)))
    return None


def _if(run: Machine, node: ast.If, scope: Scope) -> Signal:
    entry = scope.kind == "module" and is_entry_test(node.test)
    known = run.truth(run.evaluate(node.test, scope))
    if known is None:
        return follow_branches(
            run,
            [lambda: execute(run, node.body, scope), lambda: execute(run, node.orelse, scope)],
            scope,
        )
    if known and entry:
        run.enter_main_block(scope)
    hints = scope.module.hints
    if not known and scope.kind == "module" and isinstance(hints, list) and _is_hint(node.test):
        hints.append(node.body)
    return execute(run, node.body if known else node.orelse, scope)


def is_entry_test(test: ast.expr) -> bool:
    """Report whether a condition tests ``__name__``."""
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _is_hint(test: ast.expr) -> bool:
    """Report whether a condition is that of ``if TYPE_CHECKING:``."""
    return "TYPE_CHECKING" in (getattr(test, "id", ""), getattr(test, "attr", ""))


def _return(run: Machine, node: ast.Return, scope: Scope) -> Signal:
    value = None if node.value is None else run.evaluate(node.value, scope)
    frame = scope.frame
    if run.region != frame.region:
        value = run.parted(value, frame.number)
        if frame.closed:
            frame.exits.append(dict(scope.names))
    frame.returns.append(value)
    return RETURN


def _raise(run: Machine, node: ast.Raise, scope: Scope) -> Signal:
    # Making the exception may declare arguments, as in SystemExit(main()).
    raised = node.exc
    if isinstance(raised, ast.Call):
        for given in (*raised.args, *(keyword.value for keyword in raised.keywords)):
            run.evaluate(given.value if isinstance(given, ast.Starred) else given, scope)
        raised = raised.func
    run.raised = None if raised is None else run.evaluate(raised, scope)
    return RAISE


def _function(run: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Signal:
    if _is_setter(node) and isinstance(scope.names.get(node.name), Descriptor):
        return None
    decorators = [run.evaluate(decorator, scope) for decorator in node.decorator_list]
    value: Value = run.fresh(run.make_function(node, scope))
    for decorator in reversed(decorators):
        value = run.decorate(decorator, value, node.lineno)
    bind(run, node.name, value, scope)
    return None


def _is_setter(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "deleter")
        for decorator in node.decorator_list
    )


def _global(run: Machine, node: ast.Global, scope: Scope) -> Signal:
    top = scope
    while top.parent is not None:
        top = top.parent
    for name in node.names:
        if top is not scope:
            scope.bound_in[name] = top
    return None


def _nonlocal(run: Machine, node: ast.Nonlocal, scope: Scope) -> Signal:
    for name in node.names:
        outer = scope.parent
        while outer is not None and (name not in outer.names or outer.kind == "class"):
            outer = outer.parent
        if outer is not None:
            scope.bound_in[name] = outer
    return None


def _break(run: Machine, node: ast.Break, scope: Scope) -> Signal:
    return BREAK


def _continue(run: Machine, node: ast.Continue, scope: Scope) -> Signal:
    return CONTINUE


_STATEMENTS: Final[Mapping[type[ast.stmt], Callable[..., Signal]]] = {
    ast.AnnAssign: _assign_annotated,
    ast.Assign: _assign,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: follow_with,
    ast.AugAssign: _assign_augmented,
    ast.Break: _break,
    ast.ClassDef: make_class,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.FunctionDef: _function,
    ast.Global: _global,
    ast.If: _if,
    ast.Import: bind_imports,
    ast.ImportFrom: bind_names,
    ast.Match: match,
    ast.Nonlocal: _nonlocal,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: follow_try,
    ast.TryStar: follow_try,
    ast.With: follow_with,
    **LOOPS,
}
