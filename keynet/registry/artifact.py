"""Attach data to an image and read it back, with oras-py's manifest types.

Bytes and credentials go through keynet's own client. docs/reference/metadata.md describes the
artifact. Source: OCI image-spec, "Guidelines for Artifact Usage".
"""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from keynet.errors import NotFound, RegistryError
from keynet.oci.attachment import HYPERPARAMETERS, Attachment
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.concurrent_work import run_together
from keynet.text import _, fill

__all__ = [
    "ARTIFACT_TYPE",
    "attach",
    "attach_all",
    "attach_to",
    "find_image",
    "preload",
    "read",
    "read_attached",
]

ARTIFACT_TYPE: Final = HYPERPARAMETERS

_EMPTY: Final = b"{}"
_PAYLOAD_LIMIT: Final = 8 * 1024 * 1024
_TITLE: Final = "org.opencontainers.image.title"
_CREATED: Final = "org.opencontainers.image.created"


async def attach(
    client: RegistryClient,
    subject: Reference,
    payload: bytes,
    *,
    file_name: str,
    created: str | None = None,
) -> Descriptor:
    """Attach ``payload`` to a pushed image; attaching it again changes nothing.

    Args:
        subject: The image, by digest or by tag.
        file_name: The name under which ``oras pull`` writes it.
        created: RFC 3339; None leaves it out, so that equal payloads give equal digests.

    Returns:
        The artifact's manifest as it is stored.

    Raises:
        NotFound: The registry does not have the image.
    """
    image = await find_image(client, subject)
    return await attach_to(
        client, subject.repository, image, payload, file_name=file_name, created=created
    )


async def find_image(client: RegistryClient, image: Reference) -> Descriptor:
    """Return the manifest of an image, to attach something to it.

    Raises:
        NotFound: The registry does not have the image.
    """
    found = await client.head_manifest(image.repository, image.digest or image.identifier)
    if found is None:
        raise _absent(image)
    return found


async def attach_to(
    client: RegistryClient,
    repository: str,
    image: Descriptor,
    payload: bytes,
    *,
    file_name: str,
    created: str | None = None,
) -> Descriptor:
    """Attach ``payload`` to an image whose descriptor is known: it is not looked up.

    Args:
        image: Of an image in ``repository``, or one that is pushed there later.
        file_name: As for ``attach``.
        created: As for ``attach``.

    Returns:
        The artifact's manifest as it is stored.
    """
    attachment = Attachment(ARTIFACT_TYPE, file_name, payload)
    stored = await attach_all(client, repository, image, [attachment], created=created)
    return stored[0]


async def attach_all(
    client: RegistryClient,
    repository: str,
    image: Descriptor,
    attachments: Sequence[Attachment],
    *,
    created: str | None = None,
) -> list[Descriptor]:
    """Attach several documents of any type to an image whose descriptor is known.

    They are sent at the same time, first the documents and then the manifests. Where the registry
    has no referrers API, its list is written once for all.

    Args:
        image: As for ``attach_to``.
        created: As for ``attach``.

    Returns:
        The artifacts' manifests as they are stored, in the same order.
    """
    contents = []
    for each in attachments:
        manifest = _manifest(image, each, created)
        contents.append(json.dumps(manifest, separators=(",", ":"), ensure_ascii=False).encode())
    # The empty config is the same blob for each of them. They are sent without a question: to ask
    # for so few bytes would take as long.
    blobs = dict.fromkeys((_EMPTY, *(each.content for each in attachments)))
    await run_together(
        client.upload_bytes(repository, MediaType.OCI_EMPTY, blob, look=False) for blob in blobs
    )
    return await client.attach_all(repository, image.digest, contents, MediaType.OCI_MANIFEST)


async def read(client: RegistryClient, image: Reference) -> bytes:
    """Return the hyperparameters that were attached to an image, the newest of several.

    Raises:
        NotFound: No such image, or nothing of this type is attached to it.
    """
    subject = await find_image(client, image)
    found = await read_attached(client, image, subject.digest, ARTIFACT_TYPE)
    if found is None:
        raise NotFound(
            fill(_("{image} has no hyperparameters attached."), image=image),
            _("Push it with keynet push; images pushed by other tools have none."),
        )
    return found


async def read_attached(
    client: RegistryClient, image: Reference, subject: Digest, artifact_type: str
) -> bytes | None:
    """Return the document of a type that was attached to a manifest; None if there is none.

    Args:
        image: Names the repository, and the image in errors.
        subject: The manifest's digest.

    Raises:
        RegistryError: What is attached does not have keynet's format.
    """
    repository = image.repository
    found = await client.referrers(repository, subject, artifact_type=artifact_type)
    if not found:
        return None
    # New entries are at the end of a list; a creation time, if there is one, decides.
    newest = max(
        enumerate(found), key=lambda pair: (pair[1].annotations.get(_CREATED, ""), pair[0])
    )
    manifest = await client.get_manifest(repository, newest[1].digest)
    layers = manifest.layers
    named = manifest.subject
    if (
        len(layers) != 1
        or layers[0].size > _PAYLOAD_LIMIT
        or named is None
        or named.digest != subject
    ):
        raise RegistryError(
            fill(
                _("What is attached to {image} as {type} does not have keynet's format."),
                image=image,
                type=artifact_type,
            ),
            _("Push the image again with keynet push."),
        )
    return b"".join([chunk async for chunk in client.get_blob(repository, layers[0])])


def preload() -> None:
    """Import ahead of time what ``attach`` imports at its first use."""
    with _deferred("jsonschema"):
        import oras.oci  # noqa: F401
    # The part of httpx for event loops. Its name is private; without it only time is lost.
    with contextlib.suppress(ImportError):
        import_module("anyio._backends._asyncio")


def _manifest(image: Descriptor, attachment: Attachment, created: str | None) -> dict[str, Any]:
    # oras-py takes a while to import: only callers that attach something pay for it.
    with _deferred("jsonschema"):
        from oras.oci import NewManifest, Subject

    subject: Any = Subject(image.media_type, str(image.digest), image.size)
    manifest: dict[str, Any] = NewManifest()
    named = {_TITLE: attachment.file_name}
    # oras-py has no artifactType. Harbor lists by the config's media type, so both have it.
    manifest["artifactType"] = attachment.artifact_type
    manifest["config"] = Descriptor.of(attachment.artifact_type, _EMPTY).to_json()
    layer = Descriptor.of(attachment.artifact_type, attachment.content)
    manifest["layers"] = [{**layer.to_json(), "annotations": named}]
    manifest["subject"] = {
        "mediaType": subject.mediaType,
        "digest": subject.digest,
        "size": subject.size,
    }
    manifest["annotations"] = named if created is None else {**named, _CREATED: created}
    return manifest


class _Deferred(ModuleType):
    """Stand for a module, which is imported at the first use of one of its names."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextlib.contextmanager
def _deferred(name: str) -> Iterator[None]:
    """Let what is imported in the block import ``name`` only when it uses it.

    oras-py imports jsonschema, which takes 80 ms of processor time, for checks that are not used
    here. importlib's LazyLoader does not help: an import statement is a use to it.
    """
    if name in sys.modules:
        yield
        return
    placeholder = sys.modules[name] = _Deferred(name)
    try:
        yield
    finally:
        if sys.modules.get(name) is placeholder:
            del sys.modules[name]


def _absent(image: Reference) -> NotFound:
    return NotFound(
        fill(_("The image {image} does not exist."), image=image),
        _("Check its name and tag, and that you are signed in to its registry."),
    )
