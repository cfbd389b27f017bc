"""Probing by doing, for podman and buildah: a real trivial build, one way after the other."""

import json
import os
import re
import secrets
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.build import own_store
from keynet.runtime.build.image_names import PREFIX
from keynet.runtime.engine import Invocation, Unusable, WorkingEngine
from keynet.runtime.engines.dialect import Dialect, Facts, read_info
from keynet.runtime.probing import reasons
from keynet.runtime.probing.trial_program import ARCHITECTURES, exit_program
from keynet.runtime.probing.ulimits import lower_limits
from keynet.text import _, fill, printable

__all__ = ["lay_out_program", "probe"]

_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")
_TIMEOUT_S: Final = 60.0
# A trial that another process on the same store has disturbed says nothing about the way.
_TRIES: Final = 3
# What a failed RUN says when its process limits, not its isolation, are the trouble.
_LIMITS = re.compile("rlimit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Attempt:
    way: Invocation
    error: str


def probe(dialect: Dialect) -> WorkingEngine | Unusable:
    """Find the first way that really builds; under a second each."""
    binary = shutil.which(dialect.name)
    if binary is None:
        return reasons.not_installed(dialect.name)
    plain = Invocation(binary=binary, network="host")
    try:
        version = _version(dialect, plain)
        facts = _facts(dialect, plain)
        if isinstance(facts, Unusable):
            return _in_own_store(dialect, plain, version, None) or facts
        if facts.rootless and not facts.remote and _single_id(dialect, plain):
            return reasons.no_subids(dialect.name)
        if facts.rootless and facts.storage_driver == "vfs" and not facts.remote:
            own = _in_own_store(dialect, plain, version, facts)
            if own is not None:
                return own
        return _try_ways(dialect, replace(plain, remote=facts.remote), facts, version)
    except EngineError as error:
        return Unusable(dialect.name, error.message, error.hint)


def lay_out_program(folder: Path, architecture: str, *, run: bool) -> bool:
    """Write the trial's context; give whether its Containerfile runs the program.

    An architecture that keynet carries no program for is tried by COPY alone.
    """
    known = architecture in ARCHITECTURES
    program = folder / "program"
    # No two trials have one layer: to remove one image would take it from the other's.
    own = secrets.token_bytes(16)
    program.write_bytes(exit_program(architecture) + own if known else own)
    program.chmod(0o755)
    lines = ["FROM scratch", "COPY program /program"]
    if run and known:
        lines.append('RUN ["/program"]')
    (folder / "Containerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return run and known


def _in_own_store(
    dialect: Dialect, plain: Invocation, version: str, known: Facts | None
) -> WorkingEngine | Unusable | None:
    """Try keynet's own overlay store; None when the kernel or the engine refuses it.

    ``known`` is what the engine said of its host, in the user's store.
    """
    if not own_store.is_wanted():
        return None
    existed = own_store.exists()
    usable: WorkingEngine | None = None
    try:
        way = own_store.own_way(plain)
        if known is None:
            facts = _facts(dialect, way)
            if isinstance(facts, Facts) and facts.rootless and _single_id(dialect, way):
                return reasons.no_subids(dialect.name)
        else:
            facts = replace(known, storage_driver=way.driver, graph_root=way.root)
        if isinstance(facts, Facts) and facts.storage_driver == way.driver:
            found = _try_ways(dialect, way, facts, version)
            usable = found if isinstance(found, WorkingEngine) and found.can_run else None
        return usable
    finally:
        if usable is None and not existed:
            own_store.remove()


def _try_ways(
    dialect: Dialect, base: Invocation, facts: Facts, version: str
) -> WorkingEngine | Unusable:
    failed: list[_Attempt] = []
    seen: set[Invocation] = set()
    ulimits: tuple[str, ...] = ()
    queue = list(dialect.ways(base, facts))
    while queue:
        way = replace(queue.pop(0), ulimits=ulimits)
        if way in seen:
            continue
        seen.add(way)
        error = _trial(dialect, way, facts.architecture, run=True)
        if not error:
            return _usable(dialect, way, facts, version, can_run=True)
        failed.append(_Attempt(way, error))
        if _LIMITS.search(error) and not ulimits:
            # Whatever the runtime: this process may not raise its limits, so all ways get them.
            ulimits = lower_limits()
            queue.insert(0, way)
    error = _trial(dialect, base, facts.architecture, run=False)
    if not error:
        tried = "; ".join(f"{_describe(attempt.way)}: {attempt.error}" for attempt in failed)
        return _usable(dialect, base, facts, version, can_run=False, tried=tried)
    return reasons.explain(dialect.name, error)


def _trial(dialect: Dialect, way: Invocation, architecture: str, *, run: bool) -> str:
    """Build once; give "" or the reason why not. Nothing of it stays in the store."""
    name = f"{PREFIX}probe:{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="keynet-probe-") as folder:
        lay_out_program(Path(folder), architecture, run=run)
        argv = [*dialect.prefix(way), "build", *dialect.build_flags(way), "--no-cache"]
        argv += ["--force-rm", "--layers=false", "--tag", name]
        argv += ["--network", way.network] if way.network else []
        argv += ["--isolation", way.isolation] if way.isolation else []
        for limit in way.ulimits:
            argv += ["--ulimit", limit]
        argv += ["--file", f"{folder}/Containerfile", folder]
        for _try in range(_TRIES):
            finished = shell.run(shell.Command(tuple(argv)), timeout_s=_TIMEOUT_S)
            if not reasons.lost_layer(finished.stderr):
                break
    if finished.status != 0:
        return reasons.failure(finished.status, finished.stderr or finished.stdout)
    shell.run(shell.Command((*dialect.prefix(way), "rmi", name)), timeout_s=_TIMEOUT_S)
    return ""


def _usable(
    dialect: Dialect, way: Invocation, facts: Facts, version: str, *, can_run: bool, tried: str = ""
) -> WorkingEngine:
    notes = []
    if facts.remote:
        notes.append(_("remote"))
    if facts.rootless:
        notes.append(_("rootless"))
    notes.append(_describe(way) if can_run else _("COPY only, no RUN"))
    if way.root:
        notes.append(_("own overlay store"))
    return WorkingEngine(
        name=dialect.name,
        version=version,
        rootless=facts.rootless,
        how=f"{dialect.name} {version} ({', '.join(dict.fromkeys(notes))})",
        can_run=can_run,
        way=way,
        storage_driver=facts.storage_driver,
        endpoint=_endpoint(way) if facts.remote else "",
        architecture=facts.architecture,
        facts={"graph_root": facts.graph_root, **({"no_run": tried} if tried else {})},
    )


def _endpoint(way: Invocation) -> str:
    """Find the address of a remote podman: CONTAINER_HOST, else its (default) connection."""
    if host := os.environ.get("CONTAINER_HOST"):
        return host
    listed = shell.run(
        shell.Command((way.binary, "system", "connection", "list", "--format", "json")),
        timeout_s=_TIMEOUT_S,
    )
    wanted = os.environ.get("CONTAINER_CONNECTION")
    try:
        for connection in json.loads(listed.stdout or "[]"):
            if connection["Name"] == wanted or (not wanted and connection["Default"]):
                return str(connection["URI"])
    except (ValueError, LookupError, TypeError):
        # An address that is not known is not checked; the trial build has passed.
        return ""
    return ""


def _describe(way: Invocation) -> str:
    runtime = Path(way.runtime).name
    return runtime if runtime else way.isolation or _("default runtime")


def _version(dialect: Dialect, way: Invocation) -> str:
    finished = shell.run(shell.Command((way.binary, "--version")), timeout_s=_TIMEOUT_S)
    found = _VERSION.search(finished.stdout)
    if finished.status != 0 or found is None:
        said = finished.stderr or finished.stdout
        raise EngineError(
            fill(
                _("{name} --version fails: {said}"),
                name=dialect.name,
                said=reasons.last_words(said),
            ),
            reasons.known_fix(dialect.name, said)
            or fill(_("Install {name} again."), name=dialect.name),
        )
    return found[1]


def _facts(dialect: Dialect, way: Invocation) -> Facts | Unusable:
    argv = (*dialect.prefix(way), "info")
    if dialect.name == "podman":
        argv = (*argv, "--format", "json")
    finished = shell.run(shell.Command(argv), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        return reasons.explain(dialect.name, finished.stderr)
    try:
        return read_info(finished.stdout)
    except ValueError:
        return Unusable(
            dialect.name,
            fill(
                _("{name} info gives no JSON: {said}"),
                name=dialect.name,
                said=printable(finished.stdout, 200),
            ),
            fill(_("Update {name}."), name=dialect.name),
        )


def _single_id(dialect: Dialect, way: Invocation) -> bool:
    """Tell whether the user namespace has one id only: images with other owners then fail."""
    command = (*dialect.prefix(way), "unshare", "cat", "/proc/self/uid_map")
    finished = shell.run(shell.Command(command), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        return True
    lengths = [line.split()[2] for line in finished.stdout.splitlines() if len(line.split()) == 3]
    return sum(int(length) for length in lengths) <= 1
