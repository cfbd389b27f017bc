"""What podman and buildah report about themselves and their host, without a build."""

import json
import os
import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from keynet.errors import EngineError
from keynet.process import programs
from keynet.process.background import background
from keynet.runtime.engine import Unusable
from keynet.runtime.engines.podman_like import podman_like_trial
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation, read_info
from keynet.runtime.probing import reasons
from keynet.runtime.probing.engine_report import TIMEOUT_S, EngineReport, hanging
from keynet.runtime.probing.shared_answers import ask
from keynet.text import _

__all__ = ["report"]

_VERSION: Final = re.compile(r"version (\d+(?:\.\d+)+)")
_SERVICE: Final = ("CONTAINER_HOST", "CONTAINER_CONNECTION")


def report(dialect: Dialect, timeout_s: float = TIMEOUT_S) -> EngineReport | Unusable:
    """Return the facts of an engine, or why no build needs to be tried.

    An ``info`` that fails leaves them empty: the trial explains it, or uses another store.

    Args:
        timeout_s: Of each program that is asked.
    """
    binary = programs.find(dialect.name)
    if binary is None:
        return reasons.not_installed(dialect.guide)
    plain = Invocation(binary=binary)
    endpoint = ""
    try:
        if dialect.has_service and any(os.environ.get(name) for name in _SERVICE):
            endpoint = podman_like_trial.service_address(binary)
        with background(partial(ask, (binary, "--version"), timeout_s)) as said:
            info = ask((*dialect.prefix(plain), *dialect.info), timeout_s)
        version = _VERSION.search(said.result().stdout)
    except EngineError as error:
        return _explain(dialect, error, endpoint, timeout_s)
    client = version[1] if version else ""
    try:
        facts = read_info(info.stdout)
    except (ValueError, RecursionError):
        return EngineReport(client)
    found = json.loads(info.stdout)
    return EngineReport(
        client=client,
        server=str(_part(found, "version").get("Version", "")) if facts.remote else "",
        rootless=facts.rootless,
        remote=facts.remote,
        endpoint=endpoint if facts.remote else "",
        storage_driver=facts.storage_driver,
        store=facts.graph_root,
        prune=dialect.prune,
        cgroups=_cgroups(_part(found, "host")),
    )


def _explain(dialect: Dialect, error: EngineError, endpoint: str, timeout_s: float) -> Unusable:
    if "--version" in error.message:
        return Unusable(dialect.name, error.message, error.hint)
    if endpoint:
        fix = _(
            "Restart podman's service there (systemctl --user restart podman.socket), or unset "
            "CONTAINER_HOST or correct the default connection (podman system connection list)"
        )
        return hanging(dialect.name, endpoint, fix, timeout_s)
    return reasons.hanging(dialect.guide, timeout_s)


def _cgroups(host: Mapping[str, Any]) -> str:
    said = host.get("cgroupVersion") or host.get("CgroupVersion") or ""
    return str(said).lstrip("v")


def _part(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = found.get(key)
    return part if isinstance(part, dict) else {}
