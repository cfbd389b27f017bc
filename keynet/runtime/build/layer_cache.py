"""Images that builds leave in an engine's store: one tag a project, as layer cache.

Without names an engine's cache is a heap of dangling images, which its own ``prune`` removes;
with them the second push is fast, and what was replaced goes. No list is read: what a name stood
for gets a name of this build's before it moves. Engines cannot do both at once, so one build does
it at a time.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.files import locks, places
from keynet.plan import BuildPlan, UserContainerfile
from keynet.process import shell
from keynet.runtime.engine import KeptImage
from keynet.runtime.probing.reasons import last_words
from keynet.text import _, fill

__all__ = ["PREFIX", "Cached", "build_name", "drop", "keep", "listed", "project_name", "release"]

# ``localhost`` keeps every engine from reading it as a name on Docker Hub.
PREFIX: Final = "localhost/keynet/"
_LONGEST: Final = 40
# For several calls in turn, each of which may remove gigabytes.
_TIMEOUT_S: Final = 600.0
# For another build that tidies up; without it, at worst an image without a name stays.
_PATIENCE_S: Final = 30.0
# As many stages may a recipe lose at once; a name that stands for nothing costs no time.
_FEWER_STAGES: Final = 8


@dataclass(frozen=True, slots=True)
class Cached:
    """An image in an engine's store.

    ``name`` is this build's own temporary tag, ``project`` the name under which the store keeps
    the layer cache, ``stages`` the last image of each earlier stage.
    """

    image_id: str
    name: str
    project: str
    stages: tuple[str, ...] = ()


def project_name(plan: BuildPlan) -> str:
    """Name the project of this plan: its folder's name, and a hash of where it lies."""
    path = plan.context.resolve()
    slug = re.sub("[^a-z0-9]+", "-", path.name.lower())[:_LONGEST].strip("-") or "project"
    platforms = ",".join(map(str, plan.platforms))
    key = f"{path}\0{_own_file(plan)}\0{platforms}"
    return f"{PREFIX}{slug}-{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:10]}"


def build_name(project: str) -> str:
    """Name one build of a project; two at the same time do not share it."""
    return f"{project}:build-{secrets.token_hex(6)}"


def release(engine: tuple[str, ...], built: Cached) -> None:
    """Drop a build's own name, and keep one tag a project.

    Args:
        engine: Its argv up to the verb.
    """
    wanted = {**_stages(built.project, built.stages), f"{built.project}:latest": built.image_id}
    _move(engine, wanted, built.project, [*_further(built.project, len(built.stages)), built.name])


def keep(engine: tuple[str, ...], project: str, tops: Sequence[str]) -> None:
    """Name the last image of each stage of a build that failed.

    Args:
        tops: Image ids, whole or shortened, in the order of the stages.
    """
    if tops:
        _move(engine, _stages(project, tops), project, [])


def listed(engine: tuple[str, ...], repository: str, store: str) -> list[KeptImage]:
    """List the images under keynet's names.

    Args:
        engine: Its argv up to the verb.
        repository: How its templates call an image's repository.
        store: What tells this store from others.

    Raises:
        EngineError: They cannot be listed.
    """
    template = f"{{{{.{repository}}}}}:{{{{.Tag}}}} {{{{.Size}}}}"
    finished = shell.run(shell.Command((*engine, "images", "--format", template)))
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not list its images: {said}"),
                engine=Path(engine[0]).name,
                said=last_words(finished.stderr),
            ),
            fill(_("See what it says to: {engine} images"), engine=Path(engine[0]).name),
        )
    lines = (line.partition(" ") for line in finished.stdout.splitlines())
    return [
        KeptImage(name, size, store)
        for name, _space, size in lines
        # An image that was pulled by digest has no tag to remove it by.
        if name.startswith(PREFIX) and not name.endswith(":<none>")
    ]


def drop(engine: tuple[str, ...], images: Sequence[str]) -> None:
    """Remove these names and what nothing else needs.

    Args:
        engine: Its argv up to the verb.
        images: Names, with tags.

    Raises:
        EngineError: Some are still there.
    """
    finished = shell.run(shell.Command((*engine, "rmi", *images)), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not remove its images: {said}"),
                engine=Path(engine[0]).name,
                said=last_words(finished.stderr),
            ),
            _("See which containers use them, and end the builds that still run."),
        )


def _own_file(plan: BuildPlan) -> str:
    if not isinstance(plan.recipe, UserContainerfile):
        return ""
    path = plan.recipe.path
    # A pipe (``-f <(...)``) has another real path each time.
    return str(path.resolve() if path.is_file() else path.absolute())


def _stage_name(project: str, number: int) -> str:
    """Name the last image of an earlier stage, counted from 1, which nothing else names."""
    return f"{project}:stage-{number}"


def _stages(project: str, tops: Sequence[str]) -> dict[str, str]:
    return {_stage_name(project, n): top for n, top in enumerate(tops, start=1)}


def _further(project: str, last: int) -> list[str]:
    """Name the stages of a build that failed, or that had more of them."""
    return [_stage_name(project, last + n) for n in range(1, _FEWER_STAGES + 1)]


def _move(
    engine: tuple[str, ...], wanted: Mapping[str, str], project: str, gone: Sequence[str]
) -> None:
    """Move the names to these images; remove what they stood for before and what is ``gone``.

    The status of a call does not matter: a name that is new stood for nothing, and an image
    that another name or a container holds is refused, and then is not a leftover.
    """
    old = [build_name(project) for _name in wanted]
    calls: list[tuple[str, ...]] = []
    for (name, image), before in zip(wanted.items(), old, strict=True):
        calls += [("tag", name, before), ("tag", image, name)]
    calls.append(("rmi", *old, *gone))
    with _alone():
        shell.run(
            shell.in_turn(((*engine, *call) for call in calls), tidying=True),
            timeout_s=_TIMEOUT_S,
        )


def _alone() -> AbstractContextManager[None]:
    """Let no other keynet of this user move names in the block; after a while, go on."""
    return locks.in_turn(places.cache(), wait_s=_PATIENCE_S)
