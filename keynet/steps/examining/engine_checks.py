"""Examine the engines: what they report, whether they build, and which one ``auto`` takes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from keynet.errors import EngineError, EngineUnavailable
from keynet.events import ignore
from keynet.frozen import frozen
from keynet.process import shell
from keynet.runtime.engine import AnyBuilder, Candidate, Unusable, WorkingEngine
from keynet.runtime.probing import choosing, reasons, shared_answers
from keynet.runtime.probing.engine_report import EngineReport, Reporter
from keynet.steps.examining.at_once import Examination, Show
from keynet.steps.examining.check import ENGINE, Check, Group, Repair
from keynet.steps.examining.disks import folder_check
from keynet.text import Block, _, fill, printable

__all__ = ["EnginesFound", "examinations", "selection"]

# Of all trial builds of one engine; the slowest stores take ten seconds.
_TIMEOUT_S: Final = 30.0
# A base image with CUDA takes several times that.
_LEAST_STORE: Final = 2_000_000_000


@dataclass(slots=True)
class EnginesFound:
    """What the examinations of the engines have found so far, by name."""

    engines: dict[str, WorkingEngine | Unusable] = field(default_factory=dict)
    builders: dict[str, AnyBuilder] = field(default_factory=dict)
    reports: dict[str, EngineReport] = field(default_factory=dict)


def examinations(
    candidates: Sequence[Candidate],
    reporters: Mapping[str, Reporter],
    found: EnginesFound,
    *,
    fresh: bool,
) -> list[Examination]:
    """Return what examines each engine.

    Args:
        found: Gets the results.
        fresh: Build with each; otherwise only where something has changed since, or an engine
            did not work.
    """
    return [
        Examination(
            candidate.name,
            Group.ENGINES,
            partial(_examine, candidate, reporters.get(candidate.name), found, fresh),
            _TIMEOUT_S,
            fill(
                _(
                    "A trial build hangs. Check whether its daemon or the disk of its store "
                    "hangs, with: {name} info"
                ),
                name=candidate.name,
            ),
        )
        for candidate in candidates
    ]


def selection(
    name: str, source: str, candidates: Sequence[Candidate], found: EnginesFound
) -> tuple[Check, str | None]:
    """Return which builder a push takes, and why; None if it finds none.

    Args:
        name: ``auto``, or the engine that a setting names.
        source: Where that was set, for people.
    """
    known = [_Known(each, _result(each.name, found)) for each in candidates]
    try:
        chosen = choosing.choose(name, known, emit=ignore).engine
    except EngineUnavailable as error:
        first = error.message.splitlines()[0].rstrip(":")
        fix = _("Fix one of the engines above; one is enough.")
        if name != choosing.AUTO:
            fix = fill(_("Fix it, or choose another one in {source}."), source=source)
        return Check("builder", Group.ENGINES, False, first, fix, ENGINE), None
    if name != choosing.AUTO:
        text = fill(_("{name}, as set in {source}"), name=name, source=source)
        return Check("builder", Group.ENGINES, True, text), chosen.name
    return Check("builder", Group.ENGINES, True, _why(chosen, candidates, found)), chosen.name


def _why(chosen: WorkingEngine, candidates: Sequence[Candidate], found: EnginesFound) -> str:
    names = [each.name for each in candidates]
    passed = [_passed_over(each, found) for each in names[: names.index(chosen.name)]]
    if chosen.slow:
        reason = _("no engine with a fast store works here")
    elif passed:
        reason = "; ".join(passed)
    else:
        reason = fill(_("the first of {names}, and it works"), names=", ".join(names))
    return fill(_("auto takes {name}: {reason}"), name=chosen.name, reason=reason)


def _passed_over(name: str, found: EnginesFound) -> str:
    match found.engines.get(name):
        case WorkingEngine(slow=True):
            return fill(_("{name}'s store is slow (vfs)"), name=name)
        case WorkingEngine():
            return fill(_("{name} cannot run programs in a build"), name=name)
        case _:
            return fill(_("{name} does not work"), name=name)


@frozen
class _Known:
    """A candidate whose result is known."""

    candidate: Candidate
    result: AnyBuilder | Unusable

    @property
    def name(self) -> str:
        return self.candidate.name

    @property
    def installed(self) -> bool:
        return self.candidate.installed

    def remembered(self) -> AnyBuilder | Unusable:
        return self.result

    def probe(self) -> AnyBuilder | Unusable:
        return self.result


def _result(name: str, found: EnginesFound) -> AnyBuilder | Unusable:
    builder = found.builders.get(name)
    if builder is not None:
        return builder
    known = found.engines.get(name)
    return known if isinstance(known, Unusable) else Unusable(name, _("no result in time"), "")


def _examine(
    candidate: Candidate, reporter: Reporter | None, found: EnginesFound, fresh: bool, show: Show
) -> None:
    with shared_answers.shared():
        _report_and_try(candidate, reporter, found, fresh, show)


def _report_and_try(
    candidate: Candidate, reporter: Reporter | None, found: EnginesFound, fresh: bool, show: Show
) -> None:
    name = candidate.name
    reported = reporter() if reporter is not None else None
    if isinstance(reported, Unusable):
        found.engines[name] = reported
        show(_unusable(reported))
        return
    if reported is not None:
        found.reports[name] = reported
        show(_host_check(name, reported))
    tried = _try(candidate, fresh=fresh)
    if isinstance(tried, Unusable):
        found.engines[name] = tried
        show(_unusable(tried))
        return
    found.engines[name], found.builders[name] = tried.engine, tried
    if reported is not None and not reported.remote and tried.engine.store:
        show(_store_check(tried.engine, reported.prune))
    show(_working(tried.engine))


def _try(candidate: Candidate, *, fresh: bool) -> AnyBuilder | Unusable:
    known = None if fresh else candidate.remembered()
    return candidate.probe() if known is None or isinstance(known, Unusable) else known


def _host_check(name: str, reported: EngineReport) -> Check:
    facts = [fill(_("client {version}"), version=reported.client or _("unknown"))]
    if reported.server:
        facts.append(fill(_("server {version}"), version=reported.server))
    elif reported.rootless is not None:
        facts.append(_("no daemon"))
    if reported.rootless is not None:
        facts.append(_("rootless") if reported.rootless else _("as root"))
    facts.append(_("remote") if reported.remote else _("local"))
    if reported.endpoint:
        facts.append(printable(reported.endpoint, 200))
    if reported.cgroups:
        facts.append(fill(_("cgroups v{version}"), version=reported.cgroups))
    return Check(f"{name} host", Group.ENGINES, True, ", ".join(facts))


def _store_check(engine: WorkingEngine, prune: str) -> Check:
    fix = _("Free some space on that disk. Images of keynet's builds: keynet clean --images")
    if prune:
        fix = fill(_("{fix}\nImages without a name: {prune}"), fix=Block(fix), prune=prune)
    return folder_check(
        f"{engine.name} store",
        Group.ENGINES,
        Path(engine.store),
        least=_LEAST_STORE,
        prefix=f"{engine.storage_driver} " if engine.storage_driver else "",
        fix=fix,
    )


def _working(engine: WorkingEngine) -> Check:
    if engine.can_run:
        driver = f", {engine.storage_driver}" if engine.storage_driver else ""
        slow = _(" (slow: it copies every file for every layer)") if engine.slow else ""
        return Check(engine.name, Group.ENGINES, True, f"{engine.how}{driver}{slow}")
    found = fill(
        _("{how}: only Containerfiles without RUN ({why})"),
        how=engine.how,
        why=engine.no_run_reason,
    )
    return Check(engine.name, Group.ENGINES, False, found, reasons.run_fix(engine.no_run_reason))


def _unusable(engine: Unusable) -> Check:
    repair = None
    if engine.repair:
        what = shlex.join(engine.repair)
        if engine.repair_effect:
            what = f"{what} ({engine.repair_effect})"
        repair = Repair(what, partial(_run_repair, engine))
    return Check(engine.name, Group.ENGINES, False, engine.reason, engine.fix, repair=repair)


def _run_repair(engine: Unusable) -> None:
    finished = shell.run(shell.Command(engine.repair), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        raise EngineError(reasons.trial_error(finished.status, finished.stderr))
