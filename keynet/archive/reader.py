"""Open an image archive of any format."""

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
    """An open archive: docker save (both layouts) or OCI, plain, gzip or zstd.

    Close it, or use it in ``with``; its layers can be read until then. Nothing is extracted:
    manifests and configs are read and checked when it is opened, layers when they are used.

    Args:
        path: The file.

    Raises:
        ArchiveNotFound: There is no such file.
        TarReadError: It cannot be read, is not a tar, or is truncated.
        InvalidArchive: It is not an image archive, is inconsistent, or is malicious.

    Attributes:
        layout: ``"docker"`` or ``"oci"``; archives of docker save since version 25 have both
            layouts and are read as OCI, because that keeps the manifest's bytes.
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
    def contents(self) -> Contents:
        """The members: documents and blobs by name."""
        return self._contents

    @property
    def compression(self) -> Compression:
        """How the whole file is compressed."""
        return self._source.compression

    @property
    def stored_size(self) -> int:
        """The size of the file on disk in bytes."""
        return self._source.stored_size

    @property
    def tags(self) -> tuple[str, ...]:
        """Every tag of every image, in order, each once."""
        return tuple(dict.fromkeys(tag for one in self.images for tag in one.tags))

    def docker_manifest(self) -> bytes | None:
        """Return the bytes of docker's ``manifest.json``, None if the archive has none."""
        if MANIFEST not in self._contents.members:
            return None
        return self._contents.document(MANIFEST)


@asynccontextmanager
async def open_archive(path: str | Path) -> AsyncIterator[Archive]:
    """Open an archive without blocking the event loop, close it afterwards.

    A compressed file is decompressed in a thread. A plain file is opened directly: reading its
    headers costs less than starting a thread.

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
    """Choose one image by tag, the first image's if None, then by platform.

    Args:
        images: In the archive's order.
        archive: The archive's name, for error messages.
        tag: As written in the archive (``nginx:alpine``).
        platform: If None and there are several, linux on this machine's architecture.

    Raises:
        InvalidArchive: The archive has no such image; the hint lists what it has.
    """
    group = [one for one in images if tag in one.tags] if tag is not None else list(images)
    if not group:
        raise InvalidArchive(
            fill(_("{archive} has no image {tag}."), archive=archive, tag=tag),
            fill(
                _("Its tags: {tags}."),
                tags=", ".join(t for one in images for t in one.tags) or _("none"),
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
            _("Available: {platforms}. Choose one with --platform."),
            platforms=", ".join(printable(one.platform) for one in group),
        ),
    )


def _read(contents: Contents) -> tuple[str, tuple[ArchivedImage, ...]]:
    if INDEX in contents.members:
        images = read_oci(contents)
        if not images:
            raise contents.bad(INDEX, _("it lists no image"))
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
        _("docker export writes a file system. Create an image archive with docker save."),
    )
