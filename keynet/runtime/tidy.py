"""Keep one tag a project as layer cache in an engine's store, and nothing else.

Without these names an engine's cache is a heap of dangling images, which its own ``prune``
takes away; with them the second push is fast and what was replaced goes. No list is read:
what a name stood for gets a name of this build's before it moves, so that builds of one
project at the same time take away what is theirs.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from keynet.runtime import names, shell
from keynet.runtime.engine import Built

__all__ = ["keep", "removing"]

# For several calls in turn, each of which may remove gigabytes.
_TIMEOUT_S: Final = 600.0


@contextmanager
def removing(engine: tuple[str, ...], built: Built) -> Iterator[None]:
    """Drop a build's own name beside the block; see ``Builder.removing``.

    Args:
        engine: Its argv up to the verb.
    """
    wanted = {**_stages(built.project, built.stages), f"{built.project}:latest": built.image_id}
    with _start(engine, wanted, built.project, [built.name]) as removal:
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
        with _start(engine, _stages(project, tops), project, []) as naming:
            naming.finish(_TIMEOUT_S)


def _stages(project: str, tops: Sequence[str]) -> dict[str, str]:
    return {names.stage_name(project, n): top for n, top in enumerate(tops, start=1)}


def _start(
    engine: tuple[str, ...], wanted: Mapping[str, str], project: str, gone: Sequence[str]
) -> shell.Running:
    """Move the names to these images; remove what they stood for before and what is ``gone``.

    The status of a call does not matter: a name that is new stood for nothing, and an image
    that another name or a container holds is refused, and then is no leftover.
    """
    old = [names.build_name(project) for _name in wanted]
    calls: list[tuple[str, ...]] = []
    for (name, image), before in zip(wanted.items(), old, strict=True):
        calls += [("tag", name, before), ("tag", image, name)]
    calls.append(("rmi", *old, *gone))
    return shell.start(shell.in_turn((*engine, *call) for call in calls))
