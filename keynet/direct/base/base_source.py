"""Read a base image from its registry: manifest and config, and its Python. No layer is kept."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from keynet.direct.base.base_listing import Listing, read_layer
from keynet.direct.base.listed_python import find_python
from keynet.direct.base.python_cache import keep_python, kept_python
from keynet.direct.base.target_python import TargetPython, from_config
from keynet.errors import ValidationError
from keynet.events import Emit, LogLine
from keynet.oci.descriptor import Digest
from keynet.oci.image import Image, Layer
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.process.event_loop import EventLoop
from keynet.registry.client import RegistryClient
from keynet.registry.kept_documents import KeptDocuments
from keynet.registry.transfer.pull_image import fetch_image, kept_image
from keynet.text import _, fill, size

__all__ = ["config_of", "find_target", "read_base"]


async def read_base(client: RegistryClient, base: Reference, platform: Platform) -> Image:
    """Return the base image for a platform; its layers stay in the registry.

    Raises:
        NotFound: The registry has no such image, or none for the platform.
        RegistryError: The registry cannot be asked.
        ValidationError: Its build triggers would have to be run.
    """
    image = kept_image(client, base, platform, KeptDocuments.here())
    if image is None:
        image = await fetch_image(client, base, platform)
    run = config_of(image).get("config")
    triggers = run.get("OnBuild") if isinstance(run, dict) else None
    if triggers:
        raise ValidationError(
            fill(_("The base image {base} has ONBUILD instructions."), base=base),
            _("Only an engine runs them: use --builder docker, podman or buildah."),
        )
    return image


def config_of(image: Image) -> dict[str, Any]:
    """Return an image's config as JSON values."""
    found = json.loads(image.config)
    return found if isinstance(found, dict) else {}


def find_target(image: Image, base: Reference, loop: EventLoop, emit: Emit) -> TargetPython:
    """Return the base's Python: by its config, else by a list of its files, read once.

    Raises:
        ValidationError: It has none, or one that is not understood.
        RegistryError: A layer cannot be read.
    """
    config = config_of(image)
    known = from_config(config)
    if known is not None:
        return known
    digest = Digest.of(image.config)
    kept = kept_python(digest)
    if kept is not None:
        return kept
    whole = sum(layer.descriptor.size for layer in image.layers)
    emit(
        LogLine(
            fill(
                _("Reading the list of files of {base} once ({size})"), base=base, size=size(whole)
            ),
            "base",
        )
    )
    listing = Listing()
    for layer in image.layers:
        read_layer(listing, _blocks(layer, loop), f"layer {layer.descriptor.digest.short}")
    found = find_python(listing, config, str(base))
    keep_python(digest, found)
    return found


def _blocks(layer: Layer, loop: EventLoop) -> Iterator[bytes]:
    """Yield a layer's bytes in this thread, as they come in the loop's."""
    chunks = layer.chunks()
    try:
        while (block := loop.run(_next(chunks))) is not None:
            yield block
    finally:
        loop.run(_close(chunks))


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


async def _close(chunks: AsyncIterator[bytes]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
