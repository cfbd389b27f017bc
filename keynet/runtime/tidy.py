"""Keep one tag a project as layer cache in an engine's store, and nothing else.

Without these names an engine's cache is a heap of dangling images, which its own ``prune``
takes away; with them the second push is fast and what was replaced goes.
"""

from collections.abc import Callable, Mapping, Sequence

from keynet.runtime import names

__all__ = ["keep"]


def keep(
    project: str,
    tops: Sequence[str],
    *,
    named: Mapping[str, str],
    run: Callable[..., object],
    final: bool,
) -> None:
    """Name the last image of each stage, and remove what those names stood for before.

    Args:
        tops: Image ids, whole or shortened, in the order of the stages.
        named: The names of this project that exist, with their whole ids.
        run: Runs the engine with these arguments; its status does not matter: an image that
            another name or a container holds is refused, and then is no leftover.
        final: The last of ``tops`` is the finished image.
    """
    wanted = [names.stage_name(project, number) for number in range(1, len(tops) + 1)]
    if final and wanted:
        wanted[-1] = f"{project}:latest"
    for name, image in zip(wanted, tops, strict=True):
        old = named.get(name, "")
        if old and old.startswith(image):
            continue
        run("tag", image, name)
        if old:
            run("rmi", old)
