"""Explain an image in a registry, an archive or a folder; each layer is read once."""

from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from typing import Final

from keynet.archive.layers import layer_blocks
from keynet.archive.location import Location
from keynet.events import Emit, LogLine, StepFinished, StepStarted
from keynet.explain.explanation import Explanation, explain
from keynet.explain.layer_listing import LayerListing, list_layer
from keynet.explain.listing_cache import keep_listing, kept_listing
from keynet.frozen import frozen
from keynet.oci.image import Image
from keynet.oci.inspect import describe
from keynet.oci.platform import Platform
from keynet.process.event_loop import EventLoop
from keynet.registry.config import RegistryConfig
from keynet.registry.copying.copy_ends import Remote, opened_source
from keynet.steps.explaining.shared_layers import Compared, shared_with
from keynet.text import _, fill, ngettext, size

__all__ = ["Asked", "explain_image"]

_STEP: Final = "explain"


@frozen
class Asked:
    """Which image to explain, and how to reach its registry if it is in one."""

    text: str
    place: Remote | Location
    config: RegistryConfig
    platform: Platform | None = None


def explain_image(asked: Asked, others: Sequence[Compared], emit: Emit) -> Explanation:
    """Explain an image; layers that are not known yet are streamed, never stored.

    Args:
        others: Images, or projects of a registry, to compare with.

    Raises:
        KeynetError: The image cannot be opened or read, or one named for comparison cannot.
    """
    with closing(EventLoop()) as loop:
        stack = AsyncExitStack()
        try:
            source, _name = loop.run(
                stack.enter_async_context(opened_source(asked.place, asked.config, asked.platform))
            )
            root = loop.run(source.root(asked.platform, everything=False))
            image = loop.run(source.image(root))
            inspected = describe(image, source.name)
            listings = _listings(image, loop, emit)
        finally:
            loop.run(stack.aclose())
        explanation = explain(source.name, str(root.descriptor.digest), inspected, listings)
        if not others:
            return explanation
        digests = {each.digest: each.size for each in explanation.layers}
        platform = Platform.parse(explanation.platform)
        shared = loop.run(shared_with(digests, explanation.digest, others, platform, emit))
    return replace(explanation, shared=tuple(shared))


def _listings(image: Image, loop: EventLoop, emit: Emit) -> list[LayerListing]:
    known = [kept_listing(layer.descriptor.digest) for layer in image.layers]
    unknown = [layer for layer, listing in zip(image.layers, known, strict=True) if listing is None]
    if unknown:
        whole = sum(layer.descriptor.size for layer in unknown)
        emit(
            StepStarted(
                _STEP,
                _("Reading layers"),
                fill(
                    ngettext("{count} layer, {size}", "{count} layers, {size}", len(unknown)),
                    count=len(unknown),
                    size=size(whole),
                ),
            )
        )
    found = []
    for number, (layer, kept) in enumerate(zip(image.layers, known, strict=True)):
        listing = kept
        if listing is None:
            digest = layer.descriptor.digest
            emit(
                LogLine(
                    fill(
                        _("layer {number}: {digest} ({size})"),
                        number=number + 1,
                        digest=digest.short,
                        size=size(layer.descriptor.size),
                    ),
                    _STEP,
                )
            )
            with closing(layer_blocks(layer, loop)) as blocks:
                listing = list_layer(blocks, fill(_("Layer {name}"), name=digest.short))
            keep_listing(digest, listing)
        found.append(listing)
    if unknown:
        emit(StepFinished(_STEP))
    return found
