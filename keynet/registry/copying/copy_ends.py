"""Where ``copy_image`` reads and writes: a registry, or an image in a file or folder."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from keynet.archive.layout.archive_target import writing_archive
from keynet.archive.layout.folder_target import writing_folder
from keynet.archive.layout.layout_source import first_name, source_in
from keynet.archive.location import FORMS, Location, parse_location
from keynet.archive.reader import open_archive
from keynet.errors import UsageError
from keynet.events import Emit
from keynet.frozen import frozen
from keynet.net.addresses import has_userinfo
from keynet.oci.content import ContentSource, ContentTarget
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.address import Registry
from keynet.registry.config import RegistryConfig
from keynet.registry.transfer.remote_content import RemoteSource, RemoteTarget
from keynet.text import _, fill, printable

__all__ = ["Remote", "opened_source", "opened_target", "parse_place", "url_of"]

# skopeo's way to say that a name is a registry's.
_TRANSPORT: Final = "docker://"
_STANDARD_INPUT: Final = "-"
# No registry starts like this, whether the file exists or not.
_PATHS: Final = ("/", "./", "../", "~")


@frozen
class Remote:
    """An image in a registry; ``url`` is the registry, with the scheme if one was given."""

    url: str
    reference: Reference


def parse_place(text: str, *, reading: bool, insecure: bool = False) -> Remote | Location:
    """Read a source or target as users write it.

    Args:
        text: ``[SCHEME://]HOST/REPOSITORY[:TAG][@DIGEST]``, ``oci:DIR[:TAG]``,
            ``oci-archive:FILE[:TAG]``, ``docker-archive:FILE[:REFERENCE]``.
        reading: The path of a file or folder that exists serves as well.
        insecure: Plain http is allowed beyond loopback.

    Raises:
        UsageError: It is none of these.
        ValidationError: A part of the reference is not valid.
    """
    location = parse_location(text)
    if location is not None:
        return location
    if reading and (text == _STANDARD_INPUT or text.startswith(_PATHS) or os.path.exists(text)):  # noqa: PTH110
        path = Path(text)
        kind = "oci" if os.path.isdir(path) else "oci-archive"  # noqa: PTH112
        return Location(kind, path, None, text)
    return _remote(text, reading=reading, insecure=insecure)


def url_of(place: Remote | Location) -> str:
    """Return the registry's address; for a file or folder one that is never reached."""
    return place.url if isinstance(place, Remote) else "localhost"


def _remote(text: str, *, reading: bool, insecure: bool) -> Remote:
    if text.startswith(_TRANSPORT):
        # As skopeo reads it: without a host it is on Docker Hub.
        name = text.removeprefix(_TRANSPORT)
        host = name.partition("/")[0]
        if "/" in name and (":" in host or "." in host) and not has_userinfo(name):
            # A mistyped host is a usage error, as for every other command.
            Registry.parse(host, insecure=insecure)
        reference = Reference.parse(name)
        return Remote(Registry.parse(reference.registry, insecure=insecure).name, reference)
    scheme, separator, bare = text.rpartition("://")
    host, slash, rest = bare.partition("/")
    # Text before an @ may be a password: it is not repeated.
    userinfo = has_userinfo(bare)
    named = printable(bare.rpartition("@")[2] if userinfo else bare, 200)
    looks_named = bool(separator) or "." in host or ":" in host or host == "localhost"
    known = scheme.lower() in ("", "http", "https")
    if not known or userinfo or not (slash and rest and looks_named):
        message = (
            _("{text!r} is neither a file or folder that exists nor an image in a registry.")
            if reading
            else _("{text!r} does not name an image in a registry, a file or a folder.")
        )
        raise UsageError(
            fill(message, text=named),
            fill(
                _("Write HOST/REPOSITORY:TAG, or one of {forms}; log in with --username."),
                forms=FORMS,
            )
            if userinfo
            else fill(_("Write HOST/REPOSITORY:TAG, or one of {forms}."), forms=FORMS),
        )
    url = f"{scheme}{separator}{host}"
    registry = Registry.parse(url, insecure=insecure)
    parsed = Reference.parse(f"{registry.name}/{rest.strip('/')}")
    return Remote(url, parsed)


@asynccontextmanager
async def opened_source(
    place: Remote | Location,
    config: RegistryConfig,
    platform: Platform | None = None,
    *,
    oci_types: bool = False,
) -> AsyncIterator[tuple[ContentSource, str | None]]:
    """Open a source until the end of the block; yield its image's name, too.

    Args:
        config: How to reach the registry, if it is one.
        oci_types: For an archive that has no manifest, make one with the OCI's media types.

    Raises:
        KeynetError: It cannot be opened, or has several images and none is named.
    """
    if isinstance(place, Remote):
        async with config.client() as client:
            name = str(place.reference) if place.reference.tag is not None else None
            yield RemoteSource(client, place.reference), name
        return
    async with open_archive(place.path, artifacts=True) as archive:
        source = source_in(archive, place.name, platform, oci_types=oci_types)
        yield source, first_name(archive, place.name)


@asynccontextmanager
async def opened_target(
    place: Remote | Location, config: RegistryConfig, emit: Emit
) -> AsyncIterator[ContentTarget]:
    """Open a target until the end of the block; a file appears when it ends without an error.

    Raises:
        KeynetError: It cannot be written.
    """
    if isinstance(place, Remote):
        async with config.client() as client:
            yield RemoteTarget(client, place.reference, emit=emit)
    elif place.is_folder:
        async with writing_folder(place.path, emit) as folder:
            yield folder
    else:
        async with writing_archive(place.path, emit) as archive:
            yield archive
