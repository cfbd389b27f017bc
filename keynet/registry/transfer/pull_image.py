"""An image from a registry, as a value whose layers are read when they are wanted.

Source: OCI distribution-spec, "Pull"; SPEC 7.
"""

from collections.abc import AsyncIterator
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
    """A layer that still lies in its registry; ``chunks`` needs the client to be open."""

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
        platform: linux/amd64 where it is None and the index has more than one image.

    Raises:
        NotFound: There is none of that name, or the index lacks the platform.
    """
    identifier: str | Digest = source.digest or source.identifier
    for _level in range(_MOST_NESTED):
        manifest = await client.get_manifest(source.repository, identifier)
        if manifest.wire.manifests is None:
            return manifest
        entries = [entry.value() for entry in manifest.wire.manifests]
        identifier = _choose(entries, platform, source).digest
    raise ValidationError(
        fill(_("{reference} is an index of indexes, nested too deeply."), reference=source),
        _("Do not use this image; it may be made to deceive."),
    )


async def fetch_image(
    client: RegistryClient, source: Reference, platform: Platform | None = None
) -> Image:
    """Read manifest and config of one image; its layers are read later.

    Raises:
        NotFound: There is none of that name, or the index lacks the platform.
        ValidationError: Config and manifest do not belong together.
        DigestMismatch: The registry gave other bytes than it announced.
    """
    manifest = await fetch_manifest(client, source, platform)
    assert manifest.wire.config is not None
    assert manifest.wire.layers is not None
    described = manifest.wire.config.value()
    if described.size > _CONFIG_LIMIT:
        raise ValidationError(
            fill(
                _("The config of {reference} has {size} bytes; {limit} is the most."),
                reference=source,
                size=described.size,
                limit=_CONFIG_LIMIT,
            ),
            _("Do not use this image; it may be made to fill the memory."),
        )
    config = b"".join([c async for c in client.get_blob(source.repository, described)])
    layers = [entry.value() for entry in manifest.wire.layers]
    diff_ids = _diff_ids(config, layers, source)
    return Image(
        manifest.content,
        config,
        tuple(
            RemoteLayer(layer, diff_id, Reference(source.registry, source.repository), client)
            for layer, diff_id in zip(layers, diff_ids, strict=True)
        ),
    )


def _choose(entries: list[Descriptor], platform: Platform | None, source: Reference) -> Descriptor:
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


def _diff_ids(config: bytes, layers: list[Descriptor], source: Reference) -> list[Digest]:
    told = read_json(ConfigWire, config, _("an image's config")).rootfs.diff_ids
    if not told:
        # An artifact has no rootfs; its layers are no tars and name themselves.
        return [layer.digest for layer in layers]
    if len(told) != len(layers):
        raise ValidationError(
            fill(
                _("{reference} has {layers} layers, its config names {told}."),
                reference=source,
                layers=len(layers),
                told=len(told),
            ),
            _("The image is broken; push it again."),
        )
    return [Digest.parse(text) for text in told]
