"""Follow ``match`` statements."""

import ast
from collections.abc import Callable

from keynet.script.interpreter.branching.flow import Signal, follow_branches
from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.evaluation import comparing
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import UNKNOWN, Value, is_constant

__all__ = ["match"]


def match(run: Machine, node: ast.Match, scope: Scope) -> Signal:
    """Follow the cases that may match."""
    subject = run.evaluate(node.subject, scope)
    branches: list[Callable[[], Signal]] = []
    for case in node.cases:
        known = _matches(run, subject, case.pattern, scope)
        if case.guard is not None and known:
            known = None
        if known is False:
            continue
        branches.append(_case(run, case, scope))
        if known:
            break
    else:
        branches.append(lambda: None)
    return branches[0]() if len(branches) == 1 else follow_branches(run, branches, scope)


def _case(run: Machine, case: ast.match_case, scope: Scope) -> Callable[[], Signal]:
    def branch() -> Signal:
        for node in ast.walk(case.pattern):
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            if isinstance(name, str):
                scope.names[name] = UNKNOWN
        return run.execute(case.body, scope)

    return branch


def _matches(run: Machine, subject: Value, pattern: ast.pattern, scope: Scope) -> bool | None:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchValue():
            return comparing.compare(ast.Eq(), subject, run.evaluate(pattern.value, scope))
        case ast.MatchSingleton():
            return comparing.compare(ast.Is(), subject, pattern.value)
        case ast.MatchOr():
            outcomes = [_matches(run, subject, one, scope) for one in pattern.patterns]
            if True in outcomes:
                return True
            return None if None in outcomes else False
    return False if is_constant(subject) and isinstance(pattern, ast.MatchSequence) else None
