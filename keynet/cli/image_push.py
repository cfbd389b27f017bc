"""Push one archive to several registries at once, with a result for each."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from keynet.archive.contents import ArchivedImage
from keynet.archive.reader import Archive, choose, open_archive
from keynet.archive.recompress import Policy, compressed
from keynet.cli.registry_options import Access, Target
from keynet.errors import KeynetError, UsageError
from keynet.events import Emit, Event, LogLine, Notice, StepFinished, StepStarted
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.archives import push_archive, target_of
from keynet.text import _, fill

__all__ = ["PushResult", "push_to_all"]


@frozen
class PushResult:
    """The result for one target; either ``digest`` or ``error`` is None."""

    target: str
    digest: str | None
    error: str | None
    hint: str
    exit_status: int
    seconds: float


async def push_to_all(
    path: Path,
    targets: Sequence[Target],
    access: Access,
    *,
    tag: str | None,
    platform: Platform | None,
    compress: Policy,
    emit: Emit,
) -> list[PushResult]:
    """Push to all targets concurrently; layers are compressed once.

    Raises:
        InvalidArchive: Nothing was sent.
        UsageError: There is no target, and the archive's tag has no registry.
    """
    async with AsyncExitStack() as stack:
        archive = await stack.enter_async_context(open_archive(path))
        one = choose(archive.images, archive.name, tag=tag, platform=platform)
        if len(archive.images) > 1 and tag is None and platform is None:
            emit(Notice(_("The archive has several images; the first one is pushed."), "note"))
        chosen = list(targets) or [_target_in_archive(one, tag)]
        image = await stack.enter_async_context(compressed(one.image, compress))
        ready = replace(one, image=image)
        emit(StepStarted("push", _("Pushing"), ""))
        started = time.monotonic()
        results = await asyncio.gather(
            *(_push(archive, ready, tag, target, access, emit) for target in chosen)
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
    target: Target,
    access: Access,
    emit: Emit,
) -> PushResult:
    started = time.monotonic()
    name = target.text
    try:
        config = access.to(target)
        image = replace(one, tags=(tag,)) if tag in one.tags else one
        identifier = target.identifier()
        reference = target_of(config.host, archive, image, target.repository(), identifier)
        name = str(reference)
        async with config.client() as client:
            digest = await push_archive(
                client, image, [reference], compress="none", emit=_apart(emit, name)
            )
    except KeynetError as error:
        seconds = time.monotonic() - started
        return PushResult(name, None, error.message, error.hint, error.exit_status, seconds)
    return PushResult(name, digest, None, "", 0, time.monotonic() - started)


def _target_in_archive(one: ArchivedImage, tag: str | None) -> Target:
    name = tag or (one.tags[0] if one.tags else "")
    registry = Reference.parse(name).registry if name else ""
    if not name.startswith(f"{registry}/"):
        raise UsageError(
            _("No registry was given, and the archive's tag does not contain one."),
            _("Pass --to REGISTRY[/REPOSITORY[:TAG]]."),
        )
    return Target.parse(name, "ARCHIVE")


def _apart(emit: Emit, target: str) -> Emit:
    """Distinguish the progress of the same blob to several registries."""

    def apart(event: Event) -> None:
        if isinstance(event, StepStarted | StepFinished | LogLine | Notice):
            emit(event)
        else:
            emit(replace(event, blob=f"{target} {event.blob}"))

    return apart
