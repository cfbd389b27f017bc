"""``contextlib.ExitStack``: what it enters, it leaves at the end of its ``with``."""

from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.definitions import Instance
from keynet.script.interpreter.evaluation.coroutines import awaited
from keynet.script.interpreter.evaluation.iterators import content
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    External,
    Iterator,
    Unknown,
    Value,
)

__all__ = ["EXIT_STACKS", "STACK"]

STACK: Final = External("contextlib.exit_stack")


def _entered(run: Machine, given: Arguments) -> Value:
    """Follow what ``contextlib.ExitStack`` enters, and leaves at the end of its body."""
    manager = given.get("cm", 0, UNKNOWN)
    if isinstance(manager, Iterator):
        again = manager.make
        yielded = content(run, manager, partly=True)
        if again is not None:
            run.exits.append(lambda: _perhaps(run, lambda: again(True)))
        return yielded[0] if isinstance(yielded, list) and len(yielded) == 1 else UNKNOWN
    if not isinstance(manager, Instance):
        return UNKNOWN
    return awaited(run, _enter(run, manager))


def _enter(run: Machine, manager: Instance) -> Value:
    waits = isinstance(run.attribute(manager, "__enter__"), Unknown)
    enter, leave = ("__aenter__", "__aexit__") if waits else ("__enter__", "__exit__")
    sure = not run.region

    def end() -> Value:
        return awaited(run, run.call(run.attribute(manager, leave), Arguments((UNKNOWN,) * 3)))

    run.exits.append(end if sure else lambda: _perhaps(run, end))
    return run.call(run.attribute(manager, enter), Arguments())


def _called_at_end(run: Machine, given: Arguments) -> Value:
    """Follow ``ExitStack.callback``."""
    function = given.get("callback", 0, UNKNOWN)
    sure = not run.region

    def end() -> Value:
        return awaited(run, run.call(function, given.after(1)))

    run.exits.append(end if sure else lambda: _perhaps(run, end))
    return function


def _perhaps(run: Machine, follow: Callable[[], Value]) -> Value:
    with run.uncertain():
        return follow()


EXIT_STACKS: Final[Mapping[str, Handler]] = {
    "contextlib.ExitStack": lambda run, given: STACK,
    "contextlib.AsyncExitStack": lambda run, given: STACK,
    "contextlib.exit_stack.enter_context": _entered,
    "contextlib.exit_stack.enter_async_context": _entered,
    "contextlib.exit_stack.callback": _called_at_end,
    "contextlib.exit_stack.push_async_callback": _called_at_end,
}
