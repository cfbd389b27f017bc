"""Choose a builder that works on this host, and explain why the others do not."""

import contextlib
from collections.abc import Callable, Sequence

from keynet.errors import EngineUnavailable, KeynetError, UsageError
from keynet.events import Emit, Notice
from keynet.frozen import frozen
from keynet.runtime.engine import AnyBuilder, Candidate, Unusable, WorkingEngine
from keynet.runtime.probing.cache import Cache
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["AUTO", "choose", "find_working", "probe_all"]

AUTO = "auto"


Lacking = Callable[[AnyBuilder], Sequence[str]]


def _nothing(builder: AnyBuilder) -> Sequence[str]:
    del builder
    return ()


@frozen
class _Needs:
    """What a plan needs of its builder."""

    lacking: Lacking
    run: bool


def choose(
    name: str,
    candidates: Sequence[Candidate],
    *,
    emit: Emit,
    needs_run: bool = True,
    lacking: Lacking = _nothing,
) -> AnyBuilder:
    """Return the builder of this name, or the first one that works.

    ``auto`` takes a builder with a slow store, or one that cannot build the plan, only if there
    is no better one.

    Args:
        name: ``auto``, or the name of one of the candidates.
        candidates: In the order in which ``auto`` tries them.
        needs_run: False if it is enough that the builder can copy files.
        lacking: Explains what of the plan a builder cannot do; empty if it can do all.

    Raises:
        EngineUnavailable: No candidate works; with each one's reason and fix.
        UsageError: There is no candidate of this name.
    """
    wanted = _named(name, candidates)
    _say_what_is_not_used(wanted, emit)
    needs = _Needs(lacking if name == AUTO else _nothing, run=needs_run)
    found = _first_usable(wanted, needs, fresh=False, emit=emit)
    if isinstance(found, _NoneUsable) and found.remembered:
        # A failure from the cache may be out of date.
        found = _first_usable(wanted, needs, fresh=True, emit=emit)
    if isinstance(found, _NoneUsable):
        raise _unavailable_error(name, found.unusable)
    return found


def find_working(candidates: Sequence[Candidate], emit: Emit) -> list[AnyBuilder]:
    """Return every builder that works here, including those that can only COPY."""
    found = []
    for candidate in candidates:
        try:
            builder = choose(candidate.name, candidates, emit=emit, needs_run=False)
        except EngineUnavailable:
            continue
        found.append(builder)
    return found


def probe_all(candidates: Sequence[Candidate]) -> list[WorkingEngine | Unusable]:
    """Probe every candidate again, and return the results in the same order."""
    tried = (candidate.probe() for candidate in candidates)
    return [found if isinstance(found, Unusable) else found.engine for found in tried]


def _named(name: str, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    if name == AUTO:
        return candidates
    named = [candidate for candidate in candidates if candidate.name == name]
    if not named:
        raise UsageError(
            fill(_("Unknown engine: {name}."), name=printable(name, 100)),
            fill(
                _("Use one of: {names}."),
                names=", ".join([AUTO, *(candidate.name for candidate in candidates)]),
            ),
        )
    return named


@frozen
class _NoneUsable:
    """No candidate is usable; ``remembered`` if some reasons are from the cache."""

    unusable: list[Unusable]
    remembered: bool


def _first_usable(
    candidates: Sequence[Candidate], needs: _Needs, *, fresh: bool, emit: Emit
) -> AnyBuilder | _NoneUsable:
    refused: list[Unusable] = []
    # With a slow store, or without what the plan needs: the last resort, in this order.
    slow: AnyBuilder | None = None
    unable: AnyBuilder | None = None
    remembered = False
    for candidate in candidates:
        found = None if fresh else candidate.remembered()
        if found is not None:
            remembered = True
        else:
            found = candidate.probe()
            if isinstance(found, Unusable) and len(candidates) > 1 and candidate.installed:
                emit(Notice(_skipped(found), "note"))
        if isinstance(found, Unusable):
            refused.append(found)
        elif needs.run and not found.engine.can_run:
            refused.append(_cannot_run(found.engine))
        elif lacks := needs.lacking(found):
            if len(candidates) > 1:
                emit(Notice(_skipped(Unusable(found.engine.name, "; ".join(lacks), "")), "note"))
            unable = unable or found
        elif len(candidates) > 1 and found.engine.slow:
            slow = slow or found
        else:
            return found
    return slow or unable or _NoneUsable(refused, remembered)


def _say_what_is_not_used(candidates: Sequence[Candidate], emit: Emit) -> None:
    for candidate in candidates:
        with contextlib.suppress(KeynetError):
            if (path := Cache().distrusted(candidate.name)) is not None:
                text = _("Not using remembered results of engines: others can change {path}.")
                emit(Notice(fill(text, path=path), "detail"))
                return


def _skipped(refused: Unusable) -> str:
    return fill(
        _("Skipping {engine}: {reason}"),
        engine=refused.name,
        reason=printable(refused.reason, 300),
    )


def _cannot_run(engine: WorkingEngine) -> Unusable:
    from keynet.runtime.probing import reasons

    return Unusable(
        engine.name,
        fill(
            _("it can copy files, but not run programs in a build ({tried})"),
            tried=engine.no_run_reason,
        ),
        reasons.run_fix(engine.no_run_reason),
    )


def _unavailable_error(name: str, refused: list[Unusable]) -> EngineUnavailable:
    if name == AUTO:
        what = _("No engine works here:")
        hint = _("Fix one of these; one is enough. Details: keynet doctor")
    else:
        what = fill(_("The engine {name} does not work here:"), name=name)
        hint = _("Fix this, or choose another engine with --builder. Details: keynet doctor")
    lines = []
    for each in refused:
        lines.append(f"  {each.name}: {printable(each.reason, 600)}")
        lines += [f"    → {line}" for line in each.fix.splitlines()]
    return EngineUnavailable(stacked(what, Block("\n".join(lines))), hint)
