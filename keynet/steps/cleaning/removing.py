"""Remove what keynet has left: programs first, then what they use."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from keynet.errors import EngineError, Interrupted, KeynetError
from keynet.files import dead_folders, places
from keynet.files.dead_folders import PrivateFolder
from keynet.files.living_folders import remove_folder
from keynet.frozen import frozen
from keynet.process import orphans
from keynet.process.orphans import Orphan
from keynet.runtime.engines.podman_like import own_store, working_containers
from keynet.runtime.remains import Finder, Remnant
from keynet.steps.cleaning.leftover import InEngine, Kind, Leftover, OwnFolder, State
from keynet.text import _, fill

__all__ = ["Removed", "remove", "select"]


@frozen
class Removed:
    """What was removed, and the reasons why the rest was not.

    ``size`` is the sum of the sizes that are known: images share layers, and less may be free.
    """

    leftovers: tuple[Leftover, ...]
    failures: tuple[KeynetError, ...]

    @property
    def size(self) -> int:
        """Return the bytes of all of them."""
        return sum(each.size or 0 for each in self.leftovers)


def select(found: Iterable[Leftover], *, images: bool, everything: bool) -> list[Leftover]:
    """Return those to be removed; never what is in use.

    Args:
        images: Also the layer caches of builds: images, and keynet's own store.
        everything: Also these, and all caches.
    """
    kept: set[Kind] = set()
    if images or everything:
        kept |= {Kind.IMAGE, Kind.STORE}
    if everything:
        kept.add(Kind.CACHE)
    return [
        each
        for each in found
        if each.state is State.LEFT or (each.state is State.KEPT and each.kind in kept)
    ]


def remove(chosen: Sequence[Leftover]) -> Removed:
    """Remove all of them, and go on where one cannot be removed.

    Raises:
        Interrupted: A signal arrived; the rest is left for another time.
    """
    failures: list[tuple[list[Leftover], KeynetError]] = []
    programs = [each.source for each in chosen if isinstance(each.source, Orphan)]
    orphans.end(programs, working_containers.noted)
    for finder, those in _by_finder(chosen):
        try:
            finder.remove([_remnant(each) for each in those])
        except Interrupted:
            raise
        except KeynetError as error:
            failures.append((those, error))
    for each in chosen:
        try:
            _remove_folder(each)
        except OSError as error:
            failures.append(([each], _not_removed(each, error)))
    failed = [id(each) for those, _error in failures for each in those]
    return Removed(
        tuple(each for each in chosen if id(each) not in failed),
        tuple(error for _those, error in failures),
    )


def _by_finder(chosen: Sequence[Leftover]) -> Iterable[tuple[Finder, list[Leftover]]]:
    grouped: dict[int, tuple[Finder, list[Leftover]]] = {}
    for each in chosen:
        if isinstance(each.source, InEngine):
            finder = each.source.finder
            grouped.setdefault(id(finder), (finder, []))[1].append(each)
    return grouped.values()


def _remnant(leftover: Leftover) -> Remnant:
    assert isinstance(leftover.source, InEngine)
    return leftover.source.remnant


def _remove_folder(leftover: Leftover) -> None:
    match leftover.source:
        case PrivateFolder():
            dead_folders.remove(leftover.source)
        case OwnFolder(path) if leftover.kind is Kind.STORE:
            del path
            own_store.remove()
        case OwnFolder(path):
            _remove_cache(path)
        case _:
            return


def _remove_cache(cache: Path) -> None:
    """Remove a cache; a command that has just begun to use it creates it again."""
    assert cache == places.cache()
    with contextlib.suppress(FileNotFoundError):
        remove_folder(cache)


def _not_removed(leftover: Leftover, error: OSError) -> EngineError:
    return EngineError(
        fill(
            _("{path} cannot be removed: {why}."),
            path=leftover.name,
            why=error.strerror or error,
        ),
        _("Stop the builds that still use it, then try again."),
    )
