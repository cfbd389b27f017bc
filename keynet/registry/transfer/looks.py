"""Look for what a registry has already: to save work, so no refusal fails a push.

Source: OCI distribution-spec, "Checking if content exists".
"""

from keynet.errors import RegistryDenied, RegistryError, ValidationError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.registry import blobs, manifests
from keynet.registry.http.session import Session
from keynet.registry.http.transport_errors import no_registry
from keynet.registry.transfer.blob_policy import BlobPolicy

__all__ = ["find_manifest", "holds_blob"]


async def find_manifest(
    session: Session, policy: BlobPolicy, repository: str, identifier: str | Digest
) -> Descriptor | None:
    """Return what a tag or digest points to; None: nothing, or the registry does not tell.

    Raises:
        RegistryUnreachable: There is no registry at the address.
    """
    try:
        return await manifests.head(session, repository, identifier, tries=policy.look_tries)
    except (RegistryError, ValidationError) as error:
        if no_registry(error):
            raise
        policy.looks_denied |= isinstance(error, RegistryDenied)
        return None


async def holds_blob(
    session: Session, policy: BlobPolicy, repository: str, descriptor: Descriptor
) -> bool:
    """Report whether a blob is there; False also where the registry does not tell.

    Raises:
        RegistryUnreachable: There is no registry at the address.
    """
    holds = await blobs.look(session, repository, descriptor, tries=policy.look_tries)
    if holds is None:
        # It may fail for every blob: the next ones are asked for once.
        policy.look_tries = 1
    return holds is True
