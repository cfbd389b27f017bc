"""Keep one tag a project as layer cache in an engine's store, and nothing else.

Without these names an engine's cache is a heap of dangling images, which its own ``prune``
takes away; with them the second push is fast and what was replaced goes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from keynet.runtime import names, shell
from keynet.runtime.engine import Built

__all__ = ["Images"]

_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Images:
    """The images of one engine, as far as keynet names them.

    ``prefix`` is its argv up to the verb. ``named`` gives the names of a project that exist,
    with their whole ids. The status of a call does not matter: an image that another name or
    a container holds is refused, and then is no leftover.
    """

    prefix: tuple[str, ...]
    named: Callable[[str], Mapping[str, str]]

    @contextmanager
    def removing(self, built: Built) -> Iterator[None]:
        """Drop the build's own name beside the block; see ``Builder.removing``."""
        stale = self._name(built.project, [*built.stages, built.image_id], final=True)
        with self._start("rmi", *stale, built.name) as removal:
            try:
                yield
            finally:
                removal.finish(_TIMEOUT_S)

    def keep(self, project: str, tops: Sequence[str]) -> None:
        """Name the last image of each stage, and remove what those names stood for before.

        Args:
            tops: Image ids, whole or shortened, in the order of the stages.
        """
        stale = self._name(project, tops)
        if stale:
            self._run("rmi", *stale)

    def _name(self, project: str, tops: Sequence[str], *, final: bool = False) -> list[str]:
        """Move the names; give the ids of what they stood for before.

        Args:
            final: The last of ``tops`` is the finished image.
        """
        wanted = [names.stage_name(project, number) for number in range(1, len(tops) + 1)]
        if not wanted:
            return []
        if final:
            wanted[-1] = f"{project}:latest"
        before = self.named(project)
        stale: list[str] = []
        for name, image in zip(wanted, tops, strict=True):
            old = before.get(name, "")
            if old and old.startswith(image):
                continue
            self._run("tag", image, name)
            if old and old not in stale:
                stale.append(old)
        return stale

    def _run(self, *arguments: str) -> None:
        with self._start(*arguments) as running:
            running.finish(_TIMEOUT_S)

    def _start(self, *arguments: str) -> shell.Running:
        return shell.start(shell.Command((*self.prefix, *arguments)))
