"""Choose the packages of an image on this host before the upload key: can they be installed?

uv is asked as the build will ask it, but for wheels alone, since nothing is built here. So its
refusal counts only where it does not rest on that, and where the base brings nothing of its own;
everything else is left to the build. What it answers is kept by the content of the requirements:
a change of the code asks no index.
"""

import contextlib
import json
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from keynet.direct.base.target_python import TargetPython
from keynet.direct.packages.resolved_cache import resolution_key
from keynet.errors import BuildFailed, EngineError, KeynetError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from keynet.oci.reference import DOCKER_HUB
from keynet.plan import BuildPlan, Recipe
from keynet.recipe.packages import package_names
from keynet.secret import Secret
from keynet.steps.checking import plain_base
from keynet.text import Block, stacked

if TYPE_CHECKING:
    from keynet.direct.packages.prepared_uv import Uv

__all__ = ["PackageTrial"]

# Each of their versions is source alone, without dependencies: where nothing is built they would
# hide all that the requirements bring (hydra and omegaconf need the first one). Source: PyPI.
_SOURCE_ONLY: Final = frozenset(["antlr4-python3-runtime", "docopt", "pathtools", "wget"])
_LIMIT_S: Final = 10.0
_MOST_REQUIREMENTS: Final = 1_000
_KEPT: Final = 64
_UNKNOWN: Final = b"?"
_UNKNOWN_VALID_S: Final = 600.0
# glibc of the newest bases: a wheel that this one does not run is for none of them.
_NEWEST_GLIBC: Final = 40
_IMPATIENT: Final = {"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "3"}


@frozen
class _Answer:
    """The names of all that would be installed, None where unknown, or why nothing can be."""

    names: frozenset[str] | None = None
    refusal: BuildFailed | None = None


_NOT_KNOWN: Final = _Answer()


class PackageTrial:
    """Answers for one push, each asked once."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}

    def names(self, plan: BuildPlan) -> frozenset[str] | None:
        """Return the canonical names of all that would be installed; None where that is unknown.

        A few that cannot be resolved without a build are always among them.
        """
        names = self._answer(plan).names
        return None if names is None else names | _SOURCE_ONLY

    def check(self, plan: BuildPlan, emit: Emit) -> None:
        """Refuse requirements that no build can install on the base image.

        A mirror's image may have been extended: there it is a warning.

        Raises:
            BuildFailed: See ``package_refusal.error``.
        """
        refusal = self._answer(plan).refusal
        if refusal is None:
            return
        if plan.base is not None and plan.base.registry == DOCKER_HUB:
            raise refusal
        emit(Notice(Block(stacked(refusal.message, refusal.hint))))

    def begin(self, plan: BuildPlan) -> None:
        """Ask now, so that the answer is there when it is needed."""
        self._answer(plan)

    def _answer(self, plan: BuildPlan) -> _Answer:
        recipe = plan.recipe
        if not isinstance(recipe, Recipe) or not plain_base.is_plain(recipe.base):
            return _NOT_KNOWN
        python = plain_base.python(recipe, plan.base_facts)
        dependencies = recipe.dependencies
        if python is None or not dependencies.files or dependencies.count > _MOST_REQUIREMENTS:
            return _NOT_KNOWN
        glibc = None if plain_base.is_musl(recipe.base) else _NEWEST_GLIBC
        target = TargetPython(python, "", "", glibc)
        platform = plan.platforms[0] if plan.platforms else platforms.host()
        network = plan.host_network
        key = resolution_key(dependencies, network, target, platform, "trial", 0)
        if key not in self._answers:
            self._answers[key] = _kept(key) or _asked(plan, recipe, target, platform, key)
        return self._answers[key]


def _kept(key: str) -> _Answer | None:
    """Return the answer of an earlier push; None without one, or where it was unknown long ago."""
    with contextlib.suppress(OSError, KeynetError):
        path = _cache().find(key)
        if path is None:
            return None
        content = path.read_bytes()
        if content != _UNKNOWN:
            return _Answer(frozenset(content.decode().split()))
        if 0 <= time.time() - path.stat().st_mtime < _UNKNOWN_VALID_S:
            return _NOT_KNOWN
    return None


def _asked(
    plan: BuildPlan, recipe: Recipe, target: TargetPython, platform: Platform, key: str
) -> _Answer:
    answer = _ask(plan, recipe, target, platform)
    if answer.refusal is None:
        content = _UNKNOWN if answer.names is None else "\n".join(sorted(answer.names)).encode()
        # Otherwise the next push asks again.
        with contextlib.suppress(OSError, KeynetError):
            _cache().put(key, content)
    return answer


def _cache() -> DiskCache:
    return DiskCache(places.cache(), "resolved", _KEPT)


def _ask(plan: BuildPlan, recipe: Recipe, target: TargetPython, platform: Platform) -> _Answer:
    # Only where nothing is known yet.
    from keynet.direct.packages import prepared_uv
    from keynet.direct.packages.vcs_requirements import from_version_control
    from keynet.steps.checking import package_refusal

    network = plan.host_network
    try:
        with prepared_uv.prepared(recipe.dependencies, network, target, platform) as uv:
            if from_version_control(uv.options.texts.values()):
                return _NOT_KNOWN
            overrides = uv.top / "overrides.txt"
            never = "".join(f"{name}; sys_platform == 'none'\n" for name in _SOURCE_ONLY)
            overrides.write_text(never, encoding="utf-8")
            done = replace(uv, environment={**uv.environment, **_IMPATIENT}).run(
                *("compile", "--quiet", "--no-header", "--no-annotate", "--no-emit-index-url"),
                *("--no-emit-find-links", "--override", str(overrides), *uv.sources),
                unchecked=True,
                timeout_s=_LIMIT_S,
            )
            indexes = uv.options.indexes()
            answers = _answers(uv, done.stderr, indexes) if done.status != 0 else ""
    except (BuildFailed, EngineError):
        # No uv, something that only pip understands, or no answer in time.
        return _NOT_KNOWN
    if done.status == 0:
        return _Answer(frozenset(package_names.resolved(done.stdout)))
    said = package_refusal.with_answers(done.stderr, answers, indexes)
    if plain_base.is_musl(recipe.base) is None or not package_refusal.is_proof(said):
        return _NOT_KNOWN
    return _Answer(refusal=package_refusal.error(said, recipe.from_name, target, indexes))


def _answers(uv: "Uv", output: str, indexes: list[str]) -> str:
    """Return what the indexes answer for packages that uv takes for absent, as in a build.

    The addresses may have logins, so that they are in no command line.
    """
    from keynet.process.shell import Command, run
    from keynet.runtime.build.inside import shown_errors
    from keynet.runtime.build.inside.uv_installer import pinned

    missing = [name for line in output.splitlines() for name in shown_errors.not_found(line)]
    if not missing:
        return ""
    asked = json.dumps([missing, indexes, pinned(uv.folder)])
    command = (sys.executable, "-I", shown_errors.__file__)
    return run(Command(command, uv.environment, stdin=Secret(asked)), timeout_s=_LIMIT_S).stdout
