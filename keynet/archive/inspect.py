"""Archives and images looked into: what is in them, and whether it is sound."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from keynet.archive.compression import Compression, Opener
from keynet.archive.contents import ArchivedImage
from keynet.archive.docker_archive import MANIFEST
from keynet.archive.layers import FileLayer
from keynet.archive.reader import Archive
from keynet.archive.wire import ConfigModel, HistoryModel, ManifestModel, parse
from keynet.errors import InvalidArchive
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.validate import Decompress, LayerCheck, document_problems
from keynet.oci.values import ImageConfig, ImageInspect, LayerInfo
from keynet.text import _

__all__ = ["check_archive", "decompressors", "describe", "docker_entries"]

_MOST_BRACKETS: Final = 100_000


def describe(
    image: Image, name: str, *, tags: Sequence[str] = (), repositories: Sequence[str] = ()
) -> ImageInspect:
    """Put together what manifest and config say of an image.

    Args:
        image: Its layers are not read.
        name: Where it comes from, for errors.
        tags: Its names with tags.
        repositories: Without tags; each is named with the manifest's digest.

    Raises:
        InvalidArchive: Manifest or config is not what it should be.
    """
    manifest = parse(ManifestModel, image.manifest, name, _("manifest"))
    config = parse(ConfigModel, image.config, name, _("config"))
    digest = Digest.of(image.manifest)
    layers = _layers(image, config)
    return ImageInspect(
        id=str(Digest.of(image.config)),
        config=_config(config),
        layers=layers,
        repo_tags=tuple(tags),
        repo_digests=tuple(f"{repository}@{digest}" for repository in repositories)
        or (str(digest),),
        created=_time(config.created),
        architecture=config.architecture,
        os=config.os,
        variant=config.variant,
        author=config.author or "",
        comment=config.comment or "",
        media_type=manifest.media_type or MediaType.OCI_MANIFEST,
        size=sum(layer.size for layer in layers),
    )


def check_archive(path: str | Path) -> list[str]:
    """Read every byte of an archive and list, as texts for people, what is wrong in it.

    Returns:
        Nothing for a sound archive.

    Raises:
        ArchiveNotFound: Nothing is there.
        InvalidArchive: It is no image archive at all, or hostile.
    """
    with Archive(path) as archive:
        found: list[str] = []
        checked: set[tuple[Digest, Digest]] = set()
        for one in archive.images:
            found += document_problems(one.image)
            found += _layer_problems(archive, one, checked)
        return found


def docker_entries(archive: Archive) -> list[dict[str, Any]]:
    """Give the entries of docker's ``manifest.json``: Config, RepoTags, Layers.

    An OCI archive without that file gets the entries that docker would write.

    Raises:
        InvalidArchive: The document has more brackets than an image archive ever needs.
    """
    document = archive.docker_manifest()
    if document is None:
        return [
            {
                "Config": _blob_name(Digest.of(one.image.config)),
                "RepoTags": list(one.tags),
                "Layers": [_blob_name(layer.descriptor.digest) for layer in one.image.layers],
            }
            for one in archive.images
        ]
    # Python's lists and dicts take thirty times the bytes of their brackets.
    if document.count(b"[") + document.count(b"{") > _MOST_BRACKETS:
        raise InvalidArchive(
            _("{archive}: {member}: it has too many brackets.").format(
                archive=archive.name, member=MANIFEST
            )
        )
    entries: list[dict[str, Any]] = json.loads(document)
    return entries


def decompressors(name: str) -> dict[str, Callable[[], Decompress]]:
    """Give what opens each compressed type of layer, for ``oci.validate.problems``."""

    def gzip() -> Decompress:
        return Opener(Compression.GZIP, name).feed

    def zstd() -> Decompress:
        return Opener(Compression.ZSTD, name).feed

    return {
        MediaType.OCI_LAYER_GZIP: gzip,
        MediaType.DOCKER_LAYER_GZIP: gzip,
        MediaType.OCI_LAYER_ZSTD: zstd,
    }


def _blob_name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _layer_problems(
    archive: Archive, one: ArchivedImage, checked: set[tuple[Digest, Digest]]
) -> list[str]:
    found: list[str] = []
    for layer in one.image.layers:
        assert isinstance(layer, FileLayer)
        key = (layer.descriptor.digest, layer.diff_id)
        if key in checked:
            continue
        checked.add(key)
        name = f"{archive.name}: {layer.member}"
        check = LayerCheck(layer.descriptor, layer.diff_id, decompressors(name))
        try:
            for block in layer.blocks():
                check.feed(block)
        except InvalidArchive as error:
            found.append(error.message)
        else:
            found += [f"{layer.member}: {problem}" for problem in check.problems()]
    return found


def _layers(image: Image, config: ConfigModel) -> tuple[LayerInfo, ...]:
    history = [line for line in config.history or () if not line.empty_layer]
    if len(history) != len(image.layers):
        history = [HistoryModel()] * len(image.layers)
    return tuple(
        LayerInfo(
            digest=str(layer.descriptor.digest),
            size=layer.descriptor.size,
            media_type=layer.descriptor.media_type,
            diff_id=str(layer.diff_id),
            created=_time(line.created),
            created_by=line.created_by,
        )
        for layer, line in zip(image.layers, history, strict=True)
    )


def _config(config: ConfigModel) -> ImageConfig:
    run = config.config
    return ImageConfig(
        architecture=config.architecture,
        os=config.os,
        variant=config.variant,
        created=_time(config.created),
        cmd=tuple((run and run.cmd) or ()),
        entrypoint=tuple((run and run.entrypoint) or ()),
        env=tuple((run and run.env) or ()),
        user=(run and run.user) or "",
        working_dir=(run and run.working_dir) or None,
        exposed_ports=tuple((run and run.exposed_ports) or ()),
        labels=dict((run and run.labels) or {}),
        diff_ids=tuple(config.rootfs.diff_ids or ()),
    )


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # A date nobody can read is shown as none; the image works all the same.
        return None
