"""What docker's client and daemon report about themselves, without a build."""

import json
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from keynet.errors import EngineError, EngineTimeout
from keynet.process import programs
from keynet.process.background import background
from keynet.runtime.engine import Unusable
from keynet.runtime.engines.docker import docker_host, docker_trial
from keynet.runtime.engines.docker.docker_host import ADVICE, GUIDE, NAME
from keynet.runtime.probing import endpoints, reasons
from keynet.runtime.probing.engine_report import TIMEOUT_S, EngineReport, hanging
from keynet.runtime.probing.shared_answers import ask

__all__ = ["report"]


def report(timeout_s: float = TIMEOUT_S) -> EngineReport | Unusable:
    """Return the facts of client and daemon, or why no build needs to be tried.

    Args:
        timeout_s: Of each program that is asked.
    """
    binary = programs.find(NAME)
    if binary is None:
        return reasons.not_installed(GUIDE)
    endpoint = ""
    try:
        if os.environ.get("BUILDX_BUILDER"):
            # The builder may be on other hosts and need no daemon.
            return EngineReport(_client_version(binary, timeout_s), remote=True)
        endpoint = docker_trial.endpoint(binary, timeout_s)
        refused = endpoints.refusal(endpoint, NAME, ADVICE)
        if refused is not None:
            return refused
        with background(partial(_json, binary, "version", timeout_s)) as version:
            info = _json(binary, "info", timeout_s)
        versions = version.result()
    except EngineTimeout:
        # The client of docker 20.10 asks the daemon before it shows its context.
        address = endpoint or os.environ.get("DOCKER_HOST", "")
        return hanging(NAME, address, docker_host.restart(address), timeout_s)
    except EngineError as error:
        return Unusable(NAME, error.message, error.hint)
    server, client = versions.get("Server"), versions.get("Client")
    return EngineReport(
        client=str(client.get("Version", "")) if isinstance(client, dict) else "",
        server=str(server.get("Version", "")) if isinstance(server, dict) else "",
        rootless=any("rootless" in str(each) for each in info.get("SecurityOptions") or ()),
        remote=not endpoint.startswith(("unix://", "npipe://")),
        endpoint=endpoint,
        storage_driver=str(info.get("Driver") or ""),
        store=str(info.get("DockerRootDir") or ""),
        prune="docker image prune",
        cgroups=str(info.get("CgroupVersion") or ""),
    )


def _client_version(binary: str, timeout_s: float) -> str:
    said = ask((binary, "--version"), timeout_s).stdout
    words = said.replace(",", " ").split()
    return words[2] if len(words) > 2 else ""


def _json(binary: str, verb: str, timeout_s: float) -> Mapping[str, Any]:
    """Return the engine's JSON; empty if it prints none, which the trial explains."""
    finished = ask((binary, verb, "--format", "{{json .}}"), timeout_s)
    try:
        found = json.loads(finished.stdout)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
