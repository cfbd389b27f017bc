"""Find and remove what keynet keeps on this machine."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keynet.errors import EngineError, KeynetError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.runtime.engine import KeptImage, LayerStore
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.engines.podman_like import own_store
from keynet.runtime.probing import choosing
from keynet.text import _, fill

__all__ = ["Leftover", "StoredImages", "find", "find_images", "remove", "remove_images"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder created by keynet; ``what`` is for people, ``size`` is in bytes."""

    what: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class StoredImages:
    """The images that builds keep in one engine's store; never empty."""

    engine: str
    store: LayerStore
    images: tuple[KeptImage, ...]


def find() -> list[Leftover]:
    """Return the folders that exist; empty on a clean machine."""
    found = []
    cache = places.cache()
    if cache.exists():
        found.append(Leftover(_("remembered engines, staging folders"), cache, _usage(cache)))
    own = own_store.find()
    if own is not None:
        found.append(Leftover(_("keynet's own image store"), own.path, own.size))
    return found


def find_images(emit: Emit) -> list[StoredImages]:
    """Return the images in the stores of the engines that work here, each store once.

    An engine that cannot list its images is a warning. Call this before ``find``, because it may
    have to probe an engine, which writes to the cache.
    """
    found = []
    stores: set[str] = set()
    for builder in choosing.find_working(engines(), emit):
        if not isinstance(builder, LayerStore):
            continue
        try:
            images = builder.kept()
        except EngineError as error:
            emit(Notice(error.message))
            continue
        if new := tuple(image for image in images if image.store not in stores):
            found.append(StoredImages(builder.engine.name, builder, new))
        stores.update(image.store for image in images)
    return found


def remove_images(found: Sequence[StoredImages]) -> None:
    """Remove the images from all stores.

    Raises:
        EngineError: Some engines did not remove all of their images; the other engines did.
    """
    failed = []
    for each in found:
        try:
            each.store.drop([image.name for image in each.images])
        except EngineError as error:
            failed.append(error)
    if failed:
        raise EngineError("\n".join(error.message for error in failed), failed[0].hint)


def remove(leftover: Leftover) -> None:
    """Remove a folder and everything in it.

    Raises:
        KeynetError: Something in it cannot be removed.
    """
    own = own_store.find()
    try:
        if own is not None and leftover.path == own.path:
            own_store.remove()
        else:
            shutil.rmtree(leftover.path)
    except OSError as error:
        raise KeynetError(
            fill(
                _("{path} cannot be removed: {why}."),
                path=leftover.path,
                why=error.strerror or error,
            ),
            _("Stop the builds that still use it, then try again."),
        ) from error


def _usage(folder: Path) -> int:
    return sum(
        path.lstat().st_size for path in folder.rglob("*") if path.is_file() or path.is_symlink()
    )
