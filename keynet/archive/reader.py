"""Open an image archive of any kind."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from keynet.archive.byte_source import Source, compression_of
from keynet.archive.compression import Compression
from keynet.archive.contents import ArchivedImage, Contents
from keynet.archive.docker_archive import MANIFEST, read_docker
from keynet.archive.oci_archive import INDEX, read_oci
from keynet.archive.tar import index
from keynet.errors import InvalidArchive
from keynet.oci import platform as oci_platform
from keynet.oci.platform import Platform
from keynet.text import _, fill, printable

__all__ = ["Archive", "choose", "open_archive"]


class Archive:
    """An open archive: docker save (both layouts) or OCI, plain, gzip'd or zstd'd.

    Close it, or use it in ``with``; its layers can be read until then. Nothing is extracted:
    manifests and configs are read and checked at once, layers when they are used.

    Args:
        path: The file.

    Raises:
        ArchiveNotFound: Nothing is there.
        TarReadError: It cannot be read, is no tar, or is cut.
        InvalidArchive: It is no image archive, contradicts itself, or is hostile.

    Attributes:
        layout: ``"docker"`` or ``"oci"``; docker's files since version 25 are both and read
            as OCI, because that keeps the manifest's bytes.
        images: At least one, in the archive's order.
    """

    def __init__(self, path: str | Path) -> None:
        self._source = Source(Path(path))
        try:
            self._contents = Contents(self._source, index(self._source))
            self.layout, self.images = _read(self._contents)
        except BaseException:
            self._source.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called again."""
        self._source.close()

    @property
    def name(self) -> str:
        """The file's path, safe to show."""
        return self._source.name

    @property
    def compression(self) -> Compression:
        """How the whole file is compressed."""
        return self._source.compression

    @property
    def stored_size(self) -> int:
        """The file's size in bytes, as compressed as it is."""
        return self._source.stored_size

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag of every image, in order, each once."""
        return tuple(dict.fromkeys(tag for one in self.images for tag in one.tags))

    def docker_manifest(self) -> bytes | None:
        """Give the bytes of docker's ``manifest.json``; None where the archive has none."""
        if MANIFEST not in self._contents.members:
            return None
        return self._contents.document(MANIFEST)


@asynccontextmanager
async def open_archive(path: str | Path) -> AsyncIterator[Archive]:
    """Open an archive without holding up the loop; closed at the end.

    Decompressing takes a thread. The headers of a plain file are a few short reads, which cost
    less than a thread does.

    Raises:
        KeynetError: As ``Archive``.
    """
    if compression_of(Path(path)) is Compression.NONE:
        archive = Archive(path)
    else:
        archive = await asyncio.to_thread(Archive, path)
    with archive:
        yield archive


def choose(
    images: Sequence[ArchivedImage],
    archive: str,
    *,
    tag: str | None = None,
    platform: Platform | None = None,
) -> ArchivedImage:
    """Choose one image: of that tag, else of the first image's; then by platform.

    Args:
        images: As the archive gives them.
        archive: Its name, for errors.
        tag: As the archive writes it (``nginx:alpine``).
        platform: Without it linux on this machine's architecture, where there are several.

    Raises:
        InvalidArchive: The archive has no such image; the message lists what it has.
    """
    group = [one for one in images if tag in one.tags] if tag is not None else list(images)
    if not group:
        raise InvalidArchive(
            fill(_("{archive} has no image {tag}."), archive=archive, tag=tag),
            fill(
                _("It has: {tags}."),
                tags=", ".join(t for one in images for t in one.tags) or _("no tags at all"),
            ),
        )
    if tag is None:
        first = group[0]
        group = [one for one in group if (one.tags, one.bare_tag) == (first.tags, first.bare_tag)]
    wanted = platform or oci_platform.host()
    chosen = oci_platform.choose(group, wanted, lambda one: one.platform)
    if chosen is not None:
        return chosen
    if platform is None and len(group) == 1:
        return group[0]
    raise InvalidArchive(
        fill(_("{archive} has no image for {platform}."), archive=archive, platform=wanted),
        fill(
            _("It has {platforms}; choose with --platform."),
            platforms=", ".join(printable(one.platform) for one in group),
        ),
    )


def _read(contents: Contents) -> tuple[str, tuple[ArchivedImage, ...]]:
    if INDEX in contents.members:
        images = read_oci(contents)
        if not images:
            raise contents.bad(INDEX, _("it leads to no image"))
        return "oci", tuple(images)
    if MANIFEST in contents.members:
        return "docker", tuple(read_docker(contents))
    raise InvalidArchive(
        fill(
            _(
                "{archive} is a tar, but not an image archive: it has neither manifest.json nor "
                "index.json."
            ),
            archive=contents.name,
        ),
        _("docker export writes a file system; docker save and podman save write images."),
    )
