"""The engines that keynet supports, in the order in which ``auto`` tries them.

The code that drives an engine is imported when that engine is used: a push needs only one.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from keynet.runtime.engine import AnyBuilder, Candidate, Unusable, WorkingEngine
from keynet.runtime.engines.docker import docker_host
from keynet.runtime.engines.podman_like import podman_host
from keynet.runtime.engines.podman_like.buildah import BUILDAH
from keynet.runtime.engines.podman_like.dialect import Dialect
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.probing.candidate import EngineCandidate, TrialResult

if TYPE_CHECKING:
    from keynet.runtime.probing.engine_report import EngineReport, Reporter
    from keynet.runtime.workspace.container_run import ContainerCommands

__all__ = ["engines", "reporters"]


def engines() -> tuple[Candidate, ...]:
    """Return docker, podman and buildah, without trying them."""
    docker = EngineCandidate(
        name=docker_host.NAME,
        settings=docker_host.settings,
        trial=_try_docker,
        restore=_restore_docker,
        commands=_docker_commands,
        advice=docker_host.ADVICE,
    )
    return (docker, _podman_like(PODMAN), _podman_like(BUILDAH))


def reporters() -> "dict[str, Reporter]":
    """Return what asks each engine for facts about itself and its host, by its name."""
    return {
        docker_host.NAME: _report_docker,
        PODMAN.name: partial(_report_podman_like, PODMAN),
        BUILDAH.name: partial(_report_podman_like, BUILDAH),
    }


def _report_docker() -> "EngineReport | Unusable":
    from keynet.runtime.engines.docker import docker_report

    return docker_report.report()


def _report_podman_like(dialect: Dialect) -> "EngineReport | Unusable":
    from keynet.runtime.engines.podman_like import podman_report

    return podman_report.report(dialect)


def _podman_like(dialect: Dialect) -> EngineCandidate:
    return EngineCandidate(
        name=dialect.name,
        settings=podman_host.settings,
        trial=partial(_try_podman_like, dialect),
        restore=partial(_restore_podman_like, dialect),
        commands=partial(_podman_commands, dialect),
        advice=podman_host.ADVICE,
    )


def _try_docker() -> TrialResult:
    from keynet.runtime.engines.docker import docker_trial

    return docker_trial.probe()


def _restore_docker(engine: WorkingEngine, invocation: Mapping[str, Any]) -> AnyBuilder:
    from keynet.runtime.engines.docker import docker_args

    if invocation["mode"] == docker_args.REMOTE_BUILDER:
        from keynet.runtime.engines.docker.buildx import Buildx

        return Buildx(engine, docker_args.Invocation(**invocation))
    from keynet.runtime.engines.docker.docker import Docker

    return Docker(engine, docker_args.Invocation(**invocation))


def _docker_commands(
    engine: WorkingEngine, invocation: Mapping[str, Any], timeout_s: float
) -> "ContainerCommands | None":
    from keynet.runtime.engines.docker import docker_args, docker_run

    if invocation["mode"] == docker_args.REMOTE_BUILDER:
        return None
    return docker_run.container_commands(
        docker_args.Invocation(**invocation), timeout_s, engine.endpoint
    )


def _try_podman_like(dialect: Dialect) -> TrialResult:
    from keynet.runtime.engines.podman_like import podman_like_trial

    return podman_like_trial.probe(dialect)


def _restore_podman_like(
    dialect: Dialect, engine: WorkingEngine, invocation: Mapping[str, Any]
) -> AnyBuilder:
    from keynet.runtime.engines.podman_like import podman_like

    return podman_like.restore(dialect, engine, invocation)


def _podman_commands(
    dialect: Dialect, engine: WorkingEngine, invocation: Mapping[str, Any], timeout_s: float
) -> "ContainerCommands | None":
    from keynet.runtime.engines.podman_like import own_store
    from keynet.runtime.engines.podman_like.containers import podman_run

    del engine
    return podman_run.container_commands(dialect, own_store.restored(invocation), timeout_s)
