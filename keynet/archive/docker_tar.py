"""What one asks an image file: is it sound, what is in it, what is it called.

Source: SPEC 7.
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
    """Tell whether a file is a sound image archive; every byte is read and hashed.

    Returns:
        False only for a file that is no valid archive.

    Raises:
        ArchiveNotFound: There is no such file (also a FileNotFoundError).
        TarReadError: It cannot be read: no permission, or the disk fails.
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
    """Tell what is in an archive, from its manifests and configs alone.

    Args:
        tag: Which image, where the archive has several; the first by default.
        platform: Which of a multi-platform image; this machine's by default.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is no image archive, contradicts itself, or has no such image.
    """
    with Archive(path) as archive:
        one = choose(archive.images, archive.name, tag=tag, platform=platform)
        repositories = dict.fromkeys(parse_repository_tag(text)[0] for text in one.tags)
        return describe(one.image, archive.name, tags=one.tags, repositories=tuple(repositories))


def get_tar_manifest(path: str | Path) -> list[dict[str, Any]]:
    """Give docker's ``manifest.json``: for each image Config, RepoTags and Layers.

    An OCI archive, which has no such file, gets the entries that docker would write.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is no image archive.
    """
    with Archive(path) as archive:
        return docker_entries(archive)


def extract_original_tags(path: str | Path) -> list[str]:
    """List the tags of every image in an archive (``nginx:alpine``), in its order.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is no image archive.
    """
    with Archive(path) as archive:
        return list(archive.tags)


def get_primary_tag(path: str | Path) -> tuple[str, str] | None:
    """Give repository and tag of the archive's first tag; None where it has none.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is no image archive.
    """
    tags = extract_original_tags(path)
    return parse_repository_tag(tags[0]) if tags else None


def parse_repository_tag(repository_tag: str) -> tuple[str, str]:
    """Split ``nginx:alpine`` into ``("nginx", "alpine")``; without a tag it is ``latest``.

    A registry in front stays with the repository: ``localhost:5000/app`` has no tag. What
    follows an ``@`` is left out.
    """
    name = repository_tag.partition("@")[0]
    head, slash, last = name.rpartition("/")
    repository, _colon, tag = last.partition(":")
    return f"{head}{slash}{repository}", tag or "latest"
