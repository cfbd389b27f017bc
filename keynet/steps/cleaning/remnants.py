"""Find everything that keynet has left on this machine."""

import contextlib
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial

from keynet.errors import KeynetError
from keynet.events import Emit, Notice
from keynet.files import owners
from keynet.files.owners import Fate, Owners
from keynet.moments import of_timestamp
from keynet.process import orphans
from keynet.process.background import background
from keynet.runtime.engines import engine_remains
from keynet.runtime.probing.cache import Cache
from keynet.runtime.remains import Finder, Remnant
from keynet.steps.cleaning import own_folders
from keynet.steps.cleaning.leftover import InEngine, Kind, Leftover, State

__all__ = ["find", "in_engines", "of_dead"]


def find(emit: Emit, *, all_notes: bool = False) -> list[Leftover]:
    """Return what keynet has left, by kind: what runs first, then engines, then folders.

    An engine that does not answer is a note: what it has is found once it runs. One that has never
    worked here is a detail, as long as another one answers.

    Args:
        all_notes: Also of such engines.
    """
    found, known = _of_commands(emit, all_notes=all_notes)
    left = [*found, *own_folders.find(known)]
    kinds = list(Kind)
    return sorted(left, key=lambda each: (kinds.index(each.kind), each.engine, each.name))


def of_dead(emit: Emit) -> list[Leftover]:
    """Return what commands have left that are dead; see ``find``."""
    found, _known = _of_commands(emit)
    return [each for each in found if each.state is State.LEFT and each.kind is not Kind.NETWORK]


def _of_commands(emit: Emit, *, all_notes: bool = False) -> tuple[list[Leftover], Owners]:
    found = in_engines(emit, all_notes=all_notes)
    known = Owners.now()
    now = datetime.now(UTC)
    left = [
        *(Leftover.in_engine(each, known, now) for each in found),
        *_programs(known),
        *own_folders.private(),
    ]
    return left, known


def in_engines(emit: Emit, *, all_notes: bool = False) -> list[InEngine]:
    """Return what is in the engines' stores, each thing once; all engines are asked at once."""
    owners.token()
    asked = list(engine_remains.finders())
    with ExitStack() as stack:
        tasks = [stack.enter_context(background(partial(_look, each))) for each in asked]
        answers = [task.result() for task in tasks]
    found: dict[tuple[str, str, str], InEngine] = {}
    said: set[str] = set()
    silent = all(isinstance(answer, KeynetError) for answer in answers)
    for finder, answer in zip(asked, answers, strict=True):
        if isinstance(answer, KeynetError):
            if finder.engine not in said:
                known = silent or all_notes or _has_worked(finder.engine)
                emit(Notice(answer.message, "note" if known else "detail"))
            said.add(finder.engine)
            continue
        for each in answer:
            found.setdefault((each.kind, each.store, each.id), InEngine(finder, each))
    return list(found.values())


def _look(finder: Finder) -> list[Remnant] | KeynetError:
    try:
        return finder.find()
    except KeynetError as error:
        return error


def _has_worked(engine: str) -> bool:
    with contextlib.suppress(KeynetError):
        return Cache().has_worked(engine)
    return True


def _programs(known: Owners) -> Iterable[Leftover]:
    for each in orphans.find(lambda owner: known.fate(owner) is Fate.DEAD):
        yield Leftover(
            Kind.PROGRAM,
            f"{each.process.pid}: {each.command}",
            State.LEFT,
            each,
            created=of_timestamp(each.started),
        )
