"""Copy an image from anywhere to anywhere: registries, OCI folders and archives, one call.

Keywords as in ``keynet.registry.functions``.
"""

from collections.abc import Sequence
from pathlib import Path

from keynet.archive.location import Location
from keynet.events import Emit, ignore
from keynet.oci.platform import Platform
from keynet.registry.auth.credential_sources import Auth, Credential
from keynet.registry.client import CaCert
from keynet.registry.config import RegistryConfig
from keynet.registry.copying.copy_between import CopiedImage, copy_between
from keynet.registry.copying.copy_ends import Remote, parse_place, url_of

__all__ = ["copy_image"]


async def copy_image(
    source: str | Path,
    destination: str | Path,
    *,
    platform: Platform | None = None,
    all_platforms: bool = False,
    referrers: bool = False,
    auth: Auth | None = None,
    source_auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    token_hosts: Sequence[str] = (),
    timeout: float = 300,  # noqa: ASYNC109 - of one read or write, not of the whole call
    emit: Emit = ignore,
) -> CopiedImage:
    """Copy an image, streamed, with every byte and digest as it is.

    What the destination has is not sent; in the same registry blobs are mounted. A name in the
    destination is written last: a copy that fails leaves it as it was.

    Args:
        source: ``[SCHEME://]HOST/REPOSITORY[:TAG][@DIGEST]``, ``oci:DIR[:TAG]``,
            ``oci-archive:FILE[:TAG]``, ``docker-archive:FILE[:REFERENCE]``, or the path of an
            archive or folder that exists.
        destination: Likewise, but for the bare path. A registry's tag is ``latest`` by default;
            an image in a file or folder keeps the source's name. ``docker-archive`` is converted
            as ``pull_image`` does: config and diff ids stay, layers are uncompressed.
        platform: Which of an index; linux/amd64 by default, or the only one.
        all_platforms: Copy an index with all its images.
        referrers: Copy signatures, SBOMs and other manifests that refer to what is copied too.
        auth: Credentials for the destination's registry, as for the other functions.
        source_auth: Credentials for the source's registry; by default ``auth``, unless that is a
            user and password for another registry.

    Raises:
        UsageError: Source or destination cannot be understood, or options contradict each other.
        NotFound: The source has no such image, or none for the platform.
        InvalidArchive: The source's file is not an image archive, or has no such image.
        DigestMismatch: The source has other bytes than it announces.
        ValidationError: The destination is named by the digest of another manifest.
        KeynetError: The destination cannot be written.
    """
    origin = parse_place(str(source), reading=True, insecure=insecure)
    target = parse_place(str(destination), reading=False, insecure=insecure)
    if source_auth is None and _serves_source(auth, origin, target):
        source_auth = auth
    return await copy_between(
        origin,
        target,
        reading=RegistryConfig(
            url_of(origin), timeout, source_auth, ca_cert, insecure, token_hosts
        ),
        writing=RegistryConfig(url_of(target), timeout, auth, ca_cert, insecure, token_hosts),
        platform=platform,
        all_platforms=all_platforms,
        referrers=referrers,
        emit=emit,
    )


def _serves_source(auth: Auth | None, source: Remote | Location, target: Remote | Location) -> bool:
    """Report whether the credentials may go to the source's registry too.

    Sources name the registry that each credential is for; a user and a password do not.
    """
    if isinstance(auth, Credential) or (isinstance(auth, tuple) and isinstance(auth[0], str)):
        return isinstance(target, Location) or _registry(source) == _registry(target)
    return True


def _registry(place: Remote | Location) -> str | None:
    return place.reference.registry if isinstance(place, Remote) else None
