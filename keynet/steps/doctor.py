"""Examine what keynet needs: engines, login, backend and registry."""

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keynet import credentials, settings
from keynet.errors import KeynetError
from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.engines.podman_like import own_store
from keynet.runtime.probing import choosing
from keynet.settings import Settings
from keynet.steps import metadata, projects
from keynet.text import _, fill, size

__all__ = ["Diagnosis", "Finding", "examine", "findings"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``fix`` is "" if ``ok``."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The results of all checks.

    ``platform`` has login, backend and registry, or only the login if that failed;
    ``own_store_size`` is in bytes.
    """

    engines: tuple[WorkingEngine | Unusable, ...]
    platform: tuple[Finding, ...]
    own_store: Path | None
    own_store_size: int

    @property
    def can_build(self) -> bool:
        """Report whether at least one engine can run programs in a build."""
        return any(isinstance(engine, WorkingEngine) and engine.can_run for engine in self.engines)

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``keynet doctor --json`` (docs/reference/command-line.md)."""
        return {
            "engines": [_engine_json(engine) for engine in self.engines],
            "platform": [asdict(finding) for finding in self.platform],
            "own_store": str(self.own_store) if self.own_store else None,
            "own_store_size": self.own_store_size,
        }


def examine(now: datetime | None = None) -> Diagnosis:
    """Probe every engine again, then call the platform's backend and registry.

    Never raises a KeynetError: a failure is a finding with its fix.

    Args:
        now: The time for which the login is checked; None is the current time.
    """
    own = own_store.find()
    return Diagnosis(
        engines=tuple(choosing.probe_all(engines())),
        platform=tuple(_platform(now or datetime.now(UTC))),
        own_store=own.path if own else None,
        own_store_size=own.size if own else 0,
    )


def findings(diagnosis: Diagnosis) -> list[Finding]:
    """Return all results as findings for people, engines first."""
    found = [_engine_finding(engine) for engine in diagnosis.engines]
    if diagnosis.own_store is not None:
        found.append(
            Finding(
                _("own store"),
                True,
                f"{diagnosis.own_store} ({size(diagnosis.own_store_size)})",
            )
        )
    return [*found, *diagnosis.platform]


def _platform(now: datetime) -> list[Finding]:
    try:
        merged = settings.merge({}, os.environ, {}, credentials.load())
        access = merged.backend_access(now, config_path=credentials.path())
    except KeynetError as error:
        return [_failed(_("login"), error)]
    return [
        Finding(_("login"), True, _token_lifetime(merged, now)),
        _backend(access),
        _registry(merged),
    ]


def _backend(access: settings.BackendAccess) -> Finding:
    try:
        with projects.client(access) as backend:
            backend.trainable_projects(0, 1)
    except KeynetError as error:
        return _failed(_("backend"), error)
    return Finding(_("backend"), True, access.server_url)


def _registry(merged: Settings) -> Finding:
    try:
        access = merged.registry_access()
        with metadata.PlatformRegistry(access) as platform:
            platform.ping()
    except KeynetError as error:
        return _failed(_("registry"), error)
    return Finding(_("registry"), True, access.host)


def _token_lifetime(merged: Settings, now: datetime) -> str:
    if merged.api_token_expires_at is None:
        return fill(_("{server}, the login's expiry is unknown"), server=merged.server_url)
    hours = (merged.api_token_expires_at - now).total_seconds() / 3600
    return fill(
        _("{server}, login valid for {hours:.1f} more hours"),
        server=merged.server_url,
        hours=hours,
    )


def _failed(name: str, error: KeynetError) -> Finding:
    return Finding(name, False, error.message, error.hint)


def _engine_finding(engine: WorkingEngine | Unusable) -> Finding:
    match engine:
        case WorkingEngine(can_run=True):
            driver = f", {engine.storage_driver}" if engine.storage_driver else ""
            return Finding(engine.name, True, f"{engine.how}{driver}")
        case WorkingEngine():
            why = fill(
                _("{how}: only Containerfiles without RUN ({why})"),
                how=engine.how,
                why=engine.no_run_reason,
            )
            return Finding(engine.name, True, why)
        case Unusable():
            return Finding(engine.name, False, engine.reason, engine.fix)


def _engine_json(engine: WorkingEngine | Unusable) -> dict[str, Any]:
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
                "endpoint": engine.endpoint,
            }
        case Unusable():
            return {
                "name": engine.name,
                "usable": False,
                "reason": engine.reason,
                "fix": engine.fix,
            }
