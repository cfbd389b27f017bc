"""Run examinations at the same time, each within its own time, and yield what they find."""

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from keynet.errors import Interrupted, KeynetError
from keynet.frozen import frozen
from keynet.process.signals import Group as Programs
from keynet.steps.examining.check import Check, Group
from keynet.text import _, fill

__all__ = ["Ended", "Examination", "Show", "run"]

# After Ctrl-C a program may tidy up for so long; then it is killed.
_PATIENCE_S: Final = 2.0
# The threads of programs that were killed remove what is theirs in that time.
_TIDY_S: Final = 1.0
# Python runs the handler of a signal between two waits.
_LONGEST_WAIT_S: Final = 0.25

Show = Callable[[Check], None]


@frozen
class Examination:
    """A piece of work that shows one check or several; the last has the name ``name``.

    Args:
        timeout_s: Afterwards the programs that it runs are killed, and it counts as failed.
        late: What to do about an examination that takes longer.
        status: See ``Check``; of the check that stands for a late examination.
    """

    name: str
    group: Group
    examine: Callable[[Show], None]
    timeout_s: float
    late: str = ""
    status: int = 0


@frozen
class Ended:
    """The examination of this name has shown everything."""

    name: str


@dataclass(slots=True)
class _Run:
    examination: Examination
    thread: threading.Thread
    programs: Programs
    deadline: float
    ended: bool = False


@frozen
class _Crashed:
    error: BaseException


@dataclass(slots=True)
class _Inbox:
    items: "queue.SimpleQueue[tuple[str, Check | Ended | _Crashed]]" = field(
        default_factory=queue.SimpleQueue
    )


def run(examinations: Sequence[Examination]) -> Generator[Check | Ended, None, None]:
    """Yield every check as it is found, and after its last one the end of each examination.

    An error of an examination becomes its check. Threads that hang do not keep Python from
    ending. When the caller stops early (Ctrl-C), running programs are interrupted.
    """
    inbox = _Inbox()
    runs = {each.name: _start(each, inbox) for each in examinations}
    try:
        while any(not each.ended for each in runs.values()):
            yield from _next(runs, inbox)
    finally:
        _wind_up(list(runs.values()))


def _start(examination: Examination, inbox: _Inbox) -> _Run:
    programs = Programs()
    thread = threading.Thread(
        target=programs.context().run,
        args=(_examine, examination, inbox),
        name=f"keynet-doctor-{examination.name}",
        daemon=True,
    )
    thread.start()
    return _Run(examination, thread, programs, time.monotonic() + examination.timeout_s)


def _examine(examination: Examination, inbox: _Inbox) -> None:
    name = examination.name
    try:
        examination.examine(lambda check: inbox.items.put((name, check)))
    except Interrupted:
        pass
    except KeynetError as error:
        inbox.items.put((name, _broken(examination, error.message, error.hint)))
    except OSError as error:
        what = fill(
            _("it cannot be examined: {why} ({file})"),
            why=error.strerror or str(error),
            file=error.filename or _("no file"),
        )
        fix = _("Free some space on that disk, or correct the permissions of that file.")
        inbox.items.put((name, _broken(examination, what, fix)))
    except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
        inbox.items.put((name, _Crashed(error)))
    inbox.items.put((name, Ended(name)))


def _next(runs: dict[str, _Run], inbox: _Inbox) -> Iterator[Check | Ended]:
    first = min(each.deadline for each in runs.values() if not each.ended)
    wait_s = max(0.0, min(_LONGEST_WAIT_S, first - time.monotonic()))
    try:
        name, item = inbox.items.get(timeout=wait_s)
    except queue.Empty:
        yield from _expired(runs)
        return
    if runs[name].ended:
        return
    if isinstance(item, _Crashed):
        raise item.error
    runs[name].ended = isinstance(item, Ended)
    yield item


def _expired(runs: dict[str, _Run]) -> Iterator[Check | Ended]:
    now = time.monotonic()
    late = [each for each in runs.values() if not each.ended and each.deadline <= now]
    for each in late:
        each.ended = True
        # The second time they are killed.
        each.programs.interrupt()
        each.programs.interrupt()
        yield _late(each.examination)
        yield Ended(each.examination.name)


def _wind_up(runs: Sequence[_Run]) -> None:
    """Interrupt what still runs as Ctrl-C would, and kill what does not end then."""
    for each in runs:
        if not each.ended:
            each.programs.interrupt()
    try:
        _join([each for each in runs if not each.ended], _PATIENCE_S)
    finally:
        # Also after a second Ctrl-C.
        for each in runs:
            if each.thread.is_alive():
                each.programs.interrupt()
        _join(runs, _TIDY_S)


def _join(runs: Sequence[_Run], time_s: float) -> None:
    until = time.monotonic() + time_s
    for each in runs:
        each.thread.join(max(0.0, until - time.monotonic()))


def _late(examination: Examination) -> Check:
    found = fill(_("no result within {time} s"), time=round(examination.timeout_s, 1))
    return _broken(examination, found, examination.late)


def _broken(examination: Examination, found: str, fix: str) -> Check:
    return Check(examination.name, examination.group, False, found, fix, examination.status)
