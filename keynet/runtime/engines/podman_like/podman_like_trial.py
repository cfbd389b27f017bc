"""Probe podman and buildah: a trial build with one invocation after the other."""

import json
import os
import re
import threading
from contextlib import ExitStack
from contextvars import Context
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.files import places
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.process import programs, shell
from keynet.runtime.build import layer_cache
from keynet.runtime.build.staging import scratch
from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.engines.podman_like import own_store, working_containers
from keynet.runtime.engines.podman_like.dialect import Dialect, Facts, Invocation, read_info
from keynet.runtime.probing import reasons
from keynet.runtime.probing.shared_answers import ask
from keynet.runtime.probing.trial_program import write_context
from keynet.runtime.probing.ulimits import lower_limits
from keynet.text import _, fill, printable

__all__ = ["TrialResult", "probe", "service_address"]

TrialResult = tuple[WorkingEngine, Invocation] | Unusable

_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")
# Of a build, and of each question.
_TIMEOUT_S: Final = 60.0
_ANSWER_S: Final = 20.0
# For trials that fail because of another process on the same store, not of the invocation.
_TRIES: Final = 3
# Engines try a store of keynet's own one after the other until one of them has made it: an engine
# that cannot use it removes what it has made.
_FIRST_TRIAL: Final = threading.Lock()
# In the output of a RUN that fails because of process limits, not because of its isolation.
_LIMITS = re.compile("rlimit", re.IGNORECASE)


@frozen
class _Attempt:
    invocation: Invocation
    error: str


def probe(dialect: Dialect) -> TrialResult:
    """Return the first invocation that passes a trial build (under 1 s each)."""
    binary = programs.find(dialect.name)
    if binary is None:
        return reasons.not_installed(dialect.guide)
    plain = Invocation(binary=binary, network="host")
    try:
        version = _version(dialect, plain)
        facts = _facts(dialect, plain)
        if isinstance(facts, Unusable):
            return _try_own_store(dialect, plain, version, None) or facts
        if facts.rootless and not facts.remote and _single_id(dialect, plain):
            return reasons.no_subids(dialect.guide)
        if facts.rootless and facts.storage_driver == "vfs" and not facts.remote:
            own = _try_own_store(dialect, plain, version, facts)
            if own is not None:
                return own
        return _try_invocations(dialect, replace(plain, remote=facts.remote), facts, version)
    except EngineError as error:
        return reasons.refused(dialect.guide, error)


def _try_own_store(
    dialect: Dialect, plain: Invocation, version: str, known: Facts | None
) -> TrialResult | None:
    """Try keynet's own overlay store; None if kernel or engine cannot use it.

    Args:
        known: The engine's facts with the user's store; None if ``info`` failed.
    """
    if not own_store.is_allowed():
        return None
    with ExitStack() as opened:
        opened.enter_context(_FIRST_TRIAL)
        existed = own_store.exists()
        if existed:
            opened.close()
        return _in_own_store(dialect, plain, version, known, existed=existed)


def _in_own_store(
    dialect: Dialect, plain: Invocation, version: str, known: Facts | None, *, existed: bool
) -> TrialResult | None:
    usable: tuple[WorkingEngine, Invocation] | None = None
    try:
        try:
            invocation = own_store.select(plain)
        except OSError:
            return None
        if known is None:
            facts = _facts(dialect, invocation)
            if isinstance(facts, Facts) and facts.rootless and _single_id(dialect, invocation):
                return reasons.no_subids(dialect.guide)
        else:
            facts = replace(known, storage_driver=invocation.driver, graph_root=invocation.root)
        if isinstance(facts, Facts) and facts.storage_driver == invocation.driver:
            found = _try_invocations(dialect, invocation, facts, version)
            usable = found if not isinstance(found, Unusable) and found[0].can_run else None
        return usable
    finally:
        if usable is None and not existed:
            own_store.remove()


def _try_invocations(dialect: Dialect, base: Invocation, facts: Facts, version: str) -> TrialResult:
    failed: list[_Attempt] = []
    seen: set[Invocation] = set()
    ulimits: tuple[str, ...] = ()
    queue = list(dialect.invocations(base, facts))
    while queue:
        invocation = replace(queue.pop(0), ulimits=ulimits)
        if invocation in seen:
            continue
        seen.add(invocation)
        error = _trial(dialect, invocation, facts, run=True)
        if not error:
            return _usable(dialect, invocation, facts, version, can_run=True)
        failed.append(_Attempt(invocation, error))
        if _LIMITS.search(error) and not ulimits:
            # This process may not raise its limits, whatever the runtime: set them from now on.
            ulimits = lower_limits()
            queue.insert(0, invocation)
    error = _trial(dialect, base, facts, run=False)
    if not error:
        tried = "; ".join(f"{_describe(attempt.invocation)}: {attempt.error}" for attempt in failed)
        return _usable(dialect, base, facts, version, can_run=False, tried=tried)
    return reasons.explain(dialect.guide, error)


def _trial(dialect: Dialect, invocation: Invocation, facts: Facts, *, run: bool) -> str:
    """Build once; return "" or why it failed. Nothing stays in the store, even if interrupted."""
    name = layer_cache.trial_name()
    with living("probe", places.plain_temporary()) as folder, scratch() as temporary:
        write_context(folder, facts.architecture, run=run)
        argv = [
            *dialect.prefix(invocation),
            "build",
            *dialect.build_flags(invocation),
            "--no-cache",
        ]
        argv += ["--force-rm", "--layers=false", "--tag", name]
        argv += ["--network", invocation.network] if invocation.network else []
        argv += ["--isolation", invocation.isolation] if invocation.isolation else []
        for limit in invocation.ulimits:
            argv += ["--ulimit", limit]
        argv += [] if facts.remote else [working_containers.marker_flag(folder)]
        argv += ["--file", f"{folder}/Containerfile", str(folder)]
        known = replace(invocation, graph_root=facts.graph_root, remote=facts.remote)
        may_end = working_containers.ending("" if facts.remote else facts.graph_root)
        ended = False
        try:
            for _try in range(_TRIES):
                command = shell.Command(
                    tuple(argv), environment={"TMPDIR": str(temporary)}, may_end=may_end
                )
                finished = shell.run(command, timeout_s=_TIMEOUT_S)
                if not reasons.lost_layer(finished.stderr):
                    break
            ended = finished.status == 0
        finally:
            if not ended:
                # In a context of its own: what has interrupted the trial must not interrupt this.
                Context().run(
                    working_containers.remove, folder, dialect, known, facts.storage_driver
                )
    if finished.status != 0:
        return reasons.trial_error(finished.status, finished.stderr or finished.stdout)
    shell.run(shell.Command((*dialect.prefix(invocation), "rmi", name)), timeout_s=_TIMEOUT_S)
    return ""


def _usable(
    dialect: Dialect,
    invocation: Invocation,
    facts: Facts,
    version: str,
    *,
    can_run: bool,
    tried: str = "",
) -> tuple[WorkingEngine, Invocation]:
    notes = []
    if facts.remote:
        notes.append(_("remote"))
    if facts.rootless:
        notes.append(_("rootless"))
    notes.append(_describe(invocation) if can_run else _("COPY only, no RUN"))
    if invocation.root:
        notes.append(_("own overlay store"))
    engine = WorkingEngine(
        name=dialect.name,
        version=version,
        how=f"{dialect.name} {version} ({', '.join(dict.fromkeys(notes))})",
        rootless=facts.rootless,
        can_run=can_run,
        no_run_reason=tried,
        storage_driver=facts.storage_driver,
        endpoint=service_address(invocation.binary) if facts.remote else "",
        architecture=facts.architecture,
        store=facts.graph_root,
    )
    return engine, replace(invocation, graph_root=facts.graph_root)


def service_address(binary: str) -> str:
    """Return a remote podman's address: CONTAINER_HOST, else its connection."""
    if host := os.environ.get("CONTAINER_HOST"):
        return host
    listed = shell.run(
        shell.Command((binary, "system", "connection", "list", "--format", "json")),
        timeout_s=_TIMEOUT_S,
    )
    wanted = os.environ.get("CONTAINER_CONNECTION")
    try:
        for connection in json.loads(listed.stdout or "[]"):
            if connection["Name"] == wanted or (not wanted and connection["Default"]):
                return str(connection["URI"])
    except (ValueError, LookupError, TypeError):
        # An unknown address is not checked later. The trial build has passed anyway.
        return ""
    return ""


def _describe(invocation: Invocation) -> str:
    runtime = Path(invocation.runtime).name
    return runtime if runtime else invocation.isolation or _("default runtime")


def _version(dialect: Dialect, invocation: Invocation) -> str:
    finished = ask((invocation.binary, "--version"), _ANSWER_S)
    found = _VERSION.search(finished.stdout)
    if finished.status != 0 or found is None:
        said = finished.stderr or finished.stdout
        raise EngineError(
            fill(
                _("{name} --version failed: {said}"),
                name=dialect.name,
                said=reasons.error_line(said),
            ),
            reasons.known_fix(dialect.guide, said)
            or fill(_("Reinstall {name}."), name=dialect.name),
        )
    return found[1]


def _facts(dialect: Dialect, invocation: Invocation) -> Facts | Unusable:
    argv = (*dialect.prefix(invocation), *dialect.info)
    finished = ask(argv, _ANSWER_S)
    if finished.status != 0:
        return reasons.explain(dialect.guide, finished.stderr)
    try:
        return read_info(finished.stdout)
    except ValueError:
        return Unusable(
            dialect.name,
            fill(
                _("{name} info did not print valid JSON: {said}"),
                name=dialect.name,
                said=printable(finished.stdout, 200),
            ),
            fill(_("Update {name}."), name=dialect.name),
        )


def _single_id(dialect: Dialect, invocation: Invocation) -> bool:
    """Report whether the user namespace maps one id only: images need more."""
    command = (*dialect.prefix(invocation), "unshare", "cat", "/proc/self/uid_map")
    finished = shell.run(shell.Command(command), timeout_s=_ANSWER_S)
    if finished.status != 0:
        return True
    lengths = [line.split()[2] for line in finished.stdout.splitlines() if len(line.split()) == 3]
    return sum(int(length) for length in lengths) <= 1
