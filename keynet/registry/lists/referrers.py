"""What refers to a manifest: the referrers API, or the fallback tag without it.

Source: OCI distribution-spec 1.1, "Listing Referrers", "Referrers Tag Schema".
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydantic import ValidationError as Malformed

from keynet.errors import (
    DigestMismatch,
    NotFound,
    RegistryDenied,
    RegistryError,
    RegistryUnreachable,
    ValidationError,
)
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.registry import manifests
from keynet.registry.address import with_query
from keynet.registry.concurrent_work import run_together
from keynet.registry.http.exchange import Call
from keynet.registry.http.session import Operation, Session
from keynet.registry.wire import ManifestWire
from keynet.text import _, fill

__all__ = ["attach", "fallback_tag", "find", "has_api"]

# Two concurrent writers may overwrite each other; each checks that its entry is still there.
_WRITES: Final = 5
_UNKNOWN_NAMES: Final = frozenset({"NAME_UNKNOWN", "MANIFEST_UNKNOWN"})
_PAGE_LIMIT: Final = 8 * 1024 * 1024


def fallback_tag(subject: Digest) -> str:
    """Return the tag that has the list in registries without the API."""
    return f"{subject.algorithm}-{subject.hex}"


async def find(
    session: Session, repository: str, subject: Digest, artifact_type: str | None = None
) -> list[Descriptor]:
    """List what refers to ``subject``, each digest once.

    Args:
        artifact_type: Only those of this type.

    Raises:
        RegistryError: The API is refused for a reason that says nothing about what is attached,
            and the fallback tag has nothing either.
    """
    refused: RegistryError | None = None
    found: list[Descriptor] | None = None
    try:
        found = await _from_api(session, repository, subject, artifact_type)
    except RegistryError as error:
        if not isinstance(error, RegistryDenied) and (error.status or 0) < 500:
            raise
        refused = error
    if found is None:
        found = await _from_tag(session, repository, subject)
    if refused is not None and not found:
        raise refused
    unique = {entry.digest: entry for entry in reversed(found)}
    return [
        entry
        for entry in reversed(unique.values())
        if artifact_type is None or entry.artifact_type == artifact_type
    ]


async def attach(
    session: Session, repository: str, subject: Digest, contents: Sequence[bytes], media_type: str
) -> list[Descriptor]:
    """Store manifests that name ``subject``, and make sure that they will be found.

    Args:
        contents: The manifests, sent at the same time; their ``subject`` field is this digest.
            The fallback tag, where the registry needs one, is written once for all, after them.

    Returns:
        Descriptors of the manifests, in the same order.

    Raises:
        RegistryError: Refused, or other clients kept overwriting the list.
    """
    stored = await run_together(
        _put(session, repository, content, media_type) for content in contents
    )
    unlisted = [entry for entry, listed in stored if not listed]
    if unlisted:
        await _list(session, repository, subject, unlisted)
    return [entry for entry, _listed in stored]


async def _put(
    session: Session, repository: str, content: bytes, media_type: str
) -> tuple[Descriptor, bool]:
    """Store a manifest; return its entry for a list, and whether the registry has listed it."""
    digest = Digest.of(content)
    stored, listed = await manifests.put(session, repository, digest, content, media_type)
    wire = ManifestWire.model_validate_json(content)
    entry = Descriptor(
        media_type,
        stored.digest,
        stored.size,
        dict(wire.annotations or {}),
        wire.artifactType or (wire.config.mediaType if wire.config is not None else None),
    )
    return entry, listed


async def _list(
    session: Session, repository: str, subject: Digest, entries: Sequence[Descriptor]
) -> None:
    for _write in range(_WRITES):
        present = await _for_writing(session, repository, subject)
        if not _missing(entries, present):
            return
        unique = {other.digest: other for other in [*present, *entries]}
        index = {
            "schemaVersion": 2,
            "mediaType": MediaType.OCI_INDEX,
            "manifests": [descriptor.to_json() for descriptor in unique.values()],
        }
        content = json.dumps(index, separators=(",", ":")).encode()
        await manifests.put(
            session, repository, fallback_tag(subject), content, MediaType.OCI_INDEX
        )
    missing = _missing(entries, await _for_writing(session, repository, subject))
    if missing:
        raise RegistryError(
            fill(
                _(
                    "Could not list {digest} under {tag} of {repository}: "
                    "other clients keep changing it."
                ),
                digest=missing[0].digest,
                tag=fallback_tag(subject),
                repository=repository,
            ),
            _("Try again when no other client attaches to that image."),
            temporary=True,
        )


def _missing(entries: Sequence[Descriptor], present: Sequence[Descriptor]) -> list[Descriptor]:
    listed = {other.digest for other in present}
    return [entry for entry in entries if entry.digest not in listed]


async def has_api(session: Session, repository: str) -> bool:
    """Report whether the registry has the referrers API; ``repository`` need not exist.

    Raises:
        RegistryError: It cannot be known: the registry refuses, or it failed.
    """
    nothing = Digest.of(b"")
    operation = _listing(repository, nothing, None)
    try:
        answer = await session.send(operation)
    except RegistryError as error:
        if not _means_none(error):
            raise
        # A registry without the API knows no such address; one with it, no such repository.
        return error.code in _UNKNOWN_NAMES
    return _index(answer.body, nothing) is not None


async def _from_api(
    session: Session, repository: str, subject: Digest, artifact_type: str | None
) -> list[Descriptor] | None:
    """Ask the referrers API; None: the registry does not have it."""
    from keynet.registry.lists import listing

    operation = _listing(repository, subject, artifact_type)
    async with listing.in_time(session, operation.action):
        try:
            answer = await session.send(operation)
        except RegistryError as error:
            if _means_none(error):
                return None
            raise
        first = _index(answer.body, subject)
        if first is None:
            return None
        pages = [first]
        following = listing.next_page(answer)
        if following is not None:
            call = replace(operation.call, url=following)
            pages += await listing.pages(session, replace(operation, call=call), ManifestWire)
    return [entry.value() for page in pages for entry in page.manifests or ()]


def _listing(repository: str, subject: Digest, artifact_type: str | None) -> Operation:
    url = f"/v2/{repository}/referrers/{subject}"
    return Operation(
        Call(
            "GET",
            with_query(url, artifactType=artifact_type) if artifact_type else url,
            {"Accept": MediaType.OCI_INDEX},
            limit=_PAGE_LIMIT,
        ),
        fill(
            _("list what refers to {digest} in {repository}"), digest=subject, repository=repository
        ),
        (f"repository:{repository}:pull",),
        repository,
    )


async def _from_tag(session: Session, repository: str, subject: Digest) -> list[Descriptor]:
    """Read the fallback tag; what is not a list of referrers counts as none."""
    try:
        tagged = await manifests.get(session, repository, fallback_tag(subject))
    except DigestMismatch:
        raise
    except ValidationError:
        return []
    except RegistryError as error:
        if _means_none(error):
            return []
        raise
    return list(tagged.manifests or ()) if _digest_of(tagged.content, subject) != subject else []


async def _for_writing(session: Session, repository: str, subject: Digest) -> list[Descriptor]:
    """Read the fallback tag before it is replaced.

    Raises:
        RegistryError: What the tag holds would be lost.
    """
    try:
        tagged = await manifests.get(session, repository, fallback_tag(subject))
    except NotFound:
        return []
    if _digest_of(tagged.content, subject) == subject:
        raise RegistryError(
            fill(
                _(
                    "{registry} cannot list what refers to an image of {repository}: it has no "
                    "referrers API, and its tag {tag} is the image itself."
                ),
                registry=session.registry.name,
                repository=repository,
                tag=fallback_tag(subject),
            ),
            _("Keep the tag: it is the image. Attach in a registry that has the referrers API."),
        )
    if tagged.manifests is None:
        raise RegistryError(
            fill(
                _("The tag {tag} of {repository} is not a list of referrers; it was not changed."),
                tag=fallback_tag(subject),
                repository=repository,
            ),
            _("Something else uses that tag, perhaps an image: push to another repository."),
        )
    return list(tagged.manifests)


def _means_none(error: RegistryError) -> bool:
    """Report whether a refusal says no more than that the registry has no such thing."""
    if isinstance(error, RegistryUnreachable) or error.temporary or error.status in (401, 403):
        return False
    return error.status is None or error.status < 500 or error.status == 501


def _index(body: bytes, subject: Digest) -> ManifestWire | None:
    """Return the index in an answer; None for a page, an image, or the subject itself."""
    try:
        wire = ManifestWire.model_validate_json(body)
    except Malformed:
        return None
    listed = wire.manifests is not None or wire.mediaType == MediaType.OCI_INDEX
    return wire if listed and _digest_of(body, subject) != subject else None


def _digest_of(content: bytes, like: Digest) -> Digest:
    return Digest(like.algorithm, hashlib.new(like.algorithm, content).hexdigest())
