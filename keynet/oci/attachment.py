"""A document that belongs to an image, as an artifact that refers to it.

Source: OCI image-spec, "Guidelines for Artifact Usage".
"""

from dataclasses import field
from typing import Final

from keynet.frozen import frozen

__all__ = ["HYPERPARAMETERS", "LOCK", "SBOM", "Attachment"]

HYPERPARAMETERS: Final = "application/vnd.keynet.hyperparameters.v1+json"
LOCK: Final = "application/vnd.keynet.lock.v1+toml"
# The type that scanners look for, registered with IANA.
SBOM: Final = "application/vnd.cyclonedx+json"


@frozen
class Attachment:
    """One document: its type, and the name under which ``oras pull`` writes it."""

    artifact_type: str
    file_name: str
    content: bytes = field(repr=False)
