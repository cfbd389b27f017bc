"""The software bill of materials of an image's packages, as CycloneDX JSON.

Source: CycloneDX 1.6; package-url specification, "pypi".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from keynet.direct.packages.package_lock import wheel_hashes

__all__ = ["cyclonedx"]


def cyclonedx(packages: Sequence[Mapping[str, Any]]) -> str:
    """Return the document: no time and no serial number, so equal packages give equal bytes.

    Args:
        packages: Of a lock, with one wheel each.
    """
    # Takes 0.2 s to import: only where packages were chosen anew.
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    hashes = wheel_hashes(packages)
    bom = Bom()
    for package in packages:
        name, version = str(package["name"]), str(package.get("version", "")) or None
        purl = PackageURL("pypi", name=name, version=version)
        digest = hashes.get(name)
        bom.components.add(
            Component(
                name=name,
                version=version,
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)] if digest else None,
            )
        )
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document.pop("serialNumber", None)
    # When it was made, and nothing else.
    document.pop("metadata", None)
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
