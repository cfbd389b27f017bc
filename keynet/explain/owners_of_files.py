"""Which package each file of an image belongs to."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from keynet.explain.layer_listing import LayerListing
from keynet.explain.layered_tree import Tree
from keynet.explain.package_records import Package
from keynet.frozen import frozen

__all__ = ["Owned", "own_files"]

# A distribution in a conda environment belongs to both; it is shown by Python's name.
_ORDER: Final = ("python", "conda", "debian")
_CACHE: Final = "/__pycache__/"


@frozen
class Owned:
    """A package that is seen in the image, with what is its own: ``size`` in bytes by layer."""

    package: Package
    sizes: Mapping[int, int]
    files: int

    @property
    def size(self) -> int:
        """Of all its files."""
        return sum(self.sizes.values())


def own_files(layers: Sequence[LayerListing], tree: Tree) -> tuple[list[Owned], dict[str, int]]:
    """Return the packages, and the number of its package (in the list) for each file with one."""
    seen = sorted(_seen(layers, tree), key=lambda each: _ORDER.index(each.kind))
    owner: dict[str, int] = {}
    for number, package in enumerate(seen):
        for path in (package.record, *package.files):
            found = _existing(path, tree)
            if found is not None:
                owner.setdefault(found, number)
    sizes: list[dict[int, int]] = [{} for _each in seen]
    counts = [0] * len(seen)
    for path, (layer, size) in tree.files.items():
        mine = owner.get(path)
        if mine is None and _CACHE in path:
            # Byte code in a layer of its own is in no record.
            mine = owner.get(_source_of(path))
            if mine is not None:
                owner[path] = mine
        if mine is not None:
            sizes[mine][layer] = sizes[mine].get(layer, 0) + size
            counts[mine] += 1
    owned = [Owned(*each) for each in zip(seen, sizes, counts, strict=True)]
    return owned, owner


def _seen(layers: Sequence[LayerListing], tree: Tree) -> Iterator[Package]:
    versions: dict[str, str] = {}
    for layer in layers:
        if layer.versions is not None:
            versions = dict(layer.versions)
    for number, layer in enumerate(layers):
        for package in layer.packages:
            if tree.files.get(package.record, (-1, 0))[0] != number:
                continue
            if package.kind == "debian":
                if package.name not in versions:
                    # Removed, and only its configuration is left.
                    continue
                version = versions[package.name]
                yield Package("debian", package.name, version, "", package.record, package.files)
            else:
                yield package


def _existing(path: str, tree: Tree) -> str | None:
    if path in tree.files:
        return path
    # Debian's packages name /lib and /bin, which are links to those below /usr.
    merged = f"usr/{path}"
    if path.startswith(("lib", "bin/", "sbin/")) and merged in tree.files:
        return merged
    return None


def _source_of(path: str) -> str:
    folder, _cache, name = path.partition(_CACHE)
    return posixpath.join(folder, f"{name.partition('.')[0]}.py")
