"""The registry as a whole: its files opened, its paths.

Source: OCI distribution-spec 1.1, "Endpoints".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.routing import Route

from keynet.errors import KeynetError
from keynet.sandbox.registry.access import Guard
from keynet.sandbox.registry.blob_api import BlobApi
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.lists import ListApi
from keynet.sandbox.registry.manifest_api import ManifestApi
from keynet.sandbox.registry.sessions import Sessions
from keynet.text import _, fill

__all__ = ["opened", "registry_routes"]


@contextmanager
def opened(folder: Path, guard: Guard) -> Iterator[list[Route]]:
    """Give the routes of the registry with its files in a folder, until the block ends.

    What the last run left unfinished is removed first, what this one leaves at the end.

    Raises:
        KeynetError: The files cannot be used.
    """
    try:
        disk = Disk(folder)
        disk.sweep()
    except OSError as e:
        raise KeynetError(
            fill(
                _("The sandbox's registry cannot use its files in {folder}: {why}."),
                folder=folder,
                why=e.strerror or e,
            ),
            _("Make the folder writable, or choose another one with --data."),
        ) from e
    sessions = Sessions(disk)
    try:
        yield registry_routes(disk, sessions, guard)
    finally:
        sessions.close()


def registry_routes(
    disk: Disk, sessions: Sessions, guard: Guard, *, mount_without_source: bool = False
) -> list[Route]:
    """Return the routes of a registry; the service needs ``error_answers.HANDLERS``.

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
