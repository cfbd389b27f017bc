"""Validate and inspect image archives: the public functions for files.

``path`` is a file, a folder with an OCI layout, or ``-`` for standard input.
"""

from pathlib import Path
from typing import Any

from keynet.archive.examine import check_archive, docker_entries
from keynet.archive.reader import Archive, choose
from keynet.errors import InvalidArchive
from keynet.oci.inspect import describe
from keynet.oci.platform import Platform
from keynet.oci.summary import ImageInspect

__all__ = [
    "extract_original_tags",
    "get_primary_tag",
    "get_tar_manifest",
    "inspect_docker_tar",
    "parse_repository_tag",
    "validate_docker_tar",
]


def validate_docker_tar(path: str | Path) -> bool:
    """Report whether a file is a valid image archive; every byte is read and hashed.

    Returns:
        False only for a file that is not a valid archive.

    Raises:
        ArchiveNotFound: There is no such file (also a FileNotFoundError).
        TarReadError: It cannot be read: no permission, or the disk failed.
    """
    try:
        return not check_archive(path)
    except InvalidArchive as error:
        if isinstance(error.__cause__, OSError):
            raise
        return False


def inspect_docker_tar(
    path: str | Path, *, tag: str | None = None, platform: Platform | None = None
) -> ImageInspect:
    """Return what manifest and config say about an image; no layer is read.

    Args:
        tag: The image to choose from an archive with several; the first by default.
        platform: The platform to choose from a multi-platform image; linux/amd64 by default.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is not an image archive, is inconsistent, or has no such image.
    """
    with Archive(path) as archive:
        one = choose(archive.images, archive.name, tag=tag, platform=platform)
        repositories = dict.fromkeys(parse_repository_tag(text)[0] for text in one.tags)
        return describe(one.image, archive.name, tags=one.tags, repositories=tuple(repositories))


def get_tar_manifest(path: str | Path) -> list[dict[str, Any]]:
    """Return docker's ``manifest.json``: for each image Config, RepoTags and Layers.

    For an OCI archive, which has no such file, return the entries that docker would write.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is not an image archive.
    """
    with Archive(path) as archive:
        return docker_entries(archive)


def extract_original_tags(path: str | Path) -> list[str]:
    """List the tags of every image in an archive (``nginx:alpine``), in its order.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is not an image archive.
    """
    with Archive(path) as archive:
        return list(archive.tags)


def get_primary_tag(path: str | Path) -> tuple[str, str] | None:
    """Return repository and tag of the archive's first tag, None if it has no tags.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is not an image archive.
    """
    tags = extract_original_tags(path)
    return parse_repository_tag(tags[0]) if tags else None


def parse_repository_tag(repository_tag: str) -> tuple[str, str]:
    """Split ``nginx:alpine`` into ``("nginx", "alpine")``.

    The tag defaults to ``latest``. A registry stays part of the repository, so that
    ``localhost:5000/app`` has no tag. A digest after ``@`` is dropped.
    """
    name = repository_tag.partition("@")[0]
    head, slash, last = name.rpartition("/")
    repository, _colon, tag = last.partition(":")
    return f"{head}{slash}{repository}", tag or "latest"
