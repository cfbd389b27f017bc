"""Name an image in a file or folder: ``oci:DIR[:TAG]``, ``oci-archive:FILE[:TAG]`` and so on.

Source: containers-transports(5), as skopeo, podman and buildah have them.
"""

import os
from pathlib import Path
from typing import Final

from keynet.frozen import frozen

__all__ = ["FORMS", "KINDS", "Location", "parse_location"]

KINDS: Final = ("oci", "oci-archive", "docker-archive")
FORMS: Final = "oci:DIR, oci-archive:FILE, docker-archive:FILE"


@frozen
class Location:
    """A file or folder and the image in it.

    ``kind`` is one of ``KINDS``; ``name`` is the image's tag or reference there, None for the
    only one. ``text`` is what the user wrote.
    """

    kind: str
    path: Path
    name: str | None
    text: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder with an OCI layout."""
        return self.kind == "oci"


def parse_location(text: str) -> Location | None:
    """Split ``KIND:PATH[:NAME]``; None where it does not start with a kind and a path.

    The path ends at the first colon, unless a file of the whole name exists.
    """
    kind, _colon, rest = text.partition(":")
    if kind not in KINDS or rest[:1] in ("", ":"):
        return None
    path, colon, name = rest.partition(":")
    if colon and os.path.exists(rest):  # noqa: PTH110
        path, name = rest, ""
    return Location(kind, Path(path), name or None, text)
