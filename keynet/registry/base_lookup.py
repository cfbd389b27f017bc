"""Look a base image up in its registry: its platforms, and what its config says.

A registry that counts pulls (Docker Hub) counts each GET of a manifest, and no HEAD. So the tag
is asked for by HEAD, and what has a digest is read once and kept.
"""

import json
from typing import Any, Final

from keynet.errors import NotFound, ValidationError
from keynet.frozen import frozen
from keynet.oci import base_config
from keynet.oci.base_config import Looked
from keynet.oci.descriptor import Digest
from keynet.oci.index_entries import images_of
from keynet.oci.platform import Platform, choose
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts
from keynet.registry.client import RegistryClient
from keynet.registry.kept_documents import KeptDocuments
from keynet.registry.manifests import Manifest
from keynet.text import _, fill

__all__ = ["look"]

_CONFIG_LIMIT: Final = 8 * 1024 * 1024


async def look(
    client: RegistryClient, base: Reference, wanted: Platform, kept: KeptDocuments
) -> Looked | None:
    """Return what a base image is for ``wanted``; None: the registry has none of that name.

    Args:
        kept: Manifests and configs that need not be asked for.

    Raises:
        RegistryError: The registry failed, refuses the account or is not reachable.
        ValidationError: Manifest or config contradict themselves.
    """
    source = _Source(client, base.repository, kept)
    top = base.digest
    if top is None:
        found = await client.head_manifest(base.repository, base.identifier)
        if found is None:
            return None
        top = found.digest
    try:
        manifest = await source.manifest(top)
    except NotFound:
        return None
    if manifest.manifests is None:
        return _single(await source.facts(manifest), wanted)
    images = images_of(manifest.manifests)
    platforms = tuple(dict.fromkeys(each.platform for each in images if each.platform))
    chosen = choose(images, wanted, lambda entry: entry.platform)
    if chosen is None:
        return Looked(platforms)
    facts = await source.facts(await source.manifest(chosen.digest))
    if facts is None:
        # An index of indexes, or a config that is too large: it has to be read whole.
        return Looked(())
    # The index may say one thing, the image another: the image is what would run.
    others = tuple(each for each in platforms if each != chosen.platform)
    fits = facts.platform.matches(wanted)
    return Looked(platforms, facts) if fits else Looked((*others, facts.platform))


def _single(facts: BaseFacts | None, wanted: Platform) -> Looked:
    if facts is None:
        return Looked(())
    return Looked((facts.platform,), facts if facts.platform.matches(wanted) else None)


@frozen
class _Source:
    """Manifests and configs of one repository, those that are kept or the registry's."""

    client: RegistryClient
    repository: str
    kept: KeptDocuments

    async def manifest(self, digest: Digest) -> Manifest:
        manifest = self.kept.manifest(digest)
        if manifest is None:
            manifest = await self.client.get_manifest(self.repository, digest)
            self.kept.keep_manifest(digest, manifest)
        return manifest

    async def facts(self, manifest: Manifest) -> BaseFacts | None:
        described = manifest.config
        if described is None or described.size > _CONFIG_LIMIT:
            return None
        content = self.kept.config(described)
        if content is None:
            chunks = self.client.get_blob(self.repository, described)
            content = b"".join([chunk async for chunk in chunks])
            self.kept.keep_config(described, content)
        return base_config.read(_object(content, self.repository), manifest.descriptor.digest)


def _object(content: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValidationError(
            fill(_("The config of {image} is not a JSON object."), image=name),
            _("The image is damaged or was written by a faulty tool; build it again."),
        )
    return value
