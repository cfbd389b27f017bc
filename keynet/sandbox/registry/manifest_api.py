"""Manifests and their referrers.

Source: OCI distribution-spec 1.1, "Pushing manifests", "Deleting tags", "Listing referrers".
"""

import json
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from keynet.frozen import frozen
from keynet.oci.descriptor import Digest, MediaType
from keynet.sandbox.registry.access import Guard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.document import Document, parsed
from keynet.sandbox.registry.error_answers import Refusal
from keynet.sandbox.registry.grammar import digest_of, identifier, repository

__all__ = ["ManifestApi"]

_LIMIT: Final = 4 << 20


@frozen
class ManifestApi:
    """The endpoints."""

    disk: Disk
    guard: Guard

    async def read(self, request: Request) -> Response:
        """Answer GET and HEAD …/manifests/TAG or DIGEST."""
        name, asked = self._asked(request, "pull")
        digest = asked if isinstance(asked, Digest) else self.disk.tagged(name, asked)
        found = self.disk.manifest(name, digest) if digest is not None else None
        if found is None:
            raise _unknown(name)
        media_type, content = found
        return Response(
            content,
            headers={
                "Content-Type": media_type,
                "Docker-Content-Digest": str(digest),
                "ETag": f'"{digest}"',
            },
        )

    async def store(self, request: Request) -> Response:
        """Answer PUT …/manifests/TAG or DIGEST."""
        name, asked = self._asked(request, "push")
        content = await _body(request)
        digest = asked if isinstance(asked, Digest) else Digest.of(content)
        if digest.of_same_kind(content) != digest:
            raise Refusal(400, "DIGEST_INVALID", f"the bytes are not those of {digest}")
        document = parsed(content, request.headers.get("content-type", ""))
        self._check_parts(name, document)
        self.disk.put_manifest(name, digest, document.media_type, content)
        headers = {
            "Location": f"/v2/{name}/manifests/{digest}",
            "Docker-Content-Digest": str(digest),
        }
        if document.subject is not None:
            self.disk.refer(name, document.subject, digest)
            headers["OCI-Subject"] = str(document.subject)
        if isinstance(asked, str):
            self.disk.tag(name, asked, digest)
        return Response(status_code=201, headers=headers)

    async def delete(self, request: Request) -> Response:
        """Answer DELETE …/manifests/TAG, which removes the tag only, or DIGEST."""
        name, asked = self._asked(request, "delete")
        if isinstance(asked, str):
            if self.disk.tagged(name, asked) is None:
                raise _unknown(name)
            self.disk.drop_tag(name, asked)
        else:
            if self.disk.manifest(name, asked) is None:
                raise _unknown(name)
            self.disk.drop_manifest(name, asked)
        return Response(status_code=202)

    async def referrers(self, request: Request) -> Response:
        """Answer GET …/referrers/DIGEST: an index, empty if nothing refers to it."""
        name = repository(request.path_params["name"])
        self.guard.check(request, name, "pull")
        subject = digest_of(request.path_params["digest"])
        wanted = request.query_params.get("artifactType")
        found = [self._descriptor(name, digest) for digest in self.disk.referrers(name, subject)]
        entries = [e for e in found if e and wanted in {None, "", e.get("artifactType")}]
        index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": entries}
        headers = {"Content-Type": MediaType.OCI_INDEX}
        if wanted:
            headers["OCI-Filters-Applied"] = "artifactType"
        return Response(json.dumps(index), headers=headers)

    def _asked(self, request: Request, action: str) -> tuple[str, Digest | str]:
        name = repository(request.path_params["name"])
        self.guard.check(request, name, action)
        return name, identifier(request.path_params["identifier"])

    def _check_parts(self, name: str, document: Document) -> None:
        missing = [d for d in document.blobs if not self.disk.holds(name, d)]
        missing += [
            d
            for d in document.manifests
            if self.disk.manifest(name, d) is None and not self.disk.holds(name, d)
        ]
        if missing:
            words = ", ".join(map(str, missing[:3]))
            raise Refusal(404, "MANIFEST_BLOB_UNKNOWN", f"{name} does not hold {words}")

    def _descriptor(self, name: str, digest: Digest) -> dict[str, Any] | None:
        found = self.disk.manifest(name, digest)
        if found is None:
            return None
        media_type, content = found
        document = parsed(content, media_type)
        entry: dict[str, Any] = {
            "mediaType": media_type,
            "size": len(content),
            "digest": str(digest),
        }
        if document.artifact_type:
            entry["artifactType"] = document.artifact_type
        if document.annotations:
            entry["annotations"] = document.annotations
        return entry


async def _body(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _LIMIT:
            raise Refusal(413, "MANIFEST_INVALID", "a manifest has 4 MiB at most")
    return bytes(content)


def _unknown(name: str) -> Refusal:
    return Refusal(404, "MANIFEST_UNKNOWN", f"{name} has no such manifest")
