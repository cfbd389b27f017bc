"""Follow ``try`` and ``with suppress(...)``: what may fail there, the script goes on without.

That is an import, or a call of a function outside the project and the standard library.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from typing import Final

from keynet.script.interpreter.branching.flow import RAISE, Signal, follow_branches
from keynet.script.interpreter.branching.raising import attempted, caught_by, from_failures
from keynet.script.interpreter.branching.widening import stored_names
from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.importing import imports_succeed
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import UNKNOWN, External, Value, join

__all__ = ["follow_suppressed", "follow_try"]

# What catches the failure of an import.
_CATCHING: Final = frozenset(
    ["BaseException", "Exception", "ImportError", "ModuleNotFoundError", "OSError"]
)
# Functions that fail, as an import does, where a distribution is not installed.
_FINDING: Final = frozenset(
    [
        "builtins.__import__",
        "importlib.import_module",
        "importlib.metadata.distribution",
        "importlib.metadata.version",
        "importlib_metadata.version",
        "pkg_resources.get_distribution",
        "pkg_resources.require",
    ]
)
_SURE: Final = frozenset(["builtins", *sys.stdlib_module_names])
_LEAVING: Final = frozenset(["exit", "_exit", "abort", "quit"])
_FAILING: Final = (ast.Call, ast.Import, ast.ImportFrom)
_OWN_BODY: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try)


def follow_try(run: Machine, node: ast.Try, scope: Scope) -> Signal:
    """Follow a ``try`` statement."""
    exits = len(scope.frame.exits)
    imports = imports_succeed(run, node.body, scope)
    at = None if imports is False else _first_doubtful(run, node, scope)
    if at is not None:
        signal = _until_failure(run, node, at, scope)
    else:
        signal = _whole(run, node, scope, imports)
    final = run.execute(node.finalbody, scope)
    if node.finalbody and len(scope.frame.exits) > exits:
        _change_exits(scope.frame.exits[exits:], stored_names(node.finalbody))
    return signal if final is None else final


def _change_exits(exits: list[dict[str, Value]], changed: set[str]) -> None:
    """Treat what ``finally`` binds as unknown wherever the call was left before."""
    for names in exits:
        names.update({name: join(names[name], UNKNOWN) for name in changed & names.keys()})


def follow_suppressed(
    run: Machine, node: ast.With | ast.AsyncWith, scope: Scope, *, every: bool = False
) -> Signal:
    """Follow the body of a ``with``; what comes after a possible failure is uncertain.

    Args:
        every: Whether a manager may pass over every exception.
    """
    passed: list[ast.expr] = [
        kind for item in node.items for kind in _suppressed(item.context_expr, scope)
    ]
    if not passed and not every:
        return run.execute(node.body, scope)
    at = _doubtful(run, node.body, scope, imports=every or any(map(_catches, passed)))
    handled: list[tuple[Value, bool]] = [(run.evaluate(kind, scope), True) for kind in passed]
    if every:
        handled.append((None, True))

    def body() -> Signal:
        signal = run.execute(node.body[:at], scope)
        if signal is not None or at is None:
            return signal
        rest = node.body[at:]
        return follow_branches(run, [lambda: run.execute(rest, scope), lambda: None], scope)

    signal, states = attempted(run, scope, handled, body)
    if signal == RAISE and any(caught_by(kind, run.raised) is not False for kind, _on in handled):
        return None
    if not states:
        return signal
    passing = from_failures(run, scope, states, lambda: None)
    return follow_branches(run, [lambda: signal, passing], scope)


def _whole(run: Machine, node: ast.Try, scope: Scope, imports: bool | None) -> Signal:
    handled = _handled(run, node, scope)
    signal: Signal = RAISE
    states: list[dict[str, Value]] = []
    if imports is False and any(goes_on for _kind, goes_on in handled):
        run.raised = External("builtins.ImportError")
    else:
        # A module that is not found may be a compiled one, where no handler goes on without it.
        imports = None if imports is None else True
        signal, states = attempted(run, scope, handled, lambda: run.execute(node.body, scope))
    if signal == RAISE:
        return _caught(run, node, handled, scope, states)
    if states:
        return follow_branches(
            run,
            [
                lambda: run.execute(node.orelse, scope) if signal is None else signal,
                *(_handling(run, handler, scope, states) for handler in node.handlers),
            ],
            scope,
        )
    if signal is None:
        signal = run.execute(node.orelse, scope)
    if not node.handlers or imports is True:
        return signal
    handlers = [_handling(run, handler, scope) for handler in node.handlers]
    return follow_branches(run, [lambda: signal, *handlers], scope)


def _until_failure(run: Machine, node: ast.Try, at: int, scope: Scope) -> Signal:
    """Follow what comes before a possible failure, then both the rest and the handlers."""
    handled = _handled(run, node, scope)
    before, states = attempted(run, scope, handled, lambda: run.execute(node.body[:at], scope))
    if before == RAISE:
        return _caught(run, node, handled, scope, states)
    if before is not None and not states:
        return before

    def imported() -> Signal:
        if before is not None:
            return before
        rest = [*node.body[at:], *node.orelse]
        signal, later = attempted(run, scope, handled, lambda: run.execute(rest, scope))
        states.extend(later)
        return signal

    start = dict(scope.names)
    states.append(start)
    handlers = [_handling(run, handler, scope, states) for handler in node.handlers]
    return follow_branches(run, [imported, *handlers], scope)


def _handled(run: Machine, node: ast.Try, scope: Scope) -> list[tuple[Value, bool]]:
    """Return the class that each handler handles, and whether the script goes on after it."""
    return [
        (None if one.type is None else run.evaluate(one.type, scope), not _leaves(one.body))
        for one in node.handlers
    ]


def _caught(
    run: Machine,
    node: ast.Try,
    handled: list[tuple[Value, bool]],
    scope: Scope,
    states: list[dict[str, Value]],
) -> Signal:
    """Follow the handlers that may catch what the body has raised."""
    branches: list[Callable[[], Signal]] = []
    states = [*states, dict(scope.names)]
    for handler, (kind, _goes_on) in zip(node.handlers, handled, strict=True):
        caught = caught_by(kind, run.raised)
        if caught is not False:
            branches.append(_handling(run, handler, scope, states))
        if caught:
            break
    if not branches:
        return RAISE
    return branches[0]() if len(branches) == 1 else follow_branches(run, branches, scope)


def _handling(
    run: Machine,
    handler: ast.ExceptHandler,
    scope: Scope,
    states: list[dict[str, Value]] | None = None,
) -> Callable[[], Signal]:
    """Return a branch that follows a handler, from the names wherever it may begin."""

    def follow() -> Signal:
        if handler.name:
            scope.names[handler.name] = UNKNOWN
        return run.execute(handler.body, scope)

    return from_failures(run, scope, [] if states is None else states, follow)


def _first_doubtful(run: Machine, node: ast.Try, scope: Scope) -> int | None:
    """Return where something may fail, after which the script goes on without the rest."""
    going_on = [handler for handler in node.handlers if not _leaves(handler.body)]
    if not going_on:
        return None
    imports = any(_catches(handler.type) for handler in going_on)
    return _doubtful(run, node.body, scope, imports=imports)


def _catches(kind: ast.expr | None) -> bool:
    """Report whether a handler may be that of a failed import."""
    if isinstance(kind, ast.Tuple):
        return any(_catches(one) for one in kind.elts)
    name = getattr(kind, "attr", getattr(kind, "id", ""))
    return kind is None or name in _CATCHING


def _leaves(body: list[ast.stmt]) -> bool:
    """Report whether a handler ends the script or the call that it is in."""
    match body[-1]:
        case ast.Raise():
            return True
        case ast.Expr(value=ast.Call(func=function)):
            return getattr(function, "attr", getattr(function, "id", "")) in _LEAVING
    return False


def _suppressed(expression: ast.expr, scope: Scope) -> list[ast.expr]:
    """Return the exceptions that ``contextlib.suppress`` passes over."""
    if not isinstance(expression, ast.Call):
        return []
    suppress = _external(expression.func, scope) == "contextlib.suppress"
    return expression.args if suppress else []


def _doubtful(run: Machine, body: list[ast.stmt], scope: Scope, *, imports: bool) -> int | None:
    """Return the place of the first statement with something that may fail."""
    for number, statement in enumerate(body):
        if statement not in run.scanned:
            run.scanned[statement] = [n for n in _own_nodes(statement) if isinstance(n, _FAILING)]
        for node in run.scanned[statement]:
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            if (imports or not is_import) and _may_fail(run, node, scope):
                return number
    return None


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Return the parts of a statement that are followed with it."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _OWN_BODY):
            yield from _own_nodes(child)


def _may_fail(run: Machine, node: ast.AST, scope: Scope) -> bool:
    match node:
        case ast.Call():
            return _call_may_fail(run, _external(node.func, scope))
        case ast.Import():
            names = [alias.name for alias in node.names]
            return any(run.module(n, scope.module) is None and not run.installs(n) for n in names)
        case ast.ImportFrom(level=0, module=str(name)):
            return run.module(name, scope.module) is None and not run.installs(name)
    return False


def _external(function: ast.expr, scope: Scope) -> str:
    """Return the full name of a function outside the project, "" for any other."""
    names: list[str] = []
    while isinstance(function, ast.Attribute):
        names.append(function.attr)
        function = function.value
    if not isinstance(function, ast.Name):
        return ""
    inner: Scope | None = scope
    while inner is not None and function.id not in inner.names:
        inner = inner.parent
    root = External(f"builtins.{function.id}") if inner is None else inner.names[function.id]
    return ".".join([root.name, *reversed(names)]) if isinstance(root, External) else ""


def _call_may_fail(run: Machine, name: str) -> bool:
    if name in _FINDING:
        return True
    if not name or name.partition(".")[0] in _SURE:
        return False
    return run.handler(name) is None and run.native_class(name) is None
