"""Blobs that a registry has: look for one, delete one, mount one from another repository.

Source: OCI distribution-spec, "Checking if content exists", "Mounting a blob".
"""

import re
from dataclasses import replace

from keynet.errors import RegistryError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.registry.address import follow, with_query
from keynet.registry.http.exchange import Answer, Call
from keynet.registry.http.session import Operation, Session
from keynet.registry.http.transport_errors import no_registry
from keynet.text import _, fill

__all__ = ["delete", "delete_operation", "find", "look", "mount", "mount_operation"]


async def find(session: Session, repository: str, digest: Digest) -> int | None:
    """Return a blob's size in bytes: -1 when not reported, None when it is absent."""
    return _size(await session.send(_look_operation(repository, digest)))


async def look(
    session: Session, repository: str, descriptor: Descriptor, *, tries: int
) -> bool | None:
    """Report whether a blob is there; None: the registry does not tell, whatever its reason.

    Args:
        tries: How often to ask where the registry fails.

    Raises:
        RegistryUnreachable: There is no registry at the address.
    """
    operation = replace(_look_operation(repository, descriptor.digest), tries=tries)
    try:
        size = _size(await session.send(operation))
    except RegistryError as error:
        if no_registry(error):
            raise
        return None
    return size is not None and size in (-1, descriptor.size)


async def delete(session: Session, repository: str, digest: Digest) -> bool:
    """Delete a blob; False: it was absent."""
    action = fill(_("delete blob {digest} of {repository}"), digest=digest, repository=repository)
    operation = delete_operation(f"/v2/{repository}/blobs/{digest}", action, repository)
    return (await session.send(operation)).status != 404


def delete_operation(url: str, action: str, repository: str) -> Operation:
    """Return the request to delete a blob or manifest; 404: it was absent."""
    return Operation(
        Call("DELETE", url),
        action,
        (f"repository:{repository}:delete,pull",),
        repository,
        frozenset({200, 202, 204, 404}),
    )


async def mount(session: Session, repository: str, digest: Digest, source: str) -> bool:
    """Have the registry take a blob from another repository; False: it does not."""
    action = fill(_("mount blob {digest} into {repository}"), digest=digest, repository=repository)
    operation = replace(
        mount_operation(repository, digest, source, action),
        expect=frozenset({201, 202, 400, 403, 404, 405}),
    )
    answer = await session.send(operation)
    location = answer.headers.get("location")
    if answer.status == 202 and location:
        # The registry opened an upload instead, which is not used.
        call = Call("DELETE", follow(answer.url, location))
        await session.send_once(replace(operation, call=call))
    return answer.status == 201


def mount_operation(repository: str, digest: Digest, source: str, action: str) -> Operation:
    """Return the request to mount a blob; the registry may open an upload instead (202)."""
    url = with_query(f"/v2/{repository}/blobs/uploads/", mount=str(digest), **{"from": source})
    return Operation(
        Call("POST", url),
        action,
        (f"repository:{repository}:pull,push", f"repository:{source}:pull"),
        repository,
        frozenset({201, 202}),
    )


def _look_operation(repository: str, digest: Digest) -> Operation:
    return Operation(
        Call("HEAD", f"/v2/{repository}/blobs/{digest}"),
        fill(_("look for blob {digest} in {repository}"), digest=digest, repository=repository),
        (f"repository:{repository}:pull",),
        repository,
        frozenset({200, 404}),
    )


def _size(answer: Answer) -> int | None:
    if answer.status == 404:
        return None
    length = answer.headers.get("content-length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else -1
