"""Keep a build's images in the engine's store as layer cache, one tag a project.

Without names the cache is a set of dangling images, which the engine's own ``prune`` removes. With
names the second push is fast, and replaced images can be removed. No image list is read for that:
before a name moves to a new image, its old image gets a temporary name, which is then removed.
Engines cannot do this in one command, so a lock lets one build at a time do it.
"""

import contextlib
import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.files import locks, owners, places
from keynet.frozen import frozen
from keynet.plan import BuildPlan, UserContainerfile
from keynet.process import shell
from keynet.runtime.engine import KeptImage
from keynet.runtime.probing.reasons import error_line
from keynet.text import _, fill

__all__ = [
    "PREFIX",
    "CachedImage",
    "build_name",
    "drop",
    "drop_stages",
    "first_stage",
    "forget",
    "keep_stages",
    "list_images",
    "owner_of",
    "project_name",
    "release",
    "trial_name",
]

# ``localhost`` stops engines from taking it for a name on Docker Hub.
PREFIX: Final = "localhost/keynet/"
_LONGEST: Final = 40
_TEMPORARY: Final = "build"
_TRIAL: Final = "trial"
_OWNED: Final = re.compile(rf"{PREFIX}[^:]+:(?:{_TEMPORARY}|{_TRIAL})-({owners.PATTERN})-[0-9a-f]+")
# For several commands in sequence, each of which may remove gigabytes.
_TIMEOUT_S: Final = 600.0
_FORGETTING_S: Final = 60.0
# How long to wait for another build's lock. Going on without it leaves at worst one image
# without a name.
_LOCK_TIMEOUT_S: Final = 30.0
# A Containerfile may lose this many stages from one build to the next, and the names of all are
# removed. To remove a name that does not exist costs no time.
_LATER_STAGES: Final = 8


@frozen
class CachedImage:
    """An image in an engine's store.

    ``name`` is this build's own temporary tag; ``project`` is the name of the layer cache, without
    a tag; ``stages`` are the ids of the last image of each stage but the final one. ``dropped`` are
    those of stages that must not be kept.
    """

    image_id: str
    name: str
    project: str
    stages: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def project_name(plan: BuildPlan) -> str:
    """Return the image name of the plan's project, without a tag.

    Made of the context folder's name and a hash of context, Containerfile and platforms.
    """
    path = plan.context.resolve()
    slug = re.sub("[^a-z0-9]+", "-", path.name.lower())[:_LONGEST].strip("-") or "project"
    platforms = ",".join(map(str, plan.platforms))
    key = f"{path}\0{_own_containerfile(plan)}\0{platforms}"
    return f"{PREFIX}{slug}-{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:10]}"


def build_name(project: str) -> str:
    """Return a name for one build of a project, unique among simultaneous builds."""
    return f"{project}:{_TEMPORARY}-{owners.token()}-{secrets.token_hex(4)}"


def trial_name() -> str:
    """Return a name for the image of one trial build."""
    return f"{PREFIX}probe:{_TRIAL}-{owners.token()}-{secrets.token_hex(4)}"


def owner_of(name: str) -> str | None:
    """Return the token of the process whose build needs this name; None for a layer cache."""
    found = _OWNED.fullmatch(name)
    return found[1] if found else None


def first_stage(project: str) -> str:
    """Return the name for the last image of a project's first stage."""
    return _stage_name(project, 1)


def release(engine: tuple[str, ...], built: CachedImage) -> None:
    """Move the project's names to a build's images, and remove the build's own name.

    Args:
        engine: The engine's argv up to the verb.
    """
    wanted = {**_stages(built.project, built.stages), f"{built.project}:latest": built.image_id}
    _move_names(
        engine,
        wanted,
        built.project,
        [*_later_stages(built.project, len(built.stages)), built.name, *built.dropped],
    )


def keep_stages(engine: tuple[str, ...], project: str, stage_images: Sequence[str]) -> None:
    """Keep the stages of a failed build under the project's names.

    Args:
        engine: The engine's argv up to the verb.
        stage_images: The last image of each stage, in order; their ids may be shortened.
    """
    if stage_images:
        _move_names(engine, _stages(project, stage_images), project, [])


def drop_stages(engine: tuple[str, ...], project: str, stage_images: Sequence[str]) -> None:
    """Remove the stages of a failed build, which hold a password, and those of earlier builds.

    Args:
        engine: The engine's argv up to the verb.
        stage_images: As for ``keep_stages``.
    """
    if stage_images:
        _move_names(engine, {}, project, [*_later_stages(project, 0), *stage_images])


def forget(engine: tuple[str, ...], name: str) -> None:
    """Remove the name of a build that did not come to its end, if there is an image of it.

    Args:
        engine: The engine's argv up to the verb.
    """
    with contextlib.suppress(EngineError):
        command = shell.Command((*engine, "rmi", name), tidying=True)
        shell.run(command, timeout_s=_FORGETTING_S)


def list_images(engine: tuple[str, ...], repository: str, store: str) -> list[KeptImage]:
    """Return the images that have names of keynet.

    Args:
        engine: The engine's argv up to the verb.
        repository: The field of an image's repository in the engine's templates.
        store: Identifies the store; see ``KeptImage``.

    Raises:
        EngineError: The engine cannot list its images.
    """
    template = f"{{{{.{repository}}}}}:{{{{.Tag}}}} {{{{.Size}}}}"
    finished = shell.run(shell.Command((*engine, "images", "--format", template)))
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not list its images: {said}"),
                engine=Path(engine[0]).name,
                said=error_line(finished.stderr),
            ),
            fill(_("Run this to see why: {engine} images"), engine=Path(engine[0]).name),
        )
    lines = (line.partition(" ") for line in finished.stdout.splitlines())
    return [
        KeptImage(name, size, store)
        for name, _space, size in lines
        # An image that was pulled by digest has no tag, so it cannot be removed by name.
        if name.startswith(PREFIX) and not name.endswith(":<none>")
    ]


def drop(engine: tuple[str, ...], images: Sequence[str]) -> None:
    """Remove images by name, with the layers that nothing else needs.

    Args:
        engine: The engine's argv up to the verb.
        images: Names with tags.

    Raises:
        EngineError: Some images could not be removed.
    """
    finished = shell.run(shell.Command((*engine, "rmi", *images)), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not remove its images: {said}"),
                engine=Path(engine[0]).name,
                said=error_line(finished.stderr),
            ),
            _("Remove the containers that use them and stop running builds, then try again."),
        )


def _own_containerfile(plan: BuildPlan) -> str:
    if not isinstance(plan.recipe, UserContainerfile):
        return ""
    path = plan.recipe.path
    # A pipe (``-f <(...)``) has a different real path each time.
    return str(path.resolve() if path.is_file() else path.absolute())


def _stage_name(project: str, number: int) -> str:
    """Return the name for the last image of a stage; stages are counted from 1."""
    return f"{project}:stage-{number}"


def _stages(project: str, stage_images: Sequence[str]) -> dict[str, str]:
    return {_stage_name(project, n): image for n, image in enumerate(stage_images, start=1)}


def _later_stages(project: str, last: int) -> list[str]:
    """Return names of stages after ``last``, which an earlier build may have left."""
    return [_stage_name(project, last + n) for n in range(1, _LATER_STAGES + 1)]


def _move_names(
    engine: tuple[str, ...], wanted: Mapping[str, str], project: str, gone: Sequence[str]
) -> None:
    """Move names to new images; remove their former images, and ``gone``.

    Exit statuses are ignored: ``tag`` fails for a name that is new, and ``rmi`` refuses an image
    that another name or a container still needs, which has to stay.
    """
    old = [build_name(project) for _name in wanted]
    calls: list[tuple[str, ...]] = []
    for (name, image), before in zip(wanted.items(), old, strict=True):
        calls += [("tag", name, before), ("tag", image, name)]
    calls.append(("rmi", *old, *gone))
    with _locked():
        shell.run(
            shell.in_turn(((*engine, *call) for call in calls), tidying=True),
            timeout_s=_TIMEOUT_S,
        )


def _locked() -> AbstractContextManager[None]:
    """Hold the lock for moving names among this user's keynet processes.

    Without the lock after ``_LOCK_TIMEOUT_S``, the block runs nevertheless.
    """
    return locks.in_turn(places.cache(), wait_s=_LOCK_TIMEOUT_S)
