"""Probe docker: client, daemon, trial builds with BuildKit and legacy builder."""

import os
import re
from typing import Final

from keynet.errors import EngineError
from keynet.files import places
from keynet.files.living_folders import living
from keynet.process import programs, shell
from keynet.runtime.build import layer_cache
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.engines.docker import buildx_trial, docker_args
from keynet.runtime.engines.docker.docker_args import (
    BUILDKIT,
    BUILDX,
    LEGACY,
    DockerFacts,
    Invocation,
)
from keynet.runtime.engines.docker.docker_host import ADVICE, GUIDE, NAME
from keynet.runtime.probing import endpoints, reasons
from keynet.runtime.probing.shared_answers import ask
from keynet.runtime.probing.trial_program import write_context
from keynet.text import _, fill, printable

__all__ = ["TrialResult", "endpoint", "probe"]

TrialResult = tuple[WorkingEngine, Invocation] | Unusable

# Of a build, and of each question.
_TIMEOUT_S: Final = 60.0
_ANSWER_S: Final = 20.0
_CLIENT = re.compile(r"Docker version (\d+(?:\.\d+)+)", re.IGNORECASE)


def probe() -> TrialResult:
    """Return the first builder of docker that passes a trial build (under 1 s each)."""
    binary = programs.find(NAME)
    if binary is None:
        return reasons.not_installed(GUIDE)
    try:
        return _probe(binary)
    except EngineError as error:
        return reasons.refused(GUIDE, error)


def _probe(binary: str) -> TrialResult:
    client = _ask(binary, "--version")
    if "podman" in client.stdout.lower():
        return Unusable(
            NAME,
            _("the docker command is podman's emulation of docker"),
            _("Use podman directly: --builder podman"),
        )
    if builder := os.environ.get("BUILDX_BUILDER"):
        known = buildx_trial.inspect(binary, builder)
        if isinstance(known, Unusable):
            return known
        if known.outside_daemon:
            version = _CLIENT.search(client.stdout)
            return buildx_trial.probe(binary, version[1] if version else "", builder, known)
    return _probe_daemon(binary)


def _probe_daemon(binary: str) -> TrialResult:
    address = endpoint(binary)
    refused = endpoints.refusal(address, NAME, ADVICE)
    if refused is not None:
        return refused
    info = _ask(binary, "info", "--format", "{{json .}}")
    try:
        facts = docker_args.read_info(info.stdout)
    except ValueError:
        return _explain(info.stderr, address)
    if facts.errors or not facts.version:
        return _explain("\n".join(facts.errors) or info.stderr, address)
    return _try_modes(binary, facts, address)


def _try_modes(binary: str, facts: DockerFacts, address: str) -> TrialResult:
    network = "" if _ask(binary, "network", "inspect", "bridge").status == 0 else "host"
    remote = not address.startswith(("unix://", "npipe://"))
    invocations = [
        Invocation(binary=binary, mode=mode, network=network, remote=remote)
        for mode in _modes(facts)
    ]
    failed: list[str] = []
    for invocation in invocations:
        error = _trial(invocation, facts.architecture, run=True)
        if not error:
            return _usable(invocation, facts, address)
        failed.append(f"{invocation.mode}: {error}")
    for invocation in invocations:
        if not _trial(invocation, facts.architecture, run=False):
            return _usable(invocation, facts, address, no_run="; ".join(failed))
    return reasons.explain(GUIDE, "; ".join(failed))


def _modes(facts: DockerFacts) -> list[str]:
    """Return the builders to try; only one if the user sets DOCKER_BUILDKIT."""
    wanted = os.environ.get("DOCKER_BUILDKIT", "").lower()
    if wanted in {"0", "false"}:
        return [LEGACY]
    modern = BUILDX if "buildx" in facts.plugins else BUILDKIT
    if os.environ.get("BUILDX_BUILDER"):
        return [BUILDX]
    return [modern] if wanted in {"1", "true"} else [modern, LEGACY]


def _trial(invocation: Invocation, architecture: str, *, run: bool) -> str:
    name = layer_cache.trial_name()
    log = BuildLog()
    with living("probe", places.plain_temporary()) as folder:
        write_context(folder, architecture, run=run)
        argv = [invocation.binary, "build", "--no-cache", "--tag", name]
        argv += ["--network", invocation.network] if invocation.network else []
        argv += ["--force-rm"] if invocation.mode == LEGACY else []
        argv += ["--load"] if invocation.mode == BUILDX else []
        argv += ["--file", f"{folder}/Containerfile", str(folder)]
        finished = shell.run(
            shell.Command(tuple(argv), environment=docker_args.environment(invocation, None)),
            timeout_s=_TIMEOUT_S,
            on_stdout=log.feed,
        )
    if finished.status == 0:
        _run(invocation.binary, "rmi", name)
        return ""
    # The legacy builder keeps the image of the last successful step.
    for image in log.stage_images:
        _run(invocation.binary, "rmi", image)
    return reasons.trial_error(finished.status, finished.stderr or finished.stdout)


def _usable(
    invocation: Invocation, facts: DockerFacts, address: str, *, no_run: str = ""
) -> tuple[WorkingEngine, Invocation]:
    notes = [_("legacy builder") if invocation.mode == LEGACY else "BuildKit"]
    if facts.rootless:
        notes.insert(0, _("rootless"))
    if invocation.remote:
        notes.insert(0, _("remote"))
    if no_run:
        notes.append(_("COPY only, no RUN"))
    engine = WorkingEngine(
        name=NAME,
        version=facts.version,
        how=f"{NAME} {facts.version} ({', '.join(notes)})",
        rootless=facts.rootless,
        can_run=not no_run,
        no_run_reason=no_run,
        storage_driver=facts.storage_driver,
        endpoint=address,
        architecture=facts.architecture,
        store=facts.store,
    )
    return engine, invocation


def endpoint(binary: str, timeout_s: float = _ANSWER_S) -> str:
    """Return the address the client connects to, from DOCKER_HOST or its context.

    Raises:
        EngineError: The context cannot be read.
    """
    argv = (binary, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    found = ask(argv, timeout_s)
    if found.status != 0:
        raise EngineError(
            fill(
                _("docker's context cannot be read: {said}"), said=reasons.error_line(found.stderr)
            ),
            _("List the contexts with docker context ls; select one with docker context use NAME"),
        )
    return found.stdout.strip()


def _explain(said: str, address: str) -> Unusable:
    first = next((line for line in said.splitlines() if line.strip()), said)
    return reasons.explain(GUIDE, f"{printable(first, 300)} ({printable(address, 200)})")


def _ask(binary: str, *arguments: str) -> shell.Finished:
    return ask((binary, *arguments), _ANSWER_S)


def _run(binary: str, *arguments: str) -> shell.Finished:
    return shell.run(shell.Command((binary, *arguments)), timeout_s=_TIMEOUT_S)
