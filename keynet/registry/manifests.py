"""Manifests and indexes: exact bytes in both directions, verified.

Source: OCI distribution-spec, "Pulling manifests", "Pushing Manifests".
"""

import hashlib
import re
from dataclasses import field, replace
from typing import Final

from keynet.errors import DigestMismatch, NotFound, RegistryError, ValidationError
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.registry.blobs import delete_operation
from keynet.registry.http.exchange import Call
from keynet.registry.http.session import Operation, Session
from keynet.registry.wire import (
    MANIFEST_LIMIT,
    DescriptorWire,
    check_manifest,
    refuse_schema_1,
)
from keynet.text import _, fill

__all__ = ["Manifest", "check_size", "delete", "find", "get", "head", "put", "read"]

# Answers to HEAD of servers that offer GET alone.
_NO_HEAD: Final = (400, 405, 501)
_ACCEPT: Final = ", ".join((*MediaType.MANIFESTS, *MediaType.INDEXES))


@frozen
class Manifest:
    """A manifest or index: its exact bytes and what they say, checked.

    ``config`` and ``layers`` (base first) are an image's; ``manifests`` are an index's and None
    for an image. ``subject`` is what the manifest refers to.
    """

    content: bytes = field(repr=False)
    descriptor: Descriptor
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] | None = None
    subject: Descriptor | None = None


async def get(session: Session, repository: str, identifier: str | Digest) -> Manifest:
    """Read a manifest or index by tag or digest, its digest verified.

    Raises:
        NotFound: The registry has none of that name.
        DigestMismatch: The bytes do not have the digest that was asked for or announced.
        ValidationError: It contradicts itself, or is of schema 1.
    """
    action = fill(
        _("read manifest {identifier} of {repository}"),
        identifier=identifier,
        repository=repository,
    )
    call = Call(
        "GET",
        f"/v2/{repository}/manifests/{identifier}",
        {"Accept": _ACCEPT},
        limit=MANIFEST_LIMIT,
    )
    answer = await session.send(_pull(call, action, repository))
    refuse_schema_1(answer.body, answer.headers.get("content-type"))
    asked = identifier if isinstance(identifier, Digest) else _digest_or_none(identifier)
    announced = answer.headers.get("docker-content-digest")
    digest = asked or _digest_or_none(announced or "") or Digest.of(answer.body)
    if digest != _hash_like(digest, answer.body) or (announced and announced != str(digest)):
        raise DigestMismatch(
            fill(_("Could not {action}: the answer has another digest."), action=action),
            _("The registry or a proxy alters content; do not use it."),
        )
    return read(answer.body, answer.headers.get("content-type", ""), digest)


def read(content: bytes, content_type: str, digest: Digest) -> Manifest:
    """Return the manifest that these bytes, whose digest was verified, contain.

    Raises:
        RegistryError: Not JSON, wrong shape, or its mediaType is not the Content-Type.
        ValidationError: It contradicts itself.
    """
    wire = check_manifest(content, content_type)
    media_type = wire.mediaType or content_type.split(";", maxsplit=1)[0].strip()
    descriptor = Descriptor(
        media_type,
        digest,
        len(content),
        dict(wire.annotations or {}),
        wire.artifactType,
    )
    return Manifest(
        content,
        descriptor,
        config=wire.config.value() if wire.config is not None else None,
        layers=tuple(layer.value() for layer in wire.layers or ()),
        manifests=_values(wire.manifests),
        subject=wire.subject.value() if wire.subject is not None else None,
    )


async def head(
    session: Session, repository: str, identifier: str | Digest, *, tries: int | None = None
) -> Descriptor | None:
    """Return what a tag or digest points to; None: the registry has none.

    When the answer does not have the digest, or HEAD is not offered, the manifest itself is read.

    Args:
        tries: How often to ask where the registry fails; by default as often as the session does.
    """
    action = fill(
        _("look for manifest {identifier} of {repository}"),
        identifier=identifier,
        repository=repository,
    )
    call = Call("HEAD", f"/v2/{repository}/manifests/{identifier}", {"Accept": _ACCEPT})
    operation = _pull(call, action, repository, 200, 404, *_NO_HEAD)
    answer = await session.send(replace(operation, tries=tries))
    if answer.status == 404:
        return None
    announced = answer.headers.get("docker-content-digest", "")
    length = answer.headers.get("content-length", "")
    media_type = answer.headers.get("content-type", "").split(";")[0].strip()
    if (
        answer.status in _NO_HEAD
        or not announced
        or not re.fullmatch("[0-9]{1,18}", length)
        or not media_type
    ):
        try:
            return (await get(session, repository, identifier)).descriptor
        except NotFound:
            return None
    return Descriptor(media_type, Digest.parse(announced), int(length))


async def find(session: Session, repository: str, identifier: str | Digest) -> Descriptor | None:
    """Return what a tag or digest points to, as ``head``; a refusal comes with its reason.

    An answer to HEAD has no body: where the registry refuses, the manifest itself is read.
    """
    try:
        return await head(session, repository, identifier)
    except RegistryError as error:
        if error.status is None or error.temporary:
            raise
    try:
        return (await get(session, repository, identifier)).descriptor
    except NotFound:
        return None


async def delete(session: Session, repository: str, digest: Digest) -> bool:
    """Delete a manifest with all its tags; False: it was absent."""
    action = fill(
        _("delete manifest {digest} of {repository}"), digest=digest, repository=repository
    )
    operation = delete_operation(f"/v2/{repository}/manifests/{digest}", action, repository)
    return (await session.send(operation)).status != 404


async def put(
    session: Session, repository: str, identifier: str | Digest, content: bytes, media_type: str
) -> tuple[Descriptor, bool]:
    """Store exactly these bytes under a tag or their digest.

    Returns:
        What was stored, and whether the registry lists it as a referrer of its ``subject``
        by itself (``OCI-Subject``).
    """
    check_size(content, repository)
    descriptor = Descriptor.of(media_type, content)
    action = fill(
        _("push manifest {identifier} to {repository}"),
        identifier=identifier,
        repository=repository,
    )
    operation = Operation(
        Call(
            "PUT",
            f"/v2/{repository}/manifests/{identifier}",
            {"Content-Type": media_type},
            content,
        ),
        action,
        (f"repository:{repository}:pull,push",),
        repository,
        # 201 is the specification's.
        frozenset({200, 201, 202, 204}),
    )
    answer = await session.send(operation)
    announced = answer.headers.get("docker-content-digest")
    if announced is not None and announced != str(_hash_like(_digest_or_none(announced), content)):
        raise DigestMismatch(
            fill(
                _("Could not {action}: the registry stored it under another digest."), action=action
            ),
            _("The registry or a proxy alters content; report this to its owner."),
        )
    return descriptor, "oci-subject" in answer.headers


def check_size(content: bytes, repository: str) -> None:
    """Check that a manifest is not larger than registries accept.

    Raises:
        RegistryError: It is.
    """
    if len(content) > MANIFEST_LIMIT:
        raise RegistryError(
            fill(
                _("The manifest for {repository} has {size} bytes; at most 4 MB are allowed."),
                repository=repository,
                size=len(content),
            ),
            _("Make an image with fewer layers or annotations."),
        )


def _pull(call: Call, action: str, repository: str, *expect: int) -> Operation:
    scopes = (f"repository:{repository}:pull",)
    return Operation(call, action, scopes, repository, frozenset(expect or {200}))


def _values(entries: list[DescriptorWire] | None) -> tuple[Descriptor, ...] | None:
    return None if entries is None else tuple(entry.value() for entry in entries)


def _digest_or_none(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except ValidationError:
        return None


def _hash_like(digest: Digest | None, content: bytes) -> Digest:
    """Hash with the same algorithm; sha256 when there is none."""
    algorithm = digest.algorithm if digest is not None else "sha256"
    return Digest(algorithm, hashlib.new(algorithm, content).hexdigest())
