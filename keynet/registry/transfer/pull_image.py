"""An image in a registry, as a value whose layers are read when they are needed.

Source: OCI distribution-spec, "Pull".
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from keynet.errors import NotFound, ValidationError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform, choose
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.manifests import Manifest
from keynet.registry.wire import ConfigWire, read_json
from keynet.text import _, fill

__all__ = ["RemoteLayer", "fetch_image", "fetch_manifest"]

_CONFIG_LIMIT: Final = 8 * 1024 * 1024
_MOST_NESTED: Final = 4


@dataclass(frozen=True)
class RemoteLayer:
    """A layer that is still in its registry; ``chunks`` needs the client to be open."""

    descriptor: Descriptor
    diff_id: Digest
    origin: Reference | None
    checks_digest: ClassVar[bool] = True
    client: RegistryClient = field(repr=False, compare=False)

    def chunks(self) -> AsyncIterator[bytes]:
        """Read the bytes as stored, from byte 0 at every call, verified at the end."""
        assert self.origin is not None
        return self.client.get_blob(self.origin.repository, self.descriptor)


async def fetch_manifest(
    client: RegistryClient, source: Reference, platform: Platform | None = None
) -> Manifest:
    """Read one image's manifest; of an index, the one for ``platform``.

    Args:
        platform: By default linux/amd64, or the only image of an index.

    Raises:
        NotFound: The registry has none of that name, or the index lacks the platform.
    """
    identifier: str | Digest = source.digest or source.identifier
    for _level in range(_MOST_NESTED):
        manifest = await client.get_manifest(source.repository, identifier)
        if manifest.manifests is None:
            return manifest
        identifier = _choose(manifest.manifests, platform, source).digest
    raise ValidationError(
        fill(_("{reference} is an index of indexes, nested too deeply."), reference=source),
        _("Do not use this image; it may have been made to deceive."),
    )


async def fetch_image(
    client: RegistryClient, source: Reference, platform: Platform | None = None
) -> Image:
    """Read manifest and config of one image; its layers are read later.

    Raises:
        NotFound: The registry has none of that name, or the index lacks the platform.
        ValidationError: Config and manifest do not belong together.
        DigestMismatch: The registry sent other bytes than it announced.
    """
    manifest = await fetch_manifest(client, source, platform)
    assert manifest.config is not None
    described = manifest.config
    if described.size > _CONFIG_LIMIT:
        raise ValidationError(
            fill(
                _("The config of {reference} has {size} bytes; at most {limit} are allowed."),
                reference=source,
                size=described.size,
                limit=_CONFIG_LIMIT,
            ),
            _("Do not use this image; it may have been made to exhaust the memory."),
        )
    config = b"".join([c async for c in client.get_blob(source.repository, described)])
    diff_ids = _diff_ids(config, manifest.layers, source)
    return Image(
        manifest.content,
        config,
        tuple(
            RemoteLayer(layer, diff_id, Reference(source.registry, source.repository), client)
            for layer, diff_id in zip(manifest.layers, diff_ids, strict=True)
        ),
    )


def _choose(
    entries: Sequence[Descriptor], platform: Platform | None, source: Reference
) -> Descriptor:
    # BuildKit's attestations stand in the index as images for unknown/unknown.
    images = [entry for entry in entries if not (entry.platform and entry.platform.is_unknown)]
    if platform is None and len(images) == 1:
        return images[0]
    wanted = platform or Platform("linux", "amd64")
    chosen = choose(images, wanted, lambda entry: entry.platform)
    if chosen is not None:
        return chosen
    there = ", ".join(str(entry.platform) for entry in images if entry.platform) or _("none")
    raise NotFound(
        fill(
            _("{reference} has no image for {platform}; it has: {there}."),
            reference=source,
            platform=wanted,
            there=there,
        ),
        _("Choose one of these with --platform."),
    )


def _diff_ids(config: bytes, layers: Sequence[Descriptor], source: Reference) -> list[Digest]:
    named = read_json(ConfigWire, config, _("an image's config")).rootfs.diff_ids
    if not named:
        # An artifact has no rootfs: its layers are not tars, their digests serve as diff_ids.
        return [layer.digest for layer in layers]
    if len(named) != len(layers):
        raise ValidationError(
            fill(
                _("{reference} has {layers} layers, but its config names {named}."),
                reference=source,
                layers=len(layers),
                named=len(named),
            ),
            _("The image is broken; push it again."),
        )
    return [Digest.parse(text) for text in named]
