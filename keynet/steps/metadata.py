"""Attach the hyperparameters to an image as an artifact, and read them back.

Source: docs/reference/metadata.md.
"""

import contextlib
import json
from collections.abc import Sequence
from typing import Any, Final, Self

from keynet import __version__
from keynet.errors import KeynetError, MetadataNotAttached, ValidationError
from keynet.events import Emit, ignore
from keynet.oci.attachment import HYPERPARAMETERS, Attachment
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.process.event_loop import EventLoop
from keynet.registry import artifact
from keynet.registry.account_client import open_client
from keynet.registry.concurrent_work import run_together
from keynet.runtime.engine import Documented
from keynet.script.arguments import Extraction
from keynet.text import _, fill

__all__ = ["PlatformRegistry", "payload", "preload", "read"]

_FILE_NAME: Final = "hyperparameters.json"


def payload(script_name: str, script_digest: Digest, extraction: Extraction) -> bytes:
    """Return the artifact's only layer: JSON; the same script gives the same bytes."""
    content = {
        "script": {"name": script_name, "digest": str(script_digest)},
        "parser_type": extraction.parser_type,
        "arguments": extraction.to_json()["arguments"],
        "keynet_version": __version__,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


def preload() -> None:
    """Import now what ``PlatformRegistry.attach`` would import at its first call."""
    artifact.preload()


class PlatformRegistry:
    """The platform's registry, with one client for a whole push; a context manager.

    The check before the build and the metadata after it share TLS connection and sign-in. The
    event loop has its own thread, so that it works if the caller runs a loop already.
    """

    def __init__(self, access: RegistryAccess, emit: Emit = ignore) -> None:
        self._loop = EventLoop()
        self._client = open_client(access.host, access, emit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._loop.run(self._client.aclose())
        finally:
            self._loop.close()

    def ping(self) -> None:
        """Check that the registry answers and accepts the account.

        Raises:
            RegistryDenied: The registry refuses the account.
            RegistryError: It does not answer, or it is not a registry.
        """
        self._loop.run(self._client.ping())

    def attach(
        self,
        image: Reference,
        content: bytes,
        documents: Sequence[Documented] = (),
        manifest: Descriptor | None = None,
    ) -> Digest:
        """Attach ``content`` to the manifest of ``image``; return the artifact's digest.

        Args:
            image: A pushed image, with its digest.
            content: See ``payload``.
            documents: Attached, too: to this image, or to those of its platforms.
            manifest: That of ``image``; None where only its digest is known: the registry is
                asked for the rest.

        Raises:
            MetadataNotAttached: Anything failed; the image itself is in the registry.
        """
        try:
            return self._loop.run(self._attach(image, content, documents, manifest))
        except KeynetError as error:
            raise MetadataNotAttached(
                fill(_not_attached(documents), image=image, why=error.message),
                "\n".join(
                    line
                    for line in (
                        error.hint,
                        _("Push again: layers that are in the registry are not sent again."),
                    )
                    if line
                ),
            ) from error

    async def _attach(
        self,
        image: Reference,
        content: bytes,
        documents: Sequence[Documented],
        manifest: Descriptor | None,
    ) -> Digest:
        subject = manifest or await artifact.find_image(self._client, image)
        attachments = {subject.digest: [Attachment(HYPERPARAMETERS, _FILE_NAME, content)]}
        for each in documents:
            attachments.setdefault(each.image.digest, []).extend(each.attachments)
        images = {subject.digest: subject, **{each.image.digest: each.image for each in documents}}
        stored = await run_together(
            artifact.attach_all(self._client, image.repository, images[digest], attached)
            for digest, attached in attachments.items()
        )
        return stored[0][0].digest


def _not_attached(documents: Sequence[Documented]) -> str:
    if documents:
        return _(
            "The image was pushed as {image}, but its hyperparameters, its lock and its bill of "
            "materials were not all attached: {why}"
        )
    return _("The image was pushed as {image}, but its hyperparameters were not attached: {why}")


def read(
    image: Reference, access: RegistryAccess | None, token_hosts: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the hyperparameters attached to an image, as written by ``payload``.

    Args:
        access: keynet's own login, used if it is for the image's registry; else the stored
            logins of docker and the containers tools are used.
        token_hosts: Further hosts that may get those logins, for tokens.

    Raises:
        RegistryError: The registry failed, or nothing is attached.
        ValidationError: The attached artifact does not describe hyperparameters.
    """
    from keynet.steps import attached

    with contextlib.closing(EventLoop()) as loop:
        content = loop.run(_read(image, access, token_hosts))
    try:
        return attached.parse(content)
    except attached.Unreadable as error:
        raise _unreadable(image, str(error)) from error


async def _read(
    image: Reference, access: RegistryAccess | None, token_hosts: Sequence[str]
) -> bytes:
    own = access if access is not None and access.host == image.registry else None
    async with open_client(image.registry, own, token_hosts=token_hosts) as client:
        return await artifact.read(client, image)


def _unreadable(image: Reference, why: str) -> ValidationError:
    return ValidationError(
        fill(
            _("The artifact attached to {image} is not a list of hyperparameters: {why}."),
            image=image,
            why=why,
        ),
        _("Push the image again with keynet push."),
    )
