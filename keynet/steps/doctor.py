"""Examine what keynet needs: this machine, engines, login, backend and registry."""

import contextlib
import os
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from keynet.errors import KeynetError
from keynet.frozen import frozen
from keynet.runtime.engine import Candidate, Unusable, WorkingEngine
from keynet.runtime.engines.engine_candidates import engines, reporters
from keynet.runtime.probing.choosing import AUTO
from keynet.runtime.probing.engine_report import EngineReport
from keynet.steps.examining import (
    at_once,
    direct_check,
    engine_checks,
    host_checks,
    platform_checks,
)
from keynet.steps.examining.at_once import Ended, Examination
from keynet.steps.examining.check import Check, Group, Repair
from keynet.steps.examining.direct_check import DirectHere
from keynet.steps.examining.engine_checks import EnginesFound

__all__ = ["Check", "Diagnosis", "Ended", "Examiner", "Group", "Repair", "watch"]

# Between two rounds of ``watch``; servers are asked less often.
_ROUND_S: Final = 2.0
_SERVERS_S: Final = 30.0
_BUILDER_VARIABLE: Final = "KEYNET_BUILDER"
_JSON_PLATFORM: Final = ("login", "backend", "registry")
# In the order in which a push would fail.
_DECISIVE: Final = ("builder", "config", "login", "backend", "registry")


@frozen
class Diagnosis:
    """The results of all checks, in a fixed order.

    ``chosen`` is the builder that a push takes. ``own_store_size`` is in bytes.
    """

    checks: tuple[Check, ...]
    engines: tuple[WorkingEngine | Unusable, ...]
    reports: tuple[EngineReport | None, ...]
    chosen: str | None
    own_store: Path | None
    own_store_size: int

    @property
    def exit_status(self) -> int:
        """Return 0 if a push would work, else the exit status with which it would fail."""
        by_name = {check.name: check.status for check in self.checks}
        return next((by_name[name] for name in _DECISIVE if by_name.get(name)), 0)

    @property
    def repairs(self) -> list[Repair]:
        """Return what keynet can fix itself."""
        found = [check.repair for check in self.checks if check.repair is not None]
        return list({repair.what: repair for repair in found}.values())

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``keynet doctor --json`` (docs/reference/command-line.md)."""
        return {
            "engines": [
                _engine_json(engine, report)
                for engine, report in zip(self.engines, self.reports, strict=True)
            ],
            "platform": [
                {"name": each.name, "ok": each.ok, "detail": each.found, "fix": each.fix}
                for each in self.checks
                if each.name in _JSON_PLATFORM
            ],
            "own_store": str(self.own_store) if self.own_store else None,
            "own_store_size": self.own_store_size,
            "builder": self.chosen,
            "can_push": self.exit_status == 0,
            "checks": [check.to_json() for check in self.checks],
        }


@dataclass(slots=True)
class Examiner:
    """One round of all examinations; iterate over ``run``, then ask for ``diagnosis``.

    Args:
        now: The time for which the login is checked; None is the current time.
        fresh: Build with every engine again; see ``engine_checks.examinations``.
        servers: Examine backend and registry, too.
    """

    now: datetime | None = None
    fresh: bool = True
    servers: bool = True
    _checks: list[Check] = field(default_factory=list)
    _found: EnginesFound = field(default_factory=EnginesFound)
    _stores: host_checks.OwnStores = field(default_factory=list)
    _chosen: str | None = None
    _engines: tuple[Candidate, ...] = field(default_factory=engines)
    _direct: DirectHere = field(default_factory=DirectHere)

    @property
    def names(self) -> list[str]:
        """Return the names of the examinations that ``run`` will end."""
        return [each.name for each in self._examinations()]

    def run(self) -> Generator[Check | Ended, None, None]:
        """Yield each check as it is found, and the end of each examination.

        Never raises a KeynetError: a failure is a check with its fix.
        """
        waiting = {each.name for each in self._candidates()}
        selected = False
        with contextlib.closing(at_once.run(self._examinations())) as found:
            for item in found:
                if isinstance(item, Check):
                    self._checks.append(item)
                else:
                    waiting.discard(item.name)
                yield item
                if not waiting and not selected:
                    selected = True
                    check = self._select()
                    self._checks.append(check)
                    yield check

    @property
    def diagnosis(self) -> Diagnosis:
        """Return the results; call it after the last item of ``run``."""
        order = [*self.names, "builder"]
        groups = list(Group)

        def rank(check: Check) -> tuple[int, int]:
            name = check.name if check.name in order else check.name.partition(" ")[0]
            place = order.index(name) if name in order else -1
            return groups.index(check.group), place

        names = [each.name for each in self._candidates()]
        own = self._stores[0] if self._stores else None
        return Diagnosis(
            checks=tuple(sorted(self._checks, key=rank)),
            engines=tuple(self._engine(name) for name in names),
            reports=tuple(self._found.reports.get(name) for name in names),
            chosen=self._chosen,
            own_store=own.path if own else None,
            own_store_size=own.size if own else 0,
        )

    def _candidates(self) -> tuple[Candidate, ...]:
        """Return what builds, in the order of ``auto``."""
        return (*self._engines, self._direct)

    def _examinations(self) -> list[Examination]:
        found = engine_checks.examinations(
            self._engines, reporters(), self._found, fresh=self.fresh
        )
        direct = direct_check.examination(self._direct, self._found)
        platform = platform_checks.examinations(self.now, servers=self.servers)
        return [*host_checks.examinations(self._stores), *found, direct, *platform]

    def _engine(self, name: str) -> WorkingEngine | Unusable:
        found = self._found.engines.get(name)
        if found is not None:
            return found
        check = next((each for each in self._checks if each.name == name), None)
        return Unusable(name, check.found if check else "", check.fix if check else "")

    def _select(self) -> Check:
        builder: str = AUTO
        with contextlib.suppress(KeynetError):
            builder = platform_checks.merged_settings().builder
        source = _BUILDER_VARIABLE if os.environ.get(_BUILDER_VARIABLE) else ""
        check, self._chosen = engine_checks.selection(
            builder, source, self._candidates(), self._found
        )
        return check


def watch(
    first: Diagnosis, *, sleep: Callable[[float], None] = time.sleep
) -> Generator[tuple[Check, Check | None], None, None]:
    """Yield each check that changes, and the one before it, until the caller stops."""
    known = {check.name: check for check in first.checks}
    asked = time.monotonic()
    while True:
        sleep(_ROUND_S)
        servers = time.monotonic() - asked >= _SERVERS_S
        asked = time.monotonic() if servers else asked
        round_ = Examiner(fresh=False, servers=servers)
        with contextlib.closing(round_.run()) as found:
            for item in found:
                if isinstance(item, Check):
                    before = known.get(item.name)
                    known[item.name] = item
                    if not item.same_as(before):
                        yield item, before
        now = {check.name for check in round_.diagnosis.checks}
        ended = [check for name, check in known.items() if name not in now]
        for check in ended:
            if servers or check.name not in platform_checks.OF_SERVERS:
                del known[check.name]


def _engine_json(engine: WorkingEngine | Unusable, report: EngineReport | None) -> dict[str, Any]:
    reported: dict[str, Any] = {}
    if report is not None:
        reported = {
            "client": report.client,
            "server": report.server,
            "remote": report.remote,
            "cgroups": report.cgroups,
        }
    match engine:
        case WorkingEngine():
            return {
                "name": engine.name,
                "usable": True,
                "version": engine.version,
                "how": engine.how,
                "rootless": engine.rootless,
                "can_run": engine.can_run,
                "storage_driver": engine.storage_driver,
                "store": engine.store,
                "endpoint": engine.endpoint,
                **reported,
            }
        case Unusable():
            return {
                "name": engine.name,
                "usable": False,
                "reason": engine.reason,
                "fix": engine.fix,
                **reported,
            }
