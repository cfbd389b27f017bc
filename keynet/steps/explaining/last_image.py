"""Remember the image that was pushed or built last, for ``keynet explain`` without a name."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keynet.errors import KeynetError, UsageError
from keynet.files import atomic, places
from keynet.files.disk_cache import DAMAGED
from keynet.text import _, fill

__all__ = ["last_image", "recent_images", "remember_image", "remember_in_store"]

_NAME: Final = "last-image.json"
_LARGEST: Final = 65_536
_MOST_RECENT: Final = 10


def remember_image(name: str) -> None:
    """Remember an image that ``keynet explain`` can read; a folder without room is not an error.

    Args:
        name: In a registry, with its digest; or ``KIND:PATH`` of a file or folder.
    """
    kind, colon, path = name.partition(":")
    if colon and kind in ("oci", "oci-archive", "docker-archive"):
        # From another folder, too.
        name = f"{kind}:{places.real(Path(path))}"
        recent = recent_images()
    else:
        recent = [name, *(each for each in recent_images() if each != name)][:_MOST_RECENT]
    _write({"image": name, "recent": recent})


def remember_in_store(name: str, engine: str) -> None:
    """Remember an image that only an engine's store has."""
    _write({"stored": name, "engine": engine, "recent": recent_images()})


def last_image() -> str:
    """Return the image as ``keynet explain`` takes it.

    Raises:
        UsageError: Nothing was pushed or built here, or the image is in an engine's store.
    """
    hint = _("Name one: keynet explain HOST/REPOSITORY:TAG, an archive or a folder.")
    record = _read()
    image, stored, engine = (record.get(key) for key in ("image", "stored", "engine"))
    if image is None and stored is None:
        raise UsageError(_("There is no last image: nothing was pushed or built here."), hint)
    if isinstance(image, str):
        return image
    raise UsageError(
        fill(
            _("The last image, {name}, is in the store of {engine}."),
            name=stored,
            engine=engine,
        ),
        _(
            "Build it into a file (keynet build SCRIPT --output oci-archive:FILE), or let the "
            "engine save it into: keynet explain -"
        ),
    )


def recent_images() -> list[str]:
    """Return the images that were pushed last, the newest first, with their digests."""
    recent = _read().get("recent")
    return [each for each in recent if isinstance(each, str)] if isinstance(recent, list) else []


def _read() -> dict[str, Any]:
    try:
        with (places.data() / _NAME).open("rb") as file:
            record = json.loads(file.read(_LARGEST))
    except DAMAGED:
        return {}
    return record if isinstance(record, dict) else {}


def _write(record: Mapping[str, object]) -> None:
    with contextlib.suppress(OSError, KeynetError):
        folder = places.data()
        places.make_private(folder)
        atomic.write(folder / _NAME, json.dumps(record))
