"""The registry's paths.

Source: OCI distribution-spec 1.1, "Endpoints".
"""

from starlette.routing import Route

from keynet.sandbox.registry.access import Guard
from keynet.sandbox.registry.blob_api import BlobApi
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.lists import ListApi
from keynet.sandbox.registry.manifest_api import ManifestApi
from keynet.sandbox.registry.sessions import Sessions

__all__ = ["registry_routes"]


def registry_routes(
    disk: Disk, sessions: Sessions, guard: Guard, *, mount_without_source: bool = False
) -> list[Route]:
    """Return the routes of a registry; ``refusals.answered`` must handle ``Refusal``.

    Args:
        mount_without_source: Mount without ``from`` too, out of any repository that the client
            may read.
    """
    blobs = BlobApi(disk, sessions, guard, mount_without_source)
    manifests, lists = ManifestApi(disk, guard), ListApi(disk, guard)
    begin, upload = "/v2/{name:path}/blobs/uploads", "/v2/{name:path}/blobs/uploads/{upload}"
    blob, manifest = "/v2/{name:path}/blobs/{digest}", "/v2/{name:path}/manifests/{identifier}"
    return [
        Route("/v2/", lists.version, methods=["GET"]),
        Route("/v2/_catalog", lists.catalog, methods=["GET"]),
        Route("/v2/{name:path}/tags/list", lists.tags, methods=["GET"]),
        Route("/v2/{name:path}/referrers/{digest}", manifests.referrers, methods=["GET"]),
        Route(f"{begin}/", blobs.begin, methods=["POST"]),
        Route(begin, blobs.begin, methods=["POST"]),
        Route(upload, blobs.state, methods=["GET"]),
        Route(upload, blobs.extend, methods=["PATCH"]),
        Route(upload, blobs.finish, methods=["PUT"]),
        Route(upload, blobs.cancel, methods=["DELETE"]),
        Route(blob, blobs.read, methods=["GET"]),
        Route(blob, blobs.delete, methods=["DELETE"]),
        Route(manifest, manifests.read, methods=["GET"]),
        Route(manifest, manifests.store, methods=["PUT"]),
        Route(manifest, manifests.delete, methods=["DELETE"]),
    ]
