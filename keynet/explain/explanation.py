"""What an image is made of, as one value."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from keynet.explain.doubled import Doubled, doubled_libraries, doubled_packages
from keynet.explain.layer_listing import LayerListing
from keynet.explain.layered_tree import Hidden, merge
from keynet.explain.owners_of_files import own_files
from keynet.frozen import frozen
from keynet.oci.summary import ImageInspect

__all__ = ["CodeChange", "Explanation", "LayerShare", "PackageShare", "Part", "Shared", "explain"]

_MOST_HIDDEN: Final = 20
_REST_DEPTH: Final = 2


@frozen
class Part:
    """What a layer has of one package, or of one folder for files of no package."""

    kind: str
    name: str
    size: int


@frozen
class LayerShare:
    """A layer: ``size`` as it is sent, ``unpacked`` the files' sizes, ``hidden`` what nobody sees.

    ``parts`` are what is seen of it, the largest first.
    """

    digest: str
    size: int
    unpacked: int
    files: int
    hidden: int
    created_by: str
    parts: tuple[Part, ...]


@frozen
class PackageShare:
    """A package: ``size`` of its files in bytes, and the numbers of its layers, from 1."""

    kind: str
    name: str
    version: str
    place: str
    size: int
    files: int
    layers: tuple[int, ...]


@frozen
class CodeChange:
    """What a change of the code sends again: layers from ``first`` on (a number from 1)."""

    first: int
    layers: int
    size: int


@frozen
class Shared:
    """What another image has in common: layers and their bytes as they are sent."""

    image: str
    layers: int
    size: int
    others: int


@frozen
class Explanation:
    """An image explained; see docs/commands/explain.md for its JSON."""

    image: str
    digest: str
    platform: str
    size: int
    unpacked: int
    layers: tuple[LayerShare, ...]
    packages: tuple[PackageShare, ...]
    rest: tuple[Part, ...]
    doubled_packages: tuple[Doubled, ...]
    doubled_libraries: tuple[Doubled, ...]
    hidden: tuple[Hidden, ...]
    hidden_bytes: int
    code_change: CodeChange | None
    shared: tuple[Shared, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``keynet explain --json`` (docs/commands/explain.md)."""
        document = asdict(self)
        for key in ("doubled_packages", "doubled_libraries"):
            for written, found in zip(document[key], getattr(self, key), strict=True):
                written["extra"] = found.extra
        for written in document["hidden"]:
            written["layer"] += 1
            written["by"] += 1
        return document


def explain(
    image: str, digest: str, inspected: ImageInspect, listings: Sequence[LayerListing]
) -> Explanation:
    """Explain an image.

    Args:
        image: Its name.
        digest: Its manifest's.
        listings: One for each of its layers, base first.
    """
    tree = merge(listings)
    owned, owner = own_files(listings, tree)
    workdir = (inspected.config.working_dir or "").strip("/")
    parts: list[dict[tuple[str, str], int]] = [defaultdict(int) for _each in listings]
    rest: dict[str, int] = defaultdict(int)
    for path, (number, size) in tree.files.items():
        mine = owner.get(path)
        if mine is not None:
            package = owned[mine].package
            parts[number][package.kind, package.name] += size
        else:
            folder = _folder(path)
            parts[number]["files", folder] += size
            rest[folder] += size
    hidden = [0] * len(listings)
    for each in tree.hidden:
        hidden[each.layer] += each.size
    layers = tuple(
        LayerShare(
            digest=layer.digest,
            size=layer.size,
            unpacked=sum(listing.files.values()),
            files=len(listing.files),
            hidden=hidden[number],
            created_by=layer.created_by or "",
            parts=_largest(parts[number]),
        )
        for number, (layer, listing) in enumerate(zip(inspected.layers, listings, strict=True))
    )
    packages = [
        PackageShare(
            each.package.kind,
            each.package.name,
            each.package.version,
            f"/{each.package.place}",
            each.size,
            each.files,
            tuple(number + 1 for number in sorted(each.sizes)),
        )
        for each in owned
    ]
    return Explanation(
        image=image,
        digest=digest,
        platform=f"{inspected.os}/{inspected.architecture}",
        size=inspected.size,
        unpacked=sum(each.unpacked for each in layers),
        layers=layers,
        packages=tuple(sorted(packages, key=lambda each: (-each.size, each.kind, each.name))),
        rest=_largest({("files", name): size for name, size in rest.items()}),
        doubled_packages=tuple(doubled_packages(owned)),
        doubled_libraries=tuple(doubled_libraries(tree)),
        hidden=tuple(sorted(tree.hidden, key=lambda each: (-each.size, each.path))[:_MOST_HIDDEN]),
        hidden_bytes=sum(each.size for each in tree.hidden),
        code_change=_code_change(workdir, layers, listings),
    )


def _code_change(
    workdir: str, layers: Sequence[LayerShare], listings: Sequence[LayerListing]
) -> CodeChange | None:
    """Return what is sent again: the last layer with files in the working directory, and above.

    Layers of the base may have files there, too, and so does a Containerfile that copies the
    requirements first.
    """
    if not workdir:
        return None
    for number in reversed(range(len(listings))):
        if any(path.startswith(f"{workdir}/") for path in listings[number].files):
            again = layers[number:]
            return CodeChange(number + 1, len(again), sum(each.size for each in again))
    return None


def _folder(path: str) -> str:
    return "/" + "/".join(path.split("/")[:-1][:_REST_DEPTH])


def _largest(sizes: Mapping[tuple[str, str], int]) -> tuple[Part, ...]:
    found = [Part(kind, name, size) for (kind, name), size in sizes.items()]
    return tuple(sorted(found, key=lambda each: (-each.size, each.kind, each.name)))
