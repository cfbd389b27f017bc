"""Which functions are generators, and which are coroutines."""

import ast
import bisect
from typing import Final

from keynet.script.interpreter.definitions import Function
from keynet.script.interpreter.machine import Machine

__all__ = ["is_coroutine", "is_generator", "suspends"]

_YIELDING: Final = (ast.Yield, ast.YieldFrom)
_SUSPENDING: Final = (ast.Await, ast.AsyncFor, ast.AsyncWith)
_OWN_BODY: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def is_coroutine(run: Machine, function: Function) -> bool:
    """Report whether a call of a function returns a coroutine."""
    return isinstance(function.node, ast.AsyncFunctionDef) and not is_generator(run, function)


def suspends(function: Function) -> bool:
    """Report whether others may run before a coroutine of a function ends."""
    return any(isinstance(node, _SUSPENDING) for node in ast.walk(function.node))


def is_generator(run: Machine, function: Function) -> bool:
    """Report whether a call of a function returns a generator."""
    node = function.node
    known = run.generators.get(node)
    if known is None:
        module = function.scope.module
        lines = run.yields.get(id(module))
        if lines is None:
            lines = run.yields[id(module)] = _lines_with_yield(module.text)
            run.limits.spend(len(module.text) // 1024)
        at = bisect.bisect_left(lines, node.lineno)
        known = at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)
        if known:
            body = [node.body] if isinstance(node, ast.Lambda) else node.body
            known = any(map(_yields, body))
        run.generators[node] = known
    return known


def _lines_with_yield(text: str) -> list[int]:
    """Return the lines of a module that have the word; few modules have any."""
    at = text.find("yield")
    if at >= 0 and "\r" in text:
        # As the parser of Python counts lines.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        at = text.find("yield")
    lines: list[int] = []
    line, before = 1, 0
    while at >= 0:
        line, before = line + text.count("\n", before, at), at
        lines.append(line)
        at = text.find("yield", at + 1)
    return lines


def _yields(node: ast.AST) -> bool:
    if isinstance(node, _YIELDING):
        return True
    if isinstance(node, _OWN_BODY):
        return False
    return any(map(_yields, ast.iter_child_nodes(node)))
