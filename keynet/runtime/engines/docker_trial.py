"""Probing docker by doing: the client, its daemon, then BuildKit and the legacy builder."""

import os
import re
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.build.build_log import BuildLog
from keynet.runtime.build.image_names import PREFIX
from keynet.runtime.engine import Invocation, Unusable, WorkingEngine
from keynet.runtime.engines import buildx_trial, docker_args
from keynet.runtime.engines.docker_args import BUILDKIT, BUILDX, LEGACY, DockerFacts
from keynet.runtime.engines.podman_like_trial import lay_out_program
from keynet.runtime.probing import endpoints, reasons
from keynet.text import _, fill, printable

__all__ = ["probe"]

_TIMEOUT_S: Final = 60.0
_CLIENT = re.compile(r"Docker version (\d+(?:\.\d+)+)", re.IGNORECASE)


def probe() -> WorkingEngine | Unusable:
    """Find the first builder of docker that really builds; under a second each."""
    binary = shutil.which("docker")
    if binary is None:
        return reasons.not_installed("docker")
    try:
        return _probe(binary)
    except EngineError as error:
        return Unusable("docker", error.message, error.hint)


def _probe(binary: str) -> WorkingEngine | Unusable:
    client = _run(binary, "--version")
    if "podman" in client.stdout.lower():
        return Unusable(
            "docker",
            _("the docker command here is podman's stand-in"),
            _("keynet uses podman itself: --builder podman"),
        )
    if builder := os.environ.get("BUILDX_BUILDER"):
        known = buildx_trial.inspect(binary, builder)
        if isinstance(known, Unusable):
            return known
        if known.elsewhere:
            version = _CLIENT.search(client.stdout)
            return buildx_trial.probe(binary, version[1] if version else "", builder, known)
    return _probe_daemon(binary)


def _probe_daemon(binary: str) -> WorkingEngine | Unusable:
    endpoint = _endpoint(binary)
    refused = endpoints.refusal(endpoint)
    if refused is not None:
        return refused
    info = _run(binary, "info", "--format", "{{json .}}")
    try:
        facts = docker_args.read_info(info.stdout)
    except ValueError:
        return _explain(info.stderr, endpoint)
    if facts.errors or not facts.version:
        return _explain("\n".join(facts.errors) or info.stderr, endpoint)
    return _try_modes(binary, facts, endpoint)


def _try_modes(binary: str, facts: DockerFacts, endpoint: str) -> WorkingEngine | Unusable:
    network = "" if _run(binary, "network", "inspect", "bridge").status == 0 else "host"
    remote = not endpoint.startswith(("unix://", "npipe://"))
    ways = [
        Invocation(binary=binary, mode=mode, network=network, remote=remote)
        for mode in _modes(facts)
    ]
    failed: list[str] = []
    for way in ways:
        error = _trial(way, facts.architecture, run=True)
        if not error:
            return _usable(way, facts, endpoint)
        failed.append(f"{way.mode}: {error}")
    for way in ways:
        if not _trial(way, facts.architecture, run=False):
            return _usable(way, facts, endpoint, no_run="; ".join(failed))
    return reasons.explain("docker", "; ".join(failed))


def _modes(facts: DockerFacts) -> list[str]:
    """List the builders to try; the user's DOCKER_BUILDKIT leaves one."""
    wanted = os.environ.get("DOCKER_BUILDKIT", "").lower()
    if wanted in {"0", "false"}:
        return [LEGACY]
    modern = BUILDX if "buildx" in facts.plugins else BUILDKIT
    if os.environ.get("BUILDX_BUILDER"):
        return [BUILDX]
    return [modern] if wanted in {"1", "true"} else [modern, LEGACY]


def _trial(way: Invocation, architecture: str, *, run: bool) -> str:
    name = f"{PREFIX}probe:{secrets.token_hex(6)}"
    log = BuildLog()
    with tempfile.TemporaryDirectory(prefix="keynet-probe-") as folder:
        lay_out_program(Path(folder), architecture, run=run)
        argv = [way.binary, "build", "--no-cache", "--tag", name]
        argv += ["--network", way.network] if way.network else []
        argv += ["--force-rm"] if way.mode == LEGACY else []
        argv += ["--load"] if way.mode == BUILDX else []
        argv += ["--file", f"{folder}/Containerfile", folder]
        finished = shell.run(
            shell.Command(tuple(argv), environment=docker_args.environment(way, None)),
            timeout_s=_TIMEOUT_S,
            on_stdout=log.feed,
        )
    if finished.status == 0:
        _run(way.binary, "rmi", name)
        return ""
    # The legacy builder keeps the image of the last step that worked.
    for image in log.tops:
        _run(way.binary, "rmi", image)
    return reasons.failure(finished.status, finished.stderr or finished.stdout)


def _usable(
    way: Invocation, facts: DockerFacts, endpoint: str, *, no_run: str = ""
) -> WorkingEngine:
    notes = [_("legacy builder") if way.mode == LEGACY else "BuildKit"]
    if facts.rootless:
        notes.insert(0, _("rootless"))
    if way.remote:
        notes.insert(0, _("remote"))
    if no_run:
        notes.append(_("COPY only, no RUN"))
    return WorkingEngine(
        name="docker",
        version=facts.version,
        rootless=facts.rootless,
        how=f"docker {facts.version} ({', '.join(notes)})",
        can_run=not no_run,
        way=way,
        storage_driver=facts.storage_driver,
        endpoint=endpoint,
        architecture=facts.architecture,
        facts={"no_run": no_run} if no_run else {},
    )


def _endpoint(binary: str) -> str:
    """Ask the client where it would connect to: DOCKER_HOST and contexts are its business."""
    found = _run(binary, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    if found.status != 0:
        raise EngineError(
            fill(
                _("docker's context cannot be read: {said}"), said=reasons.last_words(found.stderr)
            ),
            _("See: docker context ls; docker context use default"),
        )
    return found.stdout.strip()


def _explain(said: str, endpoint: str) -> Unusable:
    first = next((line for line in said.splitlines() if line.strip()), said)
    return reasons.explain("docker", f"{printable(first, 300)} ({printable(endpoint, 200)})")


def _run(binary: str, *arguments: str) -> shell.Finished:
    return shell.run(shell.Command((binary, *arguments)), timeout_s=_TIMEOUT_S)
