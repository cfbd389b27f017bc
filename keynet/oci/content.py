"""Where whole images are read and written by digest: registries, layouts in folders and archives.

A copy knows these two protocols only, so that every source goes to every target.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Blob, Image
from keynet.oci.platform import Platform

__all__ = ["Content", "ContentSource", "ContentTarget", "Root"]


@frozen
class Root:
    """What is copied: an image or an index.

    ``chosen`` is the platform that was chosen from an index, and ``available`` what that has.
    ``made`` says that the manifest was made while it was read, as for archives of docker.
    """

    descriptor: Descriptor
    chosen: Platform | None = None
    available: tuple[Platform, ...] = ()
    made: bool = False


class Content(Protocol):
    """Manifests and blobs by digest, verified; open until the owner closes it."""

    async def document(self, descriptor: Descriptor) -> bytes:
        """Return the exact bytes of a manifest or index."""
        ...

    def blob(self, descriptor: Descriptor) -> Blob:
        """Return a blob, whose bytes are read when they are needed."""
        ...

    async def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """List the manifests that refer to ``subject``."""
        ...


class ContentSource(Content, Protocol):
    """Content, and which image of it was asked for."""

    @property
    def name(self) -> str:
        """The source as users write it."""
        ...

    async def root(self, platform: Platform | None, *, everything: bool) -> Root:
        """Find the image.

        Args:
            platform: Which of an index.
            everything: The index itself with all its images, if it is one.
        """
        ...

    async def image(self, root: Root) -> Image:
        """Return the image that was found, with layers that are read when they are needed."""
        ...


class ContentTarget(Protocol):
    """Where manifests and blobs are written; parts come before what names them."""

    @property
    def name(self) -> str:
        """The target as users write it."""
        ...

    async def holds(self, manifest: Descriptor, name: str | None) -> bool:
        """Report whether a manifest and its parts are there, under this name if one is given."""
        ...

    async def add_blob(self, blob: Blob) -> None:
        """Store a blob unless it is there already."""
        ...

    async def add_manifest(self, content: bytes, manifest: Descriptor) -> None:
        """Store these bytes by their digest."""
        ...

    async def add_root(self, content: bytes, manifest: Descriptor, name: str | None) -> None:
        """Store the manifest at the top and list it under a name, if one is given; comes last."""
        ...

    async def attached(self, subject: Digest) -> Collection[Digest]:
        """Return the digests of what refers to ``subject`` there."""
        ...

    async def attach(self, subject: Digest, content: bytes, media_type: str) -> None:
        """Store a manifest that names ``subject``, so that it is found as its referrer."""
        ...
