"""Open an image archive of any format."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from keynet.archive.byte_source import Source, is_plain, never
from keynet.archive.compression import Compression
from keynet.archive.contents import ArchivedImage, Contents
from keynet.archive.docker_archive import MANIFEST, read_docker
from keynet.archive.oci_archive import INDEX, read_oci
from keynet.archive.opening.both_layouts import combine
from keynet.archive.opening.layout_folder import Folder
from keynet.archive.opening.piped import STANDARD_INPUT
from keynet.archive.tar import Index, index
from keynet.errors import InvalidArchive, TarReadError
from keynet.oci import platform as oci_platform
from keynet.oci.kinds import not_an_image
from keynet.oci.platform import Platform
from keynet.text import _, fill, printable

__all__ = ["Archive", "choose", "open_archive"]


class Archive:
    """An open archive: docker save (both layouts) or OCI; a file, a folder or a pipe.

    Close it, or use it in ``with``; its layers can be read until then. Nothing is extracted:
    manifests and configs are read and checked when it is opened, layers when they are used.

    Args:
        path: A file, plain or compressed with gzip, zstd, xz or bzip2; a folder with an OCI
            layout; ``-`` for standard input.
        stopped: Asked while a pipe is read; True ends that.
        artifacts: Open an OCI layout that has no image but something else, too.

    Raises:
        ArchiveNotFound: There is no such file.
        TarReadError: It cannot be read, is not a tar, or is truncated.
        InvalidArchive: It is not an image archive, is inconsistent, or is malicious.

    Attributes:
        layout: ``"docker"`` or ``"oci"``; archives of docker save since version 25 have both
            layouts and are read as OCI, because that keeps the manifest's bytes. They are refused
            where the two contradict each other.
        images: At least one, in the archive's order; none where ``artifacts`` allows it.
    """

    def __init__(
        self,
        path: str | Path,
        stopped: Callable[[], bool] = never,
        *,
        artifacts: bool = False,
    ) -> None:
        path = Path(path)
        self._source: Folder | Source
        # Path.is_dir raises where the path is hidden from this user.
        if path != STANDARD_INPUT and os.path.isdir(path):  # noqa: PTH112
            self._source = members = Folder(path)
            self._contents = Contents(members, members)
        else:
            self._source = Source(path, stopped)
        try:
            if isinstance(self._source, Source):
                self._contents = Contents(self._source, _index(self._source))
            self.layout, self.images = _read_whole(self._contents, artifacts=artifacts)
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
    def tags(self) -> tuple[str, ...]:
        """Every tag of every image, in order, each once."""
        return tuple(dict.fromkeys(tag for one in self.images for tag in one.tags))

    def docker_manifest(self) -> bytes | None:
        """Return the bytes of docker's ``manifest.json``, None if the archive has none."""
        if MANIFEST not in self._contents.members:
            return None
        return self._contents.document(MANIFEST)


@asynccontextmanager
async def open_archive(path: str | Path, *, artifacts: bool = False) -> AsyncIterator[Archive]:
    """Open an archive without blocking the event loop, close it afterwards.

    What is compressed or piped is read in a thread. A plain file is opened directly: reading its
    headers costs less than starting a thread.

    Raises:
        KeynetError: As ``Archive``.
    """
    if is_plain(Path(path)):
        archive = Archive(path, artifacts=artifacts)
    else:
        given_up = threading.Event()
        try:
            archive = await asyncio.to_thread(Archive, path, given_up.is_set, artifacts=artifacts)
        except asyncio.CancelledError:
            # The thread may wait for a pipe that nobody writes into any more.
            given_up.set()
            raise
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
        tag: As written in the archive (``nginx:alpine``), or a tag that it has alone.
        platform: If None and there are several, linux/amd64.

    Raises:
        InvalidArchive: The archive has no such image; the hint lists what it has.
    """
    group = [one for one in images if tag is None or tag in (*one.tags, one.bare_tag)]
    if not group:
        raise InvalidArchive(
            fill(_("{archive} has no image {tag}."), archive=archive, tag=tag),
            fill(
                _("Its tags: {tags}."),
                tags=", ".join(
                    dict.fromkeys(t for one in images for t in (*one.tags, one.bare_tag) if t)
                )
                or _("none"),
            ),
        )
    if tag is None:
        first = group[0]
        group = [one for one in group if (one.tags, one.bare_tag) == (first.tags, first.bare_tag)]
    chosen = oci_platform.pick(group, platform, lambda one: one.platform)
    if chosen is not None:
        return chosen
    wanted = platform or oci_platform.DEFAULT
    raise InvalidArchive(
        fill(_("{archive} has no image for {platform}."), archive=archive, platform=wanted),
        fill(
            _("Available: {platforms}. Choose one with --platform."),
            platforms=", ".join(printable(one.platform) for one in group),
        ),
    )


def _index(source: Source) -> Index:
    try:
        return index(source)
    except TarReadError as error:
        if not source.piped:
            raise
        hint = _("The program that writes into the pipe may have ended early; see its own message.")
        raise TarReadError(error.message, hint) from error


def _read_whole(contents: Contents, *, artifacts: bool) -> tuple[str, tuple[ArchivedImage, ...]]:
    try:
        return _read(contents, artifacts=artifacts)
    except InvalidArchive as error:
        if contents.members.ended:
            raise
        raise TarReadError(
            fill(_("{reason} The end of the tar is missing: it was cut."), reason=error.message),
            _("Create the archive again, and see whether the program that writes it succeeds."),
        ) from error


def _read(contents: Contents, *, artifacts: bool) -> tuple[str, tuple[ArchivedImage, ...]]:
    has_docker = MANIFEST in contents.members
    if INDEX not in contents.members:
        if not has_docker:
            raise _no_archive(contents)
        return "docker", tuple(read_docker(contents))
    layout = read_oci(contents, hollow_allowed=has_docker)
    whole = contents.members.ended and (layout.images or has_docker)
    if layout.missing is not None and not whole:
        # Images of some platforms may be left out, but not all of them.
        raise layout.missing
    if has_docker:
        combined = combine(contents, layout)
        if combined is None:
            return "docker", tuple(read_docker(contents))
        return "oci", tuple(combined)
    if not layout.images:
        if layout.artifact is not None and not artifacts:
            raise _only_an_artifact(contents, layout.artifact)
        if layout.artifact is None:
            raise contents.bad(INDEX, _("it lists no image"))
    return "oci", tuple(listed.image for listed in layout.images)


def _only_an_artifact(contents: Contents, media_type: str) -> InvalidArchive:
    error = not_an_image(contents.name, media_type)
    return InvalidArchive(error.message, error.hint)


def _no_archive(contents: Contents) -> InvalidArchive:
    if isinstance(contents.source, Folder):
        return InvalidArchive(
            fill(
                _("{archive} is a folder, but not an image: it has no index.json."),
                archive=contents.name,
            ),
            _("Create an OCI folder with skopeo copy docker-daemon:app:1 oci:FOLDER:1."),
        )
    if "repositories" in contents.members:
        return InvalidArchive(
            fill(
                _(
                    "{archive} is not an image archive that can be read: it has no manifest.json, "
                    "as those of docker before 1.10."
                ),
                archive=contents.name,
            ),
            _("Load it with docker and save it again with docker save."),
        )
    return InvalidArchive(
        fill(
            _(
                "{archive} is a tar, but not an image archive: it has neither manifest.json nor "
                "index.json."
            ),
            archive=contents.name,
        ),
        _("docker export writes a file system. Create an image archive with docker save."),
    )
