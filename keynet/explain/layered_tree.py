"""Put the layers of an image on top of each other: what is seen, and what is hidden below."""

from collections.abc import Sequence

from keynet.explain.layer_listing import LayerListing
from keynet.frozen import frozen

__all__ = ["Hidden", "Tree", "merge"]


@frozen
class Hidden:
    """A file that is in the image twice, or that a later layer deletes: nobody sees the first.

    ``layer`` has it, ``by`` hides it (numbers from 0, base first).
    """

    path: str
    size: int
    layer: int
    by: int


@frozen
class Tree:
    """The files that a container sees: layer and size by path; and those that are hidden."""

    files: dict[str, tuple[int, int]]
    hidden: tuple[Hidden, ...]


def merge(layers: Sequence[LayerListing]) -> Tree:
    """Return the tree of an image; layers are base first."""
    files: dict[str, tuple[int, int]] = {}
    hidden: list[Hidden] = []
    folders: set[str] = set()
    for number, layer in enumerate(layers):
        # A file in the place of a folder hides all that was below it.
        gone = layer.removed | (layer.files.keys() & folders)
        for path in _removed(files, gone, layer.emptied):
            found = files.pop(path)
            hidden.append(Hidden(path, found[1], found[0], number))
        for path, size in layer.files.items():
            below = files.get(path)
            if below is not None:
                hidden.append(Hidden(path, below[1], below[0], number))
            files[path] = (number, size)
            folders.update(_new_folders(path, folders))
    return Tree(files, tuple(hidden))


def _removed(
    files: dict[str, tuple[int, int]], gone: frozenset[str] | set[str], emptied: frozenset[str]
) -> list[str]:
    if not gone and not emptied:
        return []
    # One look at each file, however many there are to remove.
    return [
        path
        for path in files
        if path in gone or any(each in gone or each in emptied for each in _above(path))
    ]


def _above(path: str) -> list[str]:
    """Return the folders that a path is in, the root ("") as well."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts))]


def _new_folders(path: str, known: set[str]) -> list[str]:
    found = []
    folder = path.rpartition("/")[0]
    while folder and folder not in known:
        found.append(folder)
        folder = folder.rpartition("/")[0]
    return found
