"""What each kind of statement does to the names of its scope."""

import ast
from collections.abc import Callable, Mapping
from typing import Final

from keynet.script import operations
from keynet.script.attributes import outside_bases
from keynet.script.machine import MAX_DEPTH, Machine, Scope
from keynet.script.names import assign, bind, stored_names, widen
from keynet.script.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    Class,
    Descriptor,
    EnumMember,
    External,
    Function,
    Imported,
    Instance,
    Native,
    SetValue,
    Unknown,
    Value,
    is_constant,
    join,
)

__all__ = ["BREAK", "CONTINUE", "RAISE", "RETURN", "branches", "execute", "is_entry_test"]

RETURN: Final = "return"
RAISE: Final = "raise"
BREAK: Final = "break"
CONTINUE: Final = "continue"

_MAX_TURNS: Final = 256
_NEVER_RETURN: Final = frozenset(
    ["sys.exit", "os._exit", "os.abort", "builtins.exit", "builtins.quit"]
)
_ENDINGS: Final = frozenset(["exit", "_exit", "abort", "quit"])
_Signal = str | None


def execute(run: Machine, statements: list[ast.stmt], scope: Scope) -> _Signal:
    """Follow statements; tell how they ended when they did not just end."""
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


def branches(run: Machine, ways: list[Callable[[], _Signal]], scope: Scope) -> _Signal:
    """Follow each of several ways from the same state, then join what they leave."""
    before = scope.names
    falling: list[dict[str, Value]] = []
    signals: list[str] = []
    for way in ways:
        scope.names = dict(before)
        run.limits.spend(len(before) // 16)
        with run.uncertain():
            signal = way()
        if signal is None:
            falling.append(scope.names)
            continue
        signals.append(signal)
        if signal in (BREAK, CONTINUE):
            scope.frame.exits.append(scope.names)
    if not falling:
        return next((s for s in (CONTINUE, BREAK, RETURN, RAISE) if s in signals), None)
    scope.names = _merged(run, falling)
    return None


def _merged(run: Machine, states: list[dict[str, Value]]) -> dict[str, Value]:
    result, *others = states
    for other in others:
        run.limits.spend(len(other) // 16)
        for name, value in other.items():
            mine = result.get(name, MISSING)
            if mine is not value:
                result[name] = value if mine is MISSING else join(mine, value)
    return result


def _expression(run: Machine, node: ast.Expr, scope: Scope) -> _Signal:
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
    return RAISE if isinstance(function, External) and function.name in _NEVER_RETURN else None


def _assign(run: Machine, node: ast.Assign, scope: Scope) -> _Signal:
    value = run.evaluate(node.value, scope)
    for target in node.targets:
        assign(run, target, value, scope)
    return None


def _assign_annotated(run: Machine, node: ast.AnnAssign, scope: Scope) -> _Signal:
    if node.value is not None:
        assign(run, node.target, run.evaluate(node.value, scope), scope)
    return None


def _assign_augmented(run: Machine, node: ast.AugAssign, scope: Scope) -> _Signal:
    target = node.target
    current = run.evaluate(_loaded(target), scope)
    value = run.evaluate(node.value, scope)
    if isinstance(current, list) and isinstance(node.op, ast.Add):
        run.call(run.attribute(current, "extend"), Arguments((value,)))
        return None
    if isinstance(current, dict | SetValue) and isinstance(node.op, ast.BitOr):
        run.call(run.attribute(current, "update"), Arguments((value,)))
        return None
    assign(run, target, operations.binary(node.op, current, value), scope)
    return None


def _loaded(target: ast.Name | ast.Attribute | ast.Subscript) -> ast.expr:
    match target:
        case ast.Name():
            return ast.Name(target.id, ast.Load())
        case ast.Attribute():
            return ast.Attribute(target.value, target.attr, ast.Load())
        case _:
            return ast.Subscript(target.value, target.slice, ast.Load())


def _delete(run: Machine, node: ast.Delete, scope: Scope) -> _Signal:
    for target in node.targets:
        if isinstance(target, ast.Name):
            scope.names.pop(target.id, None)
        elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Slice):
            run.spoil(run.evaluate(target.value, scope))
        elif isinstance(target, ast.Subscript):
            container = run.evaluate(target.value, scope)
            key = run.evaluate(target.slice, scope)
            if isinstance(container, list | dict):
                run.call(run.attribute(container, "pop"), Arguments((key,)))
    return None


def _if(run: Machine, node: ast.If, scope: Scope) -> _Signal:
    entry = scope.kind == "module" and is_entry_test(node.test)
    known = run.truth(run.evaluate(node.test, scope))
    if known is None:
        return branches(
            run,
            [lambda: execute(run, node.body, scope), lambda: execute(run, node.orelse, scope)],
            scope,
        )
    if known and entry:
        run.enter_main_block(scope)
    return execute(run, node.body if known else node.orelse, scope)


def is_entry_test(test: ast.expr) -> bool:
    """Tell whether a condition asks for ``__name__``."""
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))


def _for(run: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> _Signal:
    iterated = run.evaluate(node.iter, scope)
    items = run.iterate(iterated)
    if items is None:
        return _uncertain_loop(run, node, [*node.body, *node.orelse], scope, node.target)
    for item in items:
        run.limits.spend(1)
        assign(run, node.target, item, scope)
        signal = _turn(run, node.body, scope)
        if signal == BREAK:
            return None
        if signal is not None:
            return signal
    return execute(run, node.orelse, scope)


def _turn(run: Machine, body: list[ast.stmt], scope: Scope) -> _Signal:
    """Run a loop's body once, joining what its uncertain breaks and continues leave."""
    outer, scope.frame.exits = scope.frame.exits, []
    signal = execute(run, body, scope)
    exits, scope.frame.exits = scope.frame.exits, outer
    if exits:
        scope.names = _merged(run, [scope.names, *exits])
    return None if signal == CONTINUE else signal


def _uncertain_loop(
    run: Machine,
    node: ast.For | ast.AsyncFor | ast.While,
    body: list[ast.stmt],
    scope: Scope,
    target: ast.expr | None,
) -> _Signal:
    names = run.stored.get(node)
    if names is None:
        names = run.stored[node] = stored_names(node.body)
        run.limits.spend(4 * len(names))

    def once() -> _Signal:
        if target is not None:
            assign(run, target, UNKNOWN, scope)
        signal = _turn(run, body, scope)
        return None if signal == BREAK else signal

    widen(run, names, scope)
    return branches(run, [lambda: None, once], scope)


def _while(run: Machine, node: ast.While, scope: Scope) -> _Signal:
    for _count in range(_MAX_TURNS):
        known = run.truth(run.evaluate(node.test, scope))
        if known is None:
            return _uncertain_loop(run, node, node.body, scope, None)
        if not known:
            return execute(run, node.orelse, scope)
        signal = _turn(run, node.body, scope)
        if signal == BREAK:
            return None
        if signal is not None:
            return signal
    widen(run, stored_names(node.body), scope)
    return None


def _try(run: Machine, node: ast.Try, scope: Scope) -> _Signal:
    imports = run.imports_outcome(node.body, scope)
    signal: _Signal = RAISE
    if imports is not False:
        signal = execute(run, node.body, scope)
    elif all(_raises(handler.body) for handler in node.handlers):
        # The module may be a compiled one.
        imports, signal = True, execute(run, node.body, scope)
    raised = signal == RAISE
    if not raised and signal is None:
        signal = execute(run, node.orelse, scope)
    if node.handlers and imports is not True:
        signal = _handlers(run, node, scope, signal, raised=raised)
    final = execute(run, node.finalbody, scope)
    return signal if final is None else final


def _raises(body: list[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Raise)


def _handlers(
    run: Machine, node: ast.Try, scope: Scope, signal: _Signal, *, raised: bool
) -> _Signal:
    def handle(handler: ast.ExceptHandler) -> Callable[[], _Signal]:
        def way() -> _Signal:
            if handler.name:
                scope.names[handler.name] = UNKNOWN
            return execute(run, handler.body, scope)

        return way

    ways = [handle(handler) for handler in node.handlers]
    if not raised:
        ways.insert(0, lambda: signal)
    elif len(ways) == 1:
        return ways[0]()
    return branches(run, ways, scope)


def _with(run: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> _Signal:
    for item in node.items:
        value = run.evaluate(item.context_expr, scope)
        entered: Value = UNKNOWN
        if isinstance(value, list) and len(value) == 1:
            entered = value[0]
        elif isinstance(value, Instance):
            enter = run.attribute(value, "__enter__")
            if not isinstance(enter, Unknown):
                entered = run.call(enter, Arguments())
        if item.optional_vars is not None:
            assign(run, item.optional_vars, entered, scope)
    return execute(run, node.body, scope)


def _return(run: Machine, node: ast.Return, scope: Scope) -> _Signal:
    value = None if node.value is None else run.evaluate(node.value, scope)
    scope.frame.returns.append(value)
    return RETURN


def _raise(run: Machine, node: ast.Raise, scope: Scope) -> _Signal:
    if node.exc is not None:
        run.evaluate(node.exc, scope)
    return RAISE


def _function(run: Machine, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> _Signal:
    if _is_setter(node) and isinstance(scope.names.get(node.name), Descriptor):
        return None
    decorators = [run.evaluate(decorator, scope) for decorator in node.decorator_list]
    value: Value = run.make_function(node, scope)
    for decorator in reversed(decorators):
        value = run.decorate(decorator, value, node.lineno)
    bind(run, node.name, value, scope)
    return None


def _is_setter(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "deleter")
        for decorator in node.decorator_list
    )


def _class(run: Machine, node: ast.ClassDef, scope: Scope) -> _Signal:
    bases = tuple(run.evaluate(base, scope) for base in node.bases)
    decorators = [run.evaluate(decorator, scope) for decorator in node.decorator_list]
    inner = Scope(scope.module, scope, {}, "class")
    execute(run, node.body, inner)
    cls = Class(node.name, bases, inner.names, node, inner, tuple(decorators))
    for value in inner.names.values():
        function = value.function if isinstance(value, Descriptor) else value
        if isinstance(function, Function) and function.owner is None:
            function.owner = cls
    if any(name.startswith("enum.") for name in outside_bases(cls)):
        _make_members(cls)
    result: Value = cls
    for decorator in reversed(decorators):
        result = run.decorate(decorator, result, node.lineno)
    bind(run, node.name, result, scope)
    return None


def _make_members(cls: Class) -> None:
    bases = outside_bases(cls)
    lower = "enum.StrEnum" in bases
    flags = bool({"enum.Flag", "enum.IntFlag"}.intersection(bases))
    number = 0
    made: list[EnumMember] = []
    for name, value in cls.namespace.items():
        if name.startswith("_") or isinstance(value, Function | Descriptor | Class | Native):
            continue
        if isinstance(value, Instance) and value.native("auto") is True:
            number = 1 << number.bit_length() if flags else number + 1
            value = name.lower() if lower else number  # noqa: PLW2901
        elif isinstance(value, int):
            number = max(number, value)
        # A value that was seen before makes another name of the same member.
        same = (
            [m for m in made if is_constant(value) and m.value == value] if len(made) < 256 else []
        )
        made.extend([] if same else [EnumMember(cls, name, value)])
        cls.namespace[name] = same[0] if same else made[-1]


def _global(run: Machine, node: ast.Global, scope: Scope) -> _Signal:
    top = scope
    while top.parent is not None:
        top = top.parent
    for name in node.names:
        if top is not scope:
            scope.elsewhere[name] = top
    return None


def _nonlocal(run: Machine, node: ast.Nonlocal, scope: Scope) -> _Signal:
    for name in node.names:
        outer = scope.parent
        while outer is not None and (name not in outer.names or outer.kind == "class"):
            outer = outer.parent
        if outer is not None:
            scope.elsewhere[name] = outer
    return None


def _import(run: Machine, node: ast.Import, scope: Scope) -> _Signal:
    for alias in node.names:
        first = alias.name.partition(".")[0]
        wanted = alias.name if alias.asname else first
        module = run.module(wanted, scope.module)
        if module is not None and wanted != alias.name:
            run.module(alias.name, scope.module)
        bind(run, alias.asname or first, module or External(wanted), scope)
    return None


def _import_from(run: Machine, node: ast.ImportFrom, scope: Scope) -> _Signal:
    name = node.module or ""
    module = run.module(name, scope.module, node.level)
    for alias in node.names:
        if alias.name == "*":
            scope.module.stars.append(module or External(name))
            continue
        value: Value
        if module is not None:
            # Python reads a module that is imported from its package at once.
            run.submodule(module, alias.name)
            value = Imported(module, alias.name)
        elif node.level:
            value = UNKNOWN
        else:
            value = run.attribute(External(name), alias.name)
        bind(run, alias.asname or alias.name, value, scope)
    return None


def _match(run: Machine, node: ast.Match, scope: Scope) -> _Signal:
    subject = run.evaluate(node.subject, scope)
    ways: list[Callable[[], _Signal]] = []
    for case in node.cases:
        known = _matches(run, subject, case.pattern, scope)
        if case.guard is not None and known:
            known = None
        if known is False:
            continue
        ways.append(_case(run, case, scope))
        if known:
            break
    else:
        ways.append(lambda: None)
    return ways[0]() if len(ways) == 1 else branches(run, ways, scope)


def _case(run: Machine, case: ast.match_case, scope: Scope) -> Callable[[], _Signal]:
    def way() -> _Signal:
        for node in ast.walk(case.pattern):
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if isinstance(name, str):
                scope.names[name] = UNKNOWN
        return execute(run, case.body, scope)

    return way


def _matches(run: Machine, subject: Value, pattern: ast.pattern, scope: Scope) -> bool | None:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchValue():
            return operations.compare(ast.Eq(), subject, run.evaluate(pattern.value, scope))
        case ast.MatchSingleton():
            return operations.compare(ast.Is(), subject, pattern.value)
        case ast.MatchOr():
            outcomes = [_matches(run, subject, one, scope) for one in pattern.patterns]
            if True in outcomes:
                return True
            return None if None in outcomes else False
    return False if is_constant(subject) and isinstance(pattern, ast.MatchSequence) else None


def _break(run: Machine, node: ast.Break, scope: Scope) -> _Signal:
    return BREAK


def _continue(run: Machine, node: ast.Continue, scope: Scope) -> _Signal:
    return CONTINUE


_STATEMENTS: Final[Mapping[type[ast.stmt], Callable[..., _Signal]]] = {
    ast.AnnAssign: _assign_annotated,
    ast.Assign: _assign,
    ast.AsyncFor: _for,
    ast.AsyncFunctionDef: _function,
    ast.AsyncWith: _with,
    ast.AugAssign: _assign_augmented,
    ast.Break: _break,
    ast.ClassDef: _class,
    ast.Continue: _continue,
    ast.Delete: _delete,
    ast.Expr: _expression,
    ast.For: _for,
    ast.FunctionDef: _function,
    ast.Global: _global,
    ast.If: _if,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Match: _match,
    ast.Nonlocal: _nonlocal,
    ast.Raise: _raise,
    ast.Return: _return,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.While: _while,
    ast.With: _with,
}
