"""Copy an image or an index, with every byte and digest as it is.

Parts go first, then what names them; the name in the target is written last. So a copy that
breaks leaves the target's names as they were.

Source: OCI image-spec, "Image Index"; distribution-spec, "Push", "Listing Referrers".
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Final

from keynet.errors import ValidationError
from keynet.events import BlobSkipped, Emit, Notice, ignore
from keynet.frozen import frozen
from keynet.oci.content import ContentSource, ContentTarget
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.kinds import is_foreign_layer
from keynet.registry import manifests
from keynet.registry.concurrent_work import run_together
from keynet.registry.manifests import Manifest
from keynet.text import _, fill

__all__ = ["Tree", "copy_tree"]

_CONCURRENCY: Final = 4
_DEEPEST: Final = 4
_MOST_MANIFESTS: Final = 10_000
_MANIFESTS: Final = (*MediaType.MANIFESTS, *MediaType.INDEXES)


@frozen
class Tree:
    """What was copied: the manifest at the top, and how many manifests and referrers."""

    root: Manifest
    manifests: int
    referrers: int


async def copy_tree(
    source: ContentSource,
    target: ContentTarget,
    root: Descriptor,
    *,
    name: str | None,
    referrers: bool = False,
    emit: Emit = ignore,
    concurrency: int = _CONCURRENCY,
) -> Tree:
    """Copy ``root`` with everything that it names; what the target has is not read.

    Args:
        root: An image or an index, as the source describes it.
        name: Under which the target lists it; None stores it by digest only.
        referrers: Copy what refers to each copied manifest too, and what refers to that.
        concurrency: Blobs on their way at the same time.

    Raises:
        DigestMismatch: The source has other bytes than it announces.
        ValidationError: A manifest contradicts itself, or indexes are nested too deeply.
        KeynetError: Source or target fail; the target's names are unchanged.
    """
    copying = _Copying(source, target, emit, asyncio.Semaphore(concurrency), referrers=referrers)
    return await copying.run(root, name)


class _Copying:
    def __init__(
        self,
        source: ContentSource,
        target: ContentTarget,
        emit: Emit,
        gate: asyncio.Semaphore,
        *,
        referrers: bool,
    ) -> None:
        self._source, self._target = source, target
        self._emit = emit
        self._with_referrers = referrers
        self._gate = gate
        self._blobs: dict[Digest, asyncio.Future[None]] = {}
        self._manifests: dict[Digest, asyncio.Future[None]] = {}
        self._attached: set[Digest] = set()

    async def run(self, root: Descriptor, name: str | None) -> Tree:
        top = await self._read(root)
        named = name is not None and await self._target.holds(top.descriptor, name)
        if named:
            self._skip(top)
        elif not await self._is_complete(top):
            await self._parts(top, 0)
        if self._with_referrers:
            if not named:
                # The subject first, its name last: who finds the name finds the referrers.
                await self._target.add_manifest(top.content, top.descriptor)
            await self._referrers_of(top, 0)
        if not named:
            await self._target.add_root(top.content, top.descriptor, name)
        return Tree(top, 1 + len(self._manifests), len(self._attached))

    async def _read(self, descriptor: Descriptor) -> Manifest:
        async with self._gate:
            content = await self._source.document(descriptor)
        return manifests.read(content, descriptor.media_type, descriptor.digest)

    async def _is_complete(self, manifest: Manifest) -> bool:
        """Report whether the target has an image; one that lists others is looked into."""
        if manifest.manifests is not None:
            return False
        async with self._gate:
            held = await self._target.holds(manifest.descriptor, None)
        if held:
            self._skip(manifest)
        return held

    async def _parts(self, manifest: Manifest, depth: int) -> None:
        if manifest.manifests is None:
            if any(is_foreign_layer(layer) for layer in manifest.layers):
                text = _("{source} has layers that only their owner may distribute: not copied.")
                self._emit(Notice(fill(text, source=self._source.name)))
            await run_together(self._blob(part) for part in _blobs(manifest))
            return
        if depth == _DEEPEST:
            raise ValidationError(
                fill(
                    _("{source} is an index of indexes, nested too deeply."),
                    source=self._source.name,
                ),
                _("Do not use this image; it may have been made to deceive."),
            )
        await run_together(self._member(entry, depth + 1) for entry in _unique(manifest.manifests))

    async def _member(self, entry: Descriptor, depth: int) -> None:
        """Copy what an index lists; a cache of BuildKit lists blobs."""
        if entry.media_type not in _MANIFESTS:
            await self._blob(entry)
            return
        if len(self._manifests) >= _MOST_MANIFESTS:
            raise ValidationError(
                fill(
                    _("{source} lists more than {most} manifests."),
                    source=self._source.name,
                    most=_MOST_MANIFESTS,
                ),
                _("Do not use this image; it may have been made to exhaust the memory."),
            )
        await _once(self._manifests, entry.digest, lambda: self._manifest(entry, depth))

    async def _manifest(self, entry: Descriptor, depth: int) -> None:
        manifest = await self._read(entry)
        if not await self._is_complete(manifest):
            await self._parts(manifest, depth)
            async with self._gate:
                await self._target.add_manifest(manifest.content, manifest.descriptor)

    async def _blob(self, part: Descriptor) -> None:
        await _once(self._blobs, part.digest, lambda: self._send(part))

    async def _send(self, part: Descriptor) -> None:
        async with self._gate:
            await self._target.add_blob(self._source.blob(part))

    def _skip(self, manifest: Manifest) -> None:
        for part in _blobs(manifest):
            self._emit(BlobSkipped(str(part.digest), part.size))

    async def _referrers_of(self, top: Manifest, depth: int) -> None:
        await self._attach_to(top.descriptor.digest, 0)
        for entry in _unique(top.manifests or ()):
            if entry.media_type not in _MANIFESTS or depth == _DEEPEST:
                continue
            if entry.media_type in MediaType.INDEXES:
                await self._referrers_of(await self._read(entry), depth + 1)
            else:
                await self._attach_to(entry.digest, 0)

    async def _attach_to(self, subject: Digest, depth: int) -> None:
        if depth > _DEEPEST:
            self._emit(
                Notice(
                    fill(
                        _("Referrers of {digest} are not copied: they are nested too deeply."),
                        digest=subject,
                    )
                )
            )
            return
        found = [
            entry
            for entry in await self._source.referrers(subject)
            if entry.digest not in self._attached
        ]
        if not found:
            return
        there = await self._target.attached(subject)
        for entry in found:
            self._attached.add(entry.digest)
            manifest = await self._read(entry)
            if manifest.subject is None or manifest.subject.digest != subject:
                self._attached.discard(entry.digest)
                continue
            if entry.digest in there:
                self._skip(manifest)
            else:
                await self._parts(manifest, 0)
                media_type = manifest.descriptor.media_type
                await self._target.attach(subject, manifest.content, media_type)
            await self._attach_to(entry.digest, depth + 1)


def _blobs(manifest: Manifest) -> list[Descriptor]:
    """Return config and layers, each once, without those that may not be distributed."""
    parts = [*manifest.layers, *([manifest.config] if manifest.config is not None else [])]
    return [part for part in _unique(parts) if not is_foreign_layer(part)]


def _unique(entries: Iterable[Descriptor]) -> list[Descriptor]:
    return list({entry.digest: entry for entry in entries}.values())


async def _once(
    running: dict[Digest, asyncio.Future[None]],
    digest: Digest,
    work: Callable[[], Coroutine[object, object, None]],
) -> None:
    """Do it once for a digest; who comes later waits for the same result."""
    if digest not in running:
        running[digest] = asyncio.ensure_future(work())
    await running[digest]
