"""Choose the packages of an image on this host before the upload key: can they be installed?

uv is asked as the build will ask it, but for wheels alone, since nothing is built here. So its
refusal counts only where it does not rest on that, and where it is known what the base brings;
everything else is left to the build. What it answers is kept by the content of the requirements:
a change of the code asks no index.
"""

import contextlib
import json
import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.packages.resolved_cache import resolution_key
from keynet.errors import BuildFailed, EngineError, KeynetError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.files.disk_cache import DAMAGED, DiskCache
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe
from keynet.recipe.packages import package_names
from keynet.secret import Secret
from keynet.steps.checking.installable import base_contents, silent_index
from keynet.steps.checking.installable.base_contents import BaseContents
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
# An index that hangs is distinguished from requirements that take long.
_IMPATIENT: Final = {
    **{"UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "3", "UV_HTTP_TIMEOUT": "3"},
}


@frozen
class _Answer:
    """The names of all that would be installed, None where unknown, or why nothing can be.

    ``silent`` is an index that does not answer, the reason why the names are unknown; else "".
    """

    names: frozenset[str] | None = None
    refusal: BuildFailed | None = None
    silent: str = ""


_NOT_KNOWN: Final = _Answer()


@frozen
class _Resolution:
    """The names of all packages, None where they are not sure.

    ``refused`` is what uv has written if nothing can be installed, else "".
    """

    names: frozenset[str] | None = None
    refused: str = ""


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

        It is a warning where the base may bring more than is known, see ``base_contents``.
        An index that does not answer is named, too.

        Raises:
            BuildFailed: See ``package_refusal.error``.
        """
        answer = self._answer(plan)
        refusal = answer.refusal
        if not isinstance(plan.recipe, Recipe):
            return
        if answer.silent:
            emit(silent_index.notice(answer.silent))
        if refusal is None:
            return
        base = base_contents.known(plan.recipe, plan.base_facts)
        if base is not None and base.decides:
            raise refusal
        emit(Notice(Block(stacked(refusal.message, refusal.hint))))

    def begin(self, plan: BuildPlan) -> None:
        """Ask now, so that the answer is there when it is needed."""
        self._answer(plan)

    def _answer(self, plan: BuildPlan) -> _Answer:
        recipe = plan.recipe
        if not isinstance(recipe, Recipe):
            return _NOT_KNOWN
        dependencies = recipe.dependencies
        if not dependencies.files or dependencies.count > _MOST_REQUIREMENTS:
            return _NOT_KNOWN
        base = base_contents.known(recipe, plan.base_facts)
        if base is None:
            return _NOT_KNOWN
        platform = plan.platforms[0] if plan.platforms else platforms.host()
        network, of_base = plan.host_network, base.packages.key
        key = resolution_key(dependencies, network, base.python, platform, "trial", 0, of_base)
        if key not in self._answers:
            self._answers[key] = _kept(key) or _asked(plan, recipe, base, platform, key)
        return self._answers[key]


def _kept(key: str) -> _Answer | None:
    """Return the answer of an earlier push; None without one, or where it was unknown long ago."""
    with contextlib.suppress(*DAMAGED):
        path = _cache().find(key)
        if path is None:
            return None
        content = path.read_bytes()
        if not content.startswith(_UNKNOWN):
            return _Answer(frozenset(content.decode().split()))
        if 0 <= time.time() - path.stat().st_mtime < _UNKNOWN_VALID_S:
            return _Answer(silent=content.decode().removeprefix("?"))
    return None


def _asked(
    plan: BuildPlan, recipe: Recipe, base: BaseContents, platform: Platform, key: str
) -> _Answer:
    answer = _ask(plan, recipe, base, platform)
    if answer.refusal is None:
        content = _UNKNOWN + answer.silent.encode()
        if answer.names is not None:
            content = "\n".join(sorted(answer.names)).encode()
        # Otherwise the next push asks again.
        with contextlib.suppress(OSError, KeynetError):
            _cache().put(key, content)
    return answer


def _cache() -> DiskCache:
    return DiskCache(places.cache(), "resolved", _KEPT)


def _ask(plan: BuildPlan, recipe: Recipe, base: BaseContents, platform: Platform) -> _Answer:
    # Only where nothing is known yet.
    from keynet.direct.packages import prepared_uv
    from keynet.direct.packages.vcs_requirements import from_version_control
    from keynet.steps.checking.installable import package_refusal

    network = plan.host_network
    try:
        with prepared_uv.prepared(recipe.dependencies, network, base.python, platform) as uv:
            if from_version_control(uv.options.texts.values()):
                return _NOT_KNOWN
            overrides = uv.top / "overrides.txt"
            never = "".join(f"{name}; sys_platform == 'none'\n" for name in _SOURCE_ONLY)
            overrides.write_text(never, encoding="utf-8")
            done = _resolved(uv, base.packages, ("--override", str(overrides)))
            indexes = uv.options.indexes()
            silent = silent_index.of(done.refused, indexes)
            is_asked = done.refused and not silent
            answers = _answers(uv, done.refused, indexes) if is_asked else ""
    except (BuildFailed, EngineError):
        # No uv, something that only pip understands, or no answer in time.
        return _NOT_KNOWN
    if not done.refused:
        return _Answer(done.names)
    said = package_refusal.with_answers(done.refused, answers, indexes)
    if not base.is_sure or not package_refusal.is_proof(said):
        return _Answer(silent=silent)
    return _Answer(refusal=package_refusal.error(said, recipe.from_name, base.python, indexes))


def _resolved(uv: "Uv", base: BasePackages, overrides: tuple[str, str]) -> "_Resolution":
    """Ask uv which packages an image will have, those of the base included."""
    run = partial(
        replace(uv, environment={**uv.environment, **_IMPATIENT}).run,
        unchecked=True,
        timeout_s=_LIMIT_S,
    )
    if base.files:
        from keynet.direct.packages.base_satisfied import plan_on_base

        planned = plan_on_base(
            lambda *arguments: run(*arguments, *overrides), base, uv.sources, uv.top / "on-base"
        )
        added = package_names.resolved("\n".join(planned.added))
        return _Resolution(planned.kept | frozenset(added), planned.refused)
    compile_ = ("compile", "--quiet", "--no-header", "--no-annotate", "--no-emit-index-url")
    arguments = (*compile_, "--no-emit-find-links", *overrides, *uv.sources)
    done = run(*arguments)
    if done.status != 0:
        return _Resolution(refused=done.stderr or "?")
    # Where wheels are missing, uv takes an old version of what was named, with other dependencies
    # than the one that a build will find.
    newest = run(*arguments, "--no-deps")
    is_newest = newest.status == 0 and set(newest.stdout.split("\n")) <= set(
        done.stdout.split("\n")
    )
    return _Resolution(frozenset(package_names.resolved(done.stdout)) if is_newest else None)


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
