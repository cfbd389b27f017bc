"""Keep one tag a project as layer cache in an engine's store, and nothing else.

Without these names an engine's cache is a heap of dangling images, which its own ``prune``
takes away; with them the second push is fast and what was replaced goes. No list is read:
what a name stood for gets a name of this build's before it moves. Engines cannot do both
at once, so one build does it at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from keynet.files import locks, places
from keynet.process import shell
from keynet.runtime.build import image_names
from keynet.runtime.engine import Built

__all__ = ["keep", "removing"]

# For several calls in turn, each of which may remove gigabytes.
_TIMEOUT_S: Final = 600.0
# For another build that tidies up; without it, at worst an image without a name stays.
_PATIENCE_S: Final = 30.0
# As many stages may a recipe lose at once; a name that stands for nothing costs no time.
_FEWER_STAGES: Final = 8


@contextmanager
def removing(engine: tuple[str, ...], built: Built) -> Iterator[None]:
    """Drop a build's own name beside the block; see ``Builder.removing``.

    Args:
        engine: Its argv up to the verb.
    """
    wanted = {**_stages(built.project, built.stages), f"{built.project}:latest": built.image_id}
    gone = [*_stages_after(built.project, len(built.stages)), built.name]
    with _alone(), _start(engine, wanted, built.project, gone) as removal:
        try:
            yield
        finally:
            removal.finish(_TIMEOUT_S)


def keep(engine: tuple[str, ...], project: str, tops: Sequence[str]) -> None:
    """Name the last image of each stage of a build that failed.

    Args:
        tops: Image ids, whole or shortened, in the order of the stages.
    """
    if tops:
        with _alone(), _start(engine, _stages(project, tops), project, []) as naming:
            naming.finish(_TIMEOUT_S)


def _alone() -> AbstractContextManager[None]:
    """Let no other keynet of this user move names in the block; after a while, go on."""
    return locks.in_turn(places.cache(), wait_s=_PATIENCE_S)


def _stages(project: str, tops: Sequence[str]) -> dict[str, str]:
    return {image_names.stage_name(project, n): top for n, top in enumerate(tops, start=1)}


def _stages_after(project: str, last: int) -> list[str]:
    """Name the stages of a build that failed, or that had more of them."""
    return [image_names.stage_name(project, last + n) for n in range(1, _FEWER_STAGES + 1)]


def _start(
    engine: tuple[str, ...], wanted: Mapping[str, str], project: str, gone: Sequence[str]
) -> shell.Running:
    """Move the names to these images; remove what they stood for before and what is ``gone``.

    The status of a call does not matter: a name that is new stood for nothing, and an image
    that another name or a container holds is refused, and then is no leftover.
    """
    old = [image_names.build_name(project) for _name in wanted]
    calls: list[tuple[str, ...]] = []
    for (name, image), before in zip(wanted.items(), old, strict=True):
        calls += [("tag", name, before), ("tag", image, name)]
    calls.append(("rmi", *old, *gone))
    return shell.start(shell.in_turn(((*engine, *call) for call in calls), tidying=True))
