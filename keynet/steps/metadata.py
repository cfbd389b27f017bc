"""The hyperparameters beside the image: what is attached, and reading it back (SPEC 6)."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, Self

from keynet import __version__
from keynet.errors import KeynetError, MetadataNotAttached, ValidationError
from keynet.events import Emit, ignore
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.registry import artifact
from keynet.registry.auth.authentication import Credential, CredentialSource, Fixed
from keynet.registry.client import RegistryClient
from keynet.script.arguments import Extraction
from keynet.text import _, fill, printable

__all__ = ["PlatformRegistry", "client_for", "load", "payload", "read"]

_FILE_NAME: Final = "hyperparameters.json"


def payload(script_name: str, script_digest: Digest, extraction: Extraction) -> bytes:
    """Write the artifact's one layer; the same script gives the same bytes."""
    content = {
        "script": {"name": script_name, "digest": str(script_digest)},
        "parser_type": extraction.parser_type,
        "arguments": extraction.to_json()["arguments"],
        "keynet_version": __version__,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


def load() -> None:
    """Import ahead of time what ``PlatformRegistry.attach`` imports at its first use."""
    artifact.load()


class PlatformRegistry:
    """The platform's registry, by one connection for all of a push; use it as ``with``.

    The check before a build and the metadata after it share what TLS and sign-in have cost.
    """

    def __init__(self, access: RegistryAccess, emit: Emit = ignore) -> None:
        self._runner = asyncio.Runner()
        self._client = client_for(access.host, access, emit)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._runner.run(self._client.aclose())
        finally:
            self._runner.close()

    def ping(self) -> None:
        """See that the registry answers and takes the account.

        Raises:
            RegistryDenied: It refuses the account.
            RegistryError: It does not answer, or not as a registry.
        """
        self._runner.run(self._client.ping())

    def attach(self, image: Reference, content: bytes) -> Digest:
        """Attach these bytes to the pushed manifest and give the artifact's digest.

        Raises:
            MetadataNotAttached: Whatever failed; the image itself is in the registry.
        """
        attaching = artifact.attach(self._client, image, content, file_name=_FILE_NAME)
        try:
            return self._runner.run(attaching).digest
        except KeynetError as error:
            raise MetadataNotAttached(
                fill(
                    _(
                        "The image was pushed as {image}, but its hyperparameters were not "
                        "attached: {why}"
                    ),
                    image=image,
                    why=error.message,
                ),
                "\n".join(
                    line
                    for line in (
                        error.hint,
                        _("Push again: what is there already is not sent twice."),
                    )
                    if line
                ),
            ) from error


def read(image: Reference, access: RegistryAccess | None) -> dict[str, Any]:
    """Read back what is attached to an image.

    Args:
        access: keynet's own login, used when it is for the image's registry; else the
            stored credentials of docker and the containers tools.

    Raises:
        RegistryError: The registry, or nothing is attached.
        ValidationError: What is attached is no description of hyperparameters.
    """
    content = asyncio.run(_read(image, access))
    try:
        described = json.loads(content)
    except ValueError as error:
        raise _unreadable(image, printable(error)) from error
    if not isinstance(described, dict) or not isinstance(described.get("arguments"), list):
        raise _unreadable(image, _("there is no list of arguments"))
    return described


async def _read(image: Reference, access: RegistryAccess | None) -> bytes:
    own = access if access is not None and access.host == image.registry else None
    async with client_for(image.registry, own) as client:
        return await artifact.read(client, image)


def client_for(registry: str, access: RegistryAccess | None, emit: Emit = ignore) -> RegistryClient:
    """Open a client with keynet's own account, else with this machine's stored credentials."""
    sources: Sequence[CredentialSource]
    if access is not None and access.password is not None:
        sources = (Fixed(access.host, Credential(access.username, access.password)),)
    else:
        from keynet.registry.auth.stored_logins import default_sources

        sources = default_sources()
    plain = access is not None and access.insecure
    return RegistryClient(
        f"http://{registry}" if plain else registry,
        credentials=sources,
        ca_cert=access.ca_cert if access is not None else None,
        insecure=plain,
        emit=emit,
    )


def _unreadable(image: Reference, why: str) -> ValidationError:
    return ValidationError(
        fill(_("What is attached to {image} are no hyperparameters: {why}."), image=image, why=why),
        _("Push the image again with keynet push."),
    )
