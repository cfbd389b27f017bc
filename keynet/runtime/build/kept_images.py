"""Images that builds left in an engine's store as layer cache: listed and removed by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.build import image_names
from keynet.runtime.engine import Kept
from keynet.runtime.probing.reasons import last_words
from keynet.text import _, fill

__all__ = ["drop", "listed"]

# For the removal of many gigabytes.
_TIMEOUT_S: Final = 600.0


def listed(engine: tuple[str, ...], repository: str, store: str) -> list[Kept]:
    """List the images under keynet's names; see ``Builder.kept``.

    Args:
        engine: Its argv up to the verb.
        repository: How its templates call an image's repository.
        store: What tells this store from others.
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
        Kept(name, size, store)
        for name, _space, size in lines
        # An image that was pulled by digest has no tag to remove it by.
        if name.startswith(image_names.PREFIX) and not name.endswith(":<none>")
    ]


def drop(engine: tuple[str, ...], images: Sequence[str]) -> None:
    """Remove these names and what nothing else needs; see ``Builder.drop``.

    Args:
        engine: Its argv up to the verb.
        images: Names, with tags.
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
