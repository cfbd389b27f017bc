"""Coroutines: their bodies are followed where they are awaited, and tasks while others wait."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from keynet.script.interpreter.definitions import Function
from keynet.script.interpreter.evaluation.generators import is_coroutine, suspends
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    BoundMethod,
    Coroutine,
    External,
    OneOf,
    Partial,
    Unknown,
    Value,
    join,
    join_all,
)

__all__ = ["ASYNCHRONOUS", "awaited", "coroutine", "handed_over", "opens"]

# Stand for an event loop, and for what starts tasks of its own.
_LOOP: Final = External("asyncio.event_loop")
_GROUP: Final = External("asyncio.task_group")
_TIMEOUT: Final = External("builtins.TimeoutError")


def coroutine(run: Machine, function: Function, make: Callable[[], Value], *holds: Value) -> Value:
    """Return what a call of an ``async def`` returns; ``make`` follows its body."""
    return run.fresh(Coroutine(make, holds, suspends=suspends(function)))


def awaited(run: Machine, value: Value) -> Value:
    """Return what ``await`` returns, after following what it waits for."""
    if isinstance(value, OneOf):
        results = []
        for one in value.values:
            with run.uncertain():
                results.append(awaited(run, one))
        return join_all(results)
    if not isinstance(value, Coroutine):
        # Tasks that have been started go on, if anything is waited for here.
        with run.uncertain():
            _go_on(run)
        return Unknown(why=value.why) if isinstance(value, Unknown) else UNKNOWN
    if value.pauses:
        _go_on(run)
    elif value.parts or value in run.tasks:
        _go_on(run, (value, *value.parts))
    return _followed(run, value)


def _go_on(run: Machine, waited: tuple[Value, ...] = ()) -> None:
    """Follow the tasks that have been started, in their order; those waited for end."""
    tasks, run.tasks = run.tasks, []
    ending = len(tasks) == 1 and tasks[0] in waited
    # Of several that wait themselves it is not known which goes on first.
    sure = ending or not any(task.suspends for task in tasks)
    for task in tasks:
        certain = run.may_change(task)
        if sure and certain and not task.begun:
            _followed(run, task)
            continue
        task.begun = True
        with run.uncertain():
            _followed(run, task)
        task.result = join(task.result, UNKNOWN)
        if certain and (task in waited or not task.suspends):
            task.make = None
        else:
            # It may go on later, and read what has been changed by then.
            run.tasks.append(task)


def _followed(run: Machine, one: Coroutine) -> Value:
    make = one.make
    if make is None:
        return one.result
    if run.may_change(one):
        one.make = None
    result = make()
    one.result = result if one.make is None else join(result, UNKNOWN)
    return one.result


def handed_over(run: Machine, values: Iterable[Value]) -> None:
    """Follow the coroutines passed to something unknown, which may await them now or later."""
    for value in values:
        if isinstance(value, Coroutine):
            with run.uncertain():
                _followed(run, value)


def opens(manager: External) -> bool:
    """Report whether a context manager is one that tasks are started with."""
    return manager in (_GROUP, _LOOP)


def _task(run: Machine, given: Arguments) -> Value:
    value = given.get("coro", 0, UNKNOWN)
    if isinstance(value, Coroutine) and value.make is not None and value not in run.tasks:
        if value.parts or value.pauses:
            # Those that it awaits are tasks already.
            return value
        run.tasks.append(value)
    return value


def _gather(run: Machine, given: Arguments) -> Value:
    for one in given.positional:
        _task(run, Arguments((one,)))
    parts = given.positional

    def make() -> Value:
        results = [one.result if isinstance(one, Coroutine) else UNKNOWN for one in parts]
        return Unknown("list") if given.open else run.fresh(results)

    return run.fresh(Coroutine(make, parts=(UNKNOWN, *parts)))


def _wait(run: Machine, given: Arguments) -> Value:
    """Follow ``asyncio.wait`` and the like: what they return is not known."""
    for one in run.iterate(given.get("fs", 0)) or ():
        _task(run, Arguments((one,)))
    return run.fresh(Coroutine(lambda: UNKNOWN, pauses=True))


def _within(run: Machine, given: Arguments) -> Value:
    """Follow ``asyncio.wait_for``: it awaits a coroutine, which may take too long."""
    value = given.get("fut", 0, UNKNOWN)

    def make() -> Value:
        run.may_raise(_TIMEOUT)
        return awaited(run, value)

    return run.fresh(Coroutine(make, (value,)))


def _sleep(run: Machine, given: Arguments) -> Value:
    return run.fresh(Coroutine(lambda: given.get("result", 1, None), pauses=True))


def _in_thread(run: Machine, given: Arguments) -> Value:
    function = given.get("func", 0, UNKNOWN)
    return run.fresh(Coroutine(lambda: run.call(function, given.after(1)), (function,)))


def _run(run: Machine, given: Arguments) -> Value:
    """Follow ``asyncio.run`` and what else runs a coroutine to its end."""
    value = given.get("main", 0, given.get("future", default=UNKNOWN))
    if not isinstance(value, (Coroutine, OneOf)):
        return value
    result = awaited(run, _task(run, Arguments((value,))))
    # Tasks that nothing waits for begin, and may not end.
    _go_on(run)
    run.tasks.clear()
    return result


def _is_coroutine(run: Machine, given: Arguments) -> Value:
    value = given.get("object", 0, UNKNOWN)
    return Unknown("bool") if isinstance(value, (OneOf, Unknown)) else isinstance(value, Coroutine)


def _makes_coroutine(run: Machine, given: Arguments) -> Value:
    value = given.get("func", 0, UNKNOWN)
    while isinstance(value, (BoundMethod, Partial)):
        value = value.function
    return is_coroutine(run, value) if isinstance(value, Function) else Unknown("bool")


ASYNCHRONOUS: Final[Mapping[str, Handler]] = {
    "asyncio.run": _run,
    "uvloop.run": _run,
    "asyncio.event_loop.run": _run,
    "asyncio.event_loop.run_until_complete": _run,
    "asyncio.event_loop.create_task": _task,
    "asyncio.task_group.create_task": _task,
    "asyncio.create_task": _task,
    "asyncio.ensure_future": _task,
    "asyncio.shield": _task,
    "asyncio.gather": _gather,
    "asyncio.wait": _wait,
    "asyncio.wait_for": _within,
    "asyncio.sleep": _sleep,
    "asyncio.to_thread": _in_thread,
    **{
        f"asyncio.{name}": lambda run, given: _LOOP
        for name in ("get_event_loop", "get_running_loop", "new_event_loop", "Runner")
    },
    "asyncio.TaskGroup": lambda run, given: _GROUP,
    "asyncio.iscoroutine": _is_coroutine,
    "inspect.iscoroutine": _is_coroutine,
    "inspect.isawaitable": _is_coroutine,
    "asyncio.iscoroutinefunction": _makes_coroutine,
    "inspect.iscoroutinefunction": _makes_coroutine,
}
