"""One archive to several registries at once: a result for each, whatever becomes of the others."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from keynet.archive.contents import ArchivedImage
from keynet.archive.reader import Archive, choose, open_archive
from keynet.archive.recompress import Policy, compressed
from keynet.cli.registry_options import Access, Place
from keynet.errors import KeynetError, UsageError
from keynet.events import Emit, Event, LogLine, Notice, StepFinished, StepStarted
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.archives import push_archive, target_of
from keynet.text import _, fill

__all__ = ["PushResult", "push_everywhere"]


@dataclass(frozen=True, slots=True)
class PushResult:
    """What became of one target; ``digest`` or ``error`` is None."""

    target: str
    digest: str | None
    error: str | None
    hint: str
    exit_status: int
    seconds: float


async def push_everywhere(
    path: Path,
    places: Sequence[Place],
    access: Access,
    *,
    tag: str | None,
    platform: Platform | None,
    compress: Policy,
    emit: Emit,
) -> list[PushResult]:
    """Push to all places concurrently; layers are compressed once.

    Raises:
        InvalidArchive: Nothing was sent.
        UsageError: No place is given and the archive's tag names no registry.
    """
    async with AsyncExitStack() as stack:
        archive = await stack.enter_async_context(open_archive(path))
        one = choose(archive.images, archive.name, tag=tag, platform=platform)
        if len(archive.images) > 1 and tag is None and platform is None:
            emit(Notice(_("The archive has several images; this is the first."), "note"))
        named = list(places) or [_own_place(one, tag)]
        image = await stack.enter_async_context(compressed(one.image, compress))
        ready = replace(one, image=image)
        emit(StepStarted("push", _("Pushing"), ""))
        started = time.monotonic()
        results = await asyncio.gather(
            *(_push(archive, ready, tag, place, access, emit) for place in named)
        )
        done = sum(result.error is None for result in results)
        detail = fill(_("{done} of {all} registries"), done=done, all=len(results))
        seconds = time.monotonic() - started
        emit(StepFinished("push", detail if len(results) > 1 else "", seconds))
        return results


async def _push(
    archive: Archive,
    one: ArchivedImage,
    tag: str | None,
    place: Place,
    access: Access,
    emit: Emit,
) -> PushResult:
    started = time.monotonic()
    target = place.text
    try:
        config = access.to(place)
        image = replace(one, tags=(tag,)) if tag is not None else one
        identifier = place.identifier()
        reference = target_of(config.host, archive, image, place.repository(), identifier)
        target = str(reference)
        async with config.client() as client:
            digest = await push_archive(
                client, image, [reference], compress="none", emit=_apart(emit, target)
            )
    except KeynetError as error:
        seconds = time.monotonic() - started
        return PushResult(target, None, error.message, error.hint, error.exit_status, seconds)
    return PushResult(target, digest, None, "", 0, time.monotonic() - started)


def _own_place(one: ArchivedImage, tag: str | None) -> Place:
    name = tag or (one.tags[0] if one.tags else "")
    registry = Reference.parse(name).registry if name else ""
    if not name.startswith(f"{registry}/"):
        raise UsageError(
            _("The archive does not say which registry its image is for."),
            _("Give it: --to REGISTRY[/REPOSITORY[:TAG]]"),
        )
    return Place.parse(name, "ARCHIVE")


def _apart(emit: Emit, target: str) -> Emit:
    """Keep the same blob's progress to several registries apart."""

    def apart(event: Event) -> None:
        if isinstance(event, StepStarted | StepFinished | LogLine | Notice):
            emit(event)
        else:
            emit(replace(event, blob=f"{target} {event.blob}"))

    return apart
