"""Choose an engine that really works; say of the others why they do not."""

import shutil
from collections.abc import Sequence
from typing import Final

from keynet.errors import EngineUnavailable, UsageError
from keynet.events import Emit, Notice
from keynet.runtime.engine import Builder, Unusable, WorkingEngine
from keynet.runtime.engines.buildah import BUILDAH
from keynet.runtime.engines.podman import PODMAN
from keynet.runtime.probing import endpoints
from keynet.runtime.probing.cache import Cache
from keynet.text import _, fill, printable

__all__ = ["ORDER", "choose", "probe", "survey", "working"]

_DIALECTS: Final = {"podman": PODMAN, "buildah": BUILDAH}
ORDER: Final = ("docker", *_DIALECTS)


def choose(name: str, *, emit: Emit, needs_run: bool = True) -> tuple[Builder, WorkingEngine]:
    """Give the first engine that works, or the named one.

    Args:
        name: ``auto``, ``docker``, ``podman`` or ``buildah``.
        needs_run: False when the Containerfile has no RUN: COPY is then enough.

    Raises:
        EngineUnavailable: With each engine's reason and fix.
        UsageError: There is no engine of that name.
    """
    candidates = _candidates(name)
    cache = Cache()
    remembered = any(cache.get(candidate) for candidate in candidates)
    chosen = _first(candidates, cache=cache, fresh=False, needs_run=needs_run, emit=emit)
    if isinstance(chosen, list) and remembered:
        # Nothing known works: a refusal from the cache may be out of date.
        chosen = _first(candidates, cache=cache, fresh=True, needs_run=needs_run, emit=emit)
    if isinstance(chosen, list):
        raise _none_usable(name, chosen)
    return _builder(chosen), chosen


def working(emit: Emit) -> list[Builder]:
    """Give every engine that works here, be it for COPY alone, in the order of ``auto``."""
    found = []
    for name in ORDER:
        try:
            builder, _usable = choose(name, emit=emit, needs_run=False)
        except EngineUnavailable:
            continue
        found.append(builder)
    return found


def _builder(usable: WorkingEngine) -> Builder:
    if usable.name != "docker":
        from keynet.runtime.engines.podman_like import Engine

        return Engine(_DIALECTS[usable.name], usable)
    from keynet.runtime.engines import docker_args

    if usable.way.mode != docker_args.BUILDER:
        from keynet.runtime.engines.docker import Docker

        return Docker(usable)
    from keynet.runtime.engines.buildx import Buildx

    return Buildx(usable)


def _first(
    candidates: Sequence[str], *, cache: Cache, fresh: bool, needs_run: bool, emit: Emit
) -> WorkingEngine | list[Unusable]:
    """Find the first usable candidate; the refusals of all when there is none."""
    refused: list[Unusable] = []
    for candidate in candidates:
        found = None if fresh else _known(candidate, cache)
        if found is None:
            found = probe(candidate)
            cache.put(candidate, found)
            if isinstance(found, Unusable) and len(candidates) > 1 and shutil.which(candidate):
                emit(Notice(_passed_over(found), "note"))
        match found:
            case WorkingEngine() if found.can_run or not needs_run:
                return found
            case WorkingEngine():
                refused.append(_cannot_run(found))
            case Unusable():
                refused.append(found)
    return refused


def _known(name: str, cache: Cache) -> WorkingEngine | Unusable | None:
    """Give the remembered answer unless the daemon has come or gone since."""
    found = cache.get(name)
    if isinstance(found, WorkingEngine):
        return None if endpoints.refusal(found.endpoint, name) else found
    if isinstance(found, Unusable) and found.endpoint:
        return None if endpoints.refusal(found.endpoint, name) is None else found
    return found


def probe(name: str) -> WorkingEngine | Unusable:
    """Try one engine of ``ORDER`` anew."""
    # What drives an engine is loaded for that engine alone: a push knows which it needs.
    if name == "docker":
        from keynet.runtime.engines import docker_trial

        return docker_trial.probe()
    from keynet.runtime.engines import podman_like_trial

    return podman_like_trial.probe(_DIALECTS[name])


def survey() -> list[WorkingEngine | Unusable]:
    """Probe every engine anew, in the order of ``auto``."""
    cache = Cache()
    found = []
    for name in ORDER:
        found.append(probe(name))
        cache.put(name, found[-1])
    return found


def _candidates(name: str) -> Sequence[str]:
    if name == "auto":
        return ORDER
    if name not in ORDER:
        raise UsageError(
            fill(_("There is no engine {name}."), name=printable(name, 100)),
            fill(_("Choose one of: auto, {names}."), names=", ".join(ORDER)),
        )
    return (name,)


def _passed_over(refused: Unusable) -> str:
    return fill(
        _("Skipping {engine}: {reason}"),
        engine=refused.name,
        reason=printable(refused.reason, 300),
    )


def _cannot_run(usable: WorkingEngine) -> Unusable:
    return Unusable(
        usable.name,
        fill(
            _("it can copy files but not run programs in a build ({tried})"),
            tried=usable.facts.get("no_run", ""),
        ),
        _(
            "Allow user namespaces or give the container CAP_SYS_ADMIN (--privileged), or use "
            "a Containerfile without RUN."
        ),
    )


def _none_usable(name: str, refused: list[Unusable]) -> EngineUnavailable:
    if name == "auto":
        what = _("No engine works here:")
        hint = _("Fix one of these; one is enough. Details: keynet doctor")
    else:
        what = fill(_("The engine {name} does not work here:"), name=name)
        hint = _("Fix this, or choose another engine with --builder. Details: keynet doctor")
    lines = [f"  {each.name}: {printable(each.reason, 600)}\n    → {each.fix}" for each in refused]
    return EngineUnavailable("\n".join([what, *lines]), hint)
