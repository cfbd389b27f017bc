"""Reading back the hyperparameters of a pushed image (SPEC 6)."""

import os
from typing import Any

from keynet import credentials, settings
from keynet.errors import NotAuthorised
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.steps import metadata

__all__ = ["read_image"]


def read_image(reference: str) -> dict[str, Any]:
    """Read what ``keynet push`` attached to this image.

    Returns:
        ``{"script", "parser_type", "arguments", "keynet_version"}``.

    Raises:
        ValidationError: No valid reference, or nothing of keynet's is attached.
        RegistryError: The registry failed or refuses.
    """
    return metadata.read(Reference.parse(reference), _own_access())


def _own_access() -> RegistryAccess | None:
    """Give keynet's own registry account; without a login an image may still be public."""
    merged = settings.merge({}, os.environ, {}, credentials.load())
    try:
        return merged.registry_access()
    except NotAuthorised:
        return None
