"""Find and remove the images that builds have left in an engine's store."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.build import layer_cache
from keynet.runtime.engine import KeptImage
from keynet.runtime.probing.reasons import error_line
from keynet.runtime.remains import Kind, Remnant, size_of
from keynet.text import _, fill

__all__ = ["ask", "drop_images", "images", "not_removed"]

_TIMEOUT_S: Final = 30.0


def images(engine: str, kept: Iterable[KeptImage]) -> list[Remnant]:
    """Return the images as remnants: those of one build, and layer caches, which have no owner."""
    return [
        Remnant(
            Kind.IMAGE,
            image.name,
            image.name,
            engine,
            image.store,
            layer_cache.owner_of(image.name),
            size=size_of(image.size),
        )
        for image in kept
    ]


def drop_images(
    engine: tuple[str, ...], remnants: Sequence[Remnant], find: Callable[[], list[Remnant]]
) -> None:
    """Remove those remnants that are images.

    Args:
        engine: The engine's argv up to the verb.
        find: Lists what is left.

    Raises:
        EngineError: Some remain.
    """
    names = [each.id for each in remnants if each.kind is Kind.IMAGE]
    if not names:
        return
    try:
        layer_cache.drop(engine, names)
    except EngineError:
        # A build that has ended in the meantime has removed its own one.
        if {each.id for each in find()} & set(names):
            raise


def ask(engine: tuple[str, ...], *arguments: str) -> str:
    """Return what an engine's command prints.

    Raises:
        EngineError: It fails.
    """
    finished = shell.run(shell.Command((*engine, *arguments)), timeout_s=_TIMEOUT_S)
    if finished.status != 0:
        raise EngineError(
            fill(
                _("{engine} could not list what keynet left in its store: {said}"),
                engine=Path(engine[0]).name,
                said=error_line(finished.stderr),
            ),
            _("Details: keynet doctor"),
        )
    return finished.stdout


def not_removed(engine: str, finished: shell.Finished) -> EngineError:
    """Return the error for containers that an engine did not remove."""
    return EngineError(
        fill(
            _("{engine} could not remove its containers: {said}"),
            engine=engine,
            said=error_line(finished.stderr or finished.stdout),
        ),
        _("Stop the programs that use them, then run keynet clean again."),
    )
