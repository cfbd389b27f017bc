"""A base image with a layer more, as whoever builds on Python's image makes one."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping

from .raw_registry import MANIFEST, digest, get, put, upload
from .registry import RegistryServer

__all__ = ["add_layer", "package_files"]

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def add_layer(registry: RegistryServer, source: str, target: str, files: Mapping[str, str]) -> None:
    """Store ``target``: ``source`` with these files by path.

    Args:
        registry: An open one, without TLS.
        source: ``repository:tag`` of one image.
        target: Another tag of the same repository.
    """
    repository, _colon, tag = source.rpartition(":")
    manifest = json.loads(get(registry, f"{repository}/manifests/{tag}"))
    config = json.loads(get(registry, f"{repository}/blobs/{manifest['config']['digest']}"))
    content = _tar(files)
    layer = gzip.compress(content, mtime=0)
    config["rootfs"]["diff_ids"].append(digest(content))
    config.setdefault("history", []).append({"created_by": "RUN pip install"})
    manifest["layers"].append({"mediaType": _LAYER, "digest": digest(layer), "size": len(layer)})
    text = json.dumps(config).encode()
    manifest["config"].update(digest=digest(text), size=len(text))
    for blob in (layer, text):
        upload(registry, repository, blob)
    put(registry, repository, target.rpartition(":")[2], json.dumps(manifest).encode(), MANIFEST)


def package_files(folder: str, name: str, version: str, *required: str) -> dict[str, str]:
    """Return an installed package with one module, below a folder of packages."""
    needs = "".join(f"Requires-Dist: {each}\n" for each in required)
    info = f"{folder}/{name}-{version}.dist-info"
    return {
        f"{folder}/{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": (
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\nAbout it.\n"
        ),
        f"{info}/RECORD": "",
    }


def _tar(files: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()
