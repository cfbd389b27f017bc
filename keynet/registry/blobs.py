"""Blobs that a registry has: look for one, mount one from another repository.

Source: OCI distribution-spec, "Checking if content exists", "Mounting a blob".
"""

import re
from dataclasses import replace

from keynet.oci.descriptor import Digest
from keynet.registry.address import follow, with_query
from keynet.registry.http.exchange import Call
from keynet.registry.http.session import Operation, Session
from keynet.text import _, fill

__all__ = ["find", "mount", "mount_operation"]


async def find(session: Session, repository: str, digest: Digest) -> int | None:
    """Return a blob's size in bytes: -1 when not reported, None when it is absent."""
    operation = Operation(
        Call("HEAD", f"/v2/{repository}/blobs/{digest}"),
        fill(_("look for blob {digest} in {repository}"), digest=digest, repository=repository),
        (f"repository:{repository}:pull",),
        repository,
        frozenset({200, 404}),
    )
    answer = await session.send(operation)
    if answer.status == 404:
        return None
    length = answer.headers.get("content-length", "")
    return int(length) if re.fullmatch("[0-9]{1,18}", length) else -1


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
