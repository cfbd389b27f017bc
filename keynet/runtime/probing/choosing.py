"""Choose a builder that really works; say of the others why they do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from keynet.errors import EngineUnavailable, UsageError
from keynet.events import Emit, Notice
from keynet.runtime.engine import AnyBuilder, Candidate, Unusable, WorkingEngine
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["AUTO", "choose", "survey", "working"]

AUTO = "auto"


def choose(
    name: str, candidates: Sequence[Candidate], *, emit: Emit, needs_run: bool = True
) -> AnyBuilder:
    """Return the first builder that works, or the named one.

    Args:
        name: ``auto``, or the name of one of the candidates.
        candidates: In the order of ``auto``.
        needs_run: False when copying files is enough.

    Raises:
        EngineUnavailable: With each candidate's reason and fix.
        UsageError: There is no candidate of that name.
    """
    wanted = _named(name, candidates)
    found = _first(wanted, fresh=False, needs_run=needs_run, emit=emit)
    if isinstance(found, _Refused) and found.remembered:
        # Nothing known works: a refusal from the cache may be out of date.
        found = _first(wanted, fresh=True, needs_run=needs_run, emit=emit)
    if isinstance(found, _Refused):
        raise _none_usable(name, found.each)
    return found


def working(candidates: Sequence[Candidate], emit: Emit) -> list[AnyBuilder]:
    """Return every builder that works here, be it for COPY alone."""
    found = []
    for candidate in candidates:
        try:
            builder = choose(candidate.name, candidates, emit=emit, needs_run=False)
        except EngineUnavailable:
            continue
        found.append(builder)
    return found


def survey(candidates: Sequence[Candidate]) -> list[WorkingEngine | Unusable]:
    """Probe every candidate anew, in their order."""
    tried = (candidate.probe() for candidate in candidates)
    return [found if isinstance(found, Unusable) else found.engine for found in tried]


def _named(name: str, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    if name == AUTO:
        return candidates
    named = [candidate for candidate in candidates if candidate.name == name]
    if not named:
        raise UsageError(
            fill(_("There is no engine {name}."), name=printable(name, 100)),
            fill(
                _("Choose one of: {names}."),
                names=", ".join([AUTO, *(candidate.name for candidate in candidates)]),
            ),
        )
    return named


@dataclass(frozen=True, slots=True)
class _Refused:
    """No candidate is usable; ``remembered`` when some of the refusals were not tried anew."""

    each: list[Unusable]
    remembered: bool


def _first(
    candidates: Sequence[Candidate], *, fresh: bool, needs_run: bool, emit: Emit
) -> AnyBuilder | _Refused:
    refused: list[Unusable] = []
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
        elif found.engine.can_run or not needs_run:
            return found
        else:
            refused.append(_cannot_run(found.engine))
    return _Refused(refused, remembered)


def _skipped(refused: Unusable) -> str:
    return fill(
        _("Skipping {engine}: {reason}"),
        engine=refused.name,
        reason=printable(refused.reason, 300),
    )


def _cannot_run(engine: WorkingEngine) -> Unusable:
    return Unusable(
        engine.name,
        fill(
            _("it can copy files but not run programs in a build ({tried})"),
            tried=engine.no_run_reason,
        ),
        _(
            "Allow user namespaces or give the container CAP_SYS_ADMIN (--privileged), or use "
            "a Containerfile without RUN."
        ),
    )


def _none_usable(name: str, refused: list[Unusable]) -> EngineUnavailable:
    if name == AUTO:
        what = _("No engine works here:")
        hint = _("Fix one of these; one is enough. Details: keynet doctor")
    else:
        what = fill(_("The engine {name} does not work here:"), name=name)
        hint = _("Fix this, or choose another engine with --builder. Details: keynet doctor")
    lines = []
    for each in refused:
        lines += [f"  {each.name}: {printable(each.reason, 600)}", f"    → {each.fix}"]
    return EngineUnavailable(stacked(what, Block("\n".join(lines))), hint)
