"""Which entries of an index are images, and the one for a platform.

Source: OCI image-spec, "Image Index"; BuildKit, "Image attestation storage".
"""

from collections.abc import Iterable, Sequence
from typing import Final

from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.platform import Platform, pick

__all__ = ["choose_entry", "images_of", "may_be_image"]

_REFERENCE_TYPE: Final = "vnd.docker.reference.type"


def may_be_image(entry: Descriptor) -> bool:
    """Report whether an entry of an index is an image or an index: no attestation, no artifact."""
    if entry.media_type not in (*MediaType.MANIFESTS, *MediaType.INDEXES):
        return False
    # The type of an artifact without one of its own is that of its config.
    if entry.artifact_type and entry.artifact_type not in MediaType.CONFIGS:
        return False
    if entry.annotations.get(_REFERENCE_TYPE):
        return False
    return entry.platform is None or not entry.platform.is_unknown


def images_of(entries: Iterable[Descriptor]) -> list[Descriptor]:
    """Return the entries that may be images, in their order."""
    return [entry for entry in entries if may_be_image(entry)]


def choose_entry(entries: Sequence[Descriptor], wanted: Platform | None) -> Descriptor | None:
    """Return the entry for a platform; see ``keynet.oci.platform.pick``.

    An entry that states no platform is chosen only where it is the one image.
    """
    return pick(images_of(entries), wanted, lambda entry: entry.platform)
