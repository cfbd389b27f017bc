"""What an image's manifest says about where it comes from.

Source: OCI image-spec, "Annotations", "Pre-Defined Annotation Keys".
"""

import json
from typing import Any, Final

from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan
from keynet.recipe.project_version import project_version
from keynet.recipe.version_control import find_checkout

__all__ = ["BASE_DIGEST", "BASE_NAME", "Origin", "origin_of"]

_PREFIX: Final = "org.opencontainers.image."
BASE_NAME: Final = f"{_PREFIX}base.name"
BASE_DIGEST: Final = f"{_PREFIX}base.digest"


@frozen
class Origin:
    """Where an image comes from, for all its platforms: annotations without their prefix."""

    base: Reference
    known: dict[str, str]

    def annotations(self, base: Image, config: bytes) -> dict[str, str]:
        """Return the annotations for one platform, sorted; what is not known is left out.

        Args:
            base: The base image for the platform.
            config: Of the new image; its time is the image's.
        """
        document: dict[str, Any] = json.loads(config)
        found = {
            **self.known,
            "created": document.get("created"),
            "base.name": self.base.name + (f":{self.base.tag}" if self.base.tag else ""),
            "base.digest": str(Digest.of(base.manifest)),
        }
        return {f"{_PREFIX}{name}": value for name, value in sorted(found.items()) if value}


def origin_of(plan: BuildPlan, base: Reference) -> Origin:
    """Return where an image comes from: its commit and repository, title and version."""
    checkout = find_checkout(plan.context)
    known = {
        "revision": checkout.commit,
        "source": checkout.origin,
        "title": plan.title,
        "version": project_version(plan.context),
    }
    return Origin(base, known)
