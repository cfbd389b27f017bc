"""Images: the exact bytes of manifest and config, and layers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.reference import Reference

__all__ = ["Image", "Layer"]


class Layer(Protocol):
    """A layer whose digest is known before it is sent.

    ``diff_id`` is the digest of the uncompressed tar; ``origin`` is a repository that it can be
    mounted from.
    """

    @property
    def descriptor(self) -> Descriptor: ...

    @property
    def diff_id(self) -> Digest: ...

    @property
    def origin(self) -> Reference | None: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes as stored, from byte 0 at every call."""
        ...


@dataclass(frozen=True)
class Image:
    """One image for one platform; ``layers`` are base first."""

    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]
