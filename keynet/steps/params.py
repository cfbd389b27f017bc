"""Read back the hyperparameters of a pushed image."""

import os
from collections.abc import Sequence
from typing import Any

from keynet import credentials, settings
from keynet.errors import NotAuthorised
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.steps import metadata

__all__ = ["read_image"]


def read_image(reference: str, token_hosts: Sequence[str] = ()) -> dict[str, Any]:
    """Return the hyperparameters that ``keynet push`` has attached to this image.

    Args:
        token_hosts: Further hosts that may get the credentials, for tokens.

    Returns:
        ``{"script", "parser_type", "arguments", "keynet_version"}``; see
        docs/reference/metadata.md.

    Raises:
        ValidationError: The reference is not valid, or the attached artifact is not keynet's.
        RegistryError: The registry failed or refused, or nothing is attached.
    """
    merged = settings.merge({"token_hosts": tuple(token_hosts)}, os.environ, {}, credentials.load())
    return metadata.read(Reference.parse(reference), _own_access(merged), merged.token_hosts)


def _own_access(merged: settings.Settings) -> RegistryAccess | None:
    """Return keynet's own registry account, or None without a login.

    No login is needed for an image that is public.
    """
    try:
        return merged.registry_access()
    except NotAuthorised:
        return None
