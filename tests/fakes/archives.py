"""Image archives of every layout, sound or broken, from a seed: written as the engines do."""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import random
import tarfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from backports import zstd

from keynet.oci.descriptor import MediaType

__all__ = [
    "FakeImage",
    "Member",
    "digest",
    "docker_new",
    "docker_old",
    "layer_of",
    "layer_tar",
    "link",
    "make_image",
    "oci",
    "pack",
    "podman",
    "random_image",
    "tar",
    "unpack",
]

# Keeps a blob and returns its digest and size.
Put = Callable[[bytes], dict[str, object]]


@dataclass(frozen=True)
class Member:
    """One tar member; ``size`` may lie about the content."""

    name: str
    content: bytes = b""
    type: bytes = tarfile.REGTYPE
    target: str = ""
    size: int | None = None


@dataclass(frozen=True)
class FakeImage:
    """An image's uncompressed layers and its config."""

    layers: tuple[bytes, ...]
    config: bytes
    tags: tuple[str, ...] = ()
    platform: dict[str, str] = field(
        default_factory=lambda: {"os": "linux", "architecture": "amd64"}
    )


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> Member:
    return Member(name, type=kind, target=target)


def tar(members: Iterable[Member], *, format_: Literal[0, 1, 2] = tarfile.GNU_FORMAT) -> bytes:
    """Write a tar; a member whose ``size`` lies gets a header alone to match."""
    out = io.BytesIO()
    for member in members:
        info = tarfile.TarInfo(member.name)
        info.type, info.linkname = member.type, member.target
        info.size = len(member.content) if member.size is None else member.size
        info.mode = 0o755 if member.type == tarfile.DIRTYPE else 0o644
        out.write(info.tobuf(format_, "utf-8", "surrogateescape"))
        out.write(member.content)
        out.write(b"\0" * (-len(member.content) % 512))
    out.write(b"\0" * 1024)
    return out.getvalue()


def layer_tar(rng: random.Random, size: int = 2000) -> bytes:
    """Write a layer with one file: half of it random, half of it not."""
    content = rng.randbytes(size // 2) + b"x" * (size - size // 2)
    return tar(
        [Member("dir", type=tarfile.DIRTYPE), Member(f"dir/{rng.randrange(10**6)}", content)]
    )


def layer_of(seed: int) -> bytes:
    """Return a small layer that follows from the seed."""
    return layer_tar(random.Random(seed))


def make_image(
    layers: Sequence[bytes],
    tags: Sequence[str] = (),
    *,
    os: str = "linux",
    architecture: str = "amd64",
    variant: str | None = None,
    **config: object,
) -> FakeImage:
    """Return an image of these layers; further keywords go into its config."""
    platform = {"os": os, "architecture": architecture} | ({"variant": variant} if variant else {})
    document = {
        "created": "2026-01-02T03:04:05.123456789Z",
        **platform,
        "config": {
            "Cmd": ["/bin/true"],
            "Env": ["PATH=/bin"],
            "WorkingDir": "/w",
            "Labels": {"a": "b"},
            "ExposedPorts": {"80/tcp": {}},
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        "history": [
            {"created": "2026-01-02T03:04:05Z", "created_by": f"COPY {number}"}
            for number, _layer in enumerate(layers)
        ]
        + [{"created_by": "CMD", "empty_layer": True}],
        **config,
    }
    return FakeImage(tuple(layers), json.dumps(document).encode(), tuple(tags), platform)


def random_image(
    seed: int, layers: int = 3, tags: Sequence[str] = ("app:1",), size: int = 2000
) -> FakeImage:
    """Return an image whose content follows from the seed."""
    rng = random.Random(seed)
    return make_image([layer_tar(rng, size) for _number in range(layers)], tags)


def docker_old(*images: FakeImage) -> list[Member]:
    """As docker before 25: ``<id>/layer.tar``, a repeated layer as a link to the first."""
    members: list[Member] = []
    entries = []
    first: dict[bytes, str] = {}
    for image in images:
        paths = []
        for number, layer in enumerate(image.layers):
            identity = _hex(f"{image.config!r}{number}".encode())
            path = f"{identity}/layer.tar"
            members.append(Member(identity, type=tarfile.DIRTYPE))
            members.append(Member(f"{identity}/VERSION", b"1.0"))
            members.append(Member(f"{identity}/json", b"{}"))
            if layer in first:
                members.append(link(path, f"../{first[layer]}"))
            else:
                first[layer] = path
                members.append(Member(path, layer))
            paths.append(path)
        name = f"{_hex(image.config)}.json"
        members.append(Member(name, image.config))
        entries.append({"Config": name, "RepoTags": list(image.tags) or None, "Layers": paths})
    members.append(Member("manifest.json", json.dumps(entries).encode()))
    members.append(Member("repositories", b"{}"))
    return members


def podman(*images: FakeImage) -> list[Member]:
    """As podman and skopeo: ``<diff id>.tar``, with links of the old layout."""
    members: dict[str, Member] = {}
    entries = []
    for image in images:
        paths = []
        for number, layer in enumerate(image.layers):
            path = f"{_hex(layer)}.tar"
            members[path] = Member(path, layer)
            identity = _hex(f"{image.config!r}{number}".encode())
            members[f"{identity}/layer.tar"] = link(f"{identity}/layer.tar", f"../{path}")
            paths.append(path)
        name = f"{_hex(image.config)}.json"
        members[name] = Member(name, image.config)
        entries.append({"Config": name, "RepoTags": list(image.tags), "Layers": paths})
    return [*members.values(), Member("manifest.json", json.dumps(entries).encode())]


def docker_new(*images: FakeImage, attestation: bool = False) -> list[Member]:
    """As docker since 25: an OCI layout with uncompressed layers beside manifest.json."""
    members = {
        member.name: member for member in oci(*images, compress="none", attestation=attestation)
    }
    entries = [
        {
            "Config": f"blobs/sha256/{_hex(image.config)}",
            "RepoTags": list(image.tags) or None,
            "Layers": [f"blobs/sha256/{_hex(layer)}" for layer in image.layers],
        }
        for image in images
    ]
    return [*members.values(), Member("manifest.json", json.dumps(entries).encode())]


def oci(
    *images: FakeImage,
    compress: str = "gzip",
    attestation: bool = False,
    nested: bool = False,
    annotation: str = "io.containerd.image.name",
) -> list[Member]:
    """As buildah, skopeo and buildx: ``nested`` puts all images under one inner index."""
    blobs: dict[str, bytes] = {}

    def put(content: bytes) -> dict[str, object]:
        blobs[f"blobs/sha256/{_hex(content)}"] = content
        return {"digest": digest(content), "size": len(content)}

    listed: list[dict[str, object]] = []
    for image in images:
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MediaType.OCI_MANIFEST,
                "config": {"mediaType": MediaType.OCI_CONFIG, **put(image.config)},
                "layers": [_layer(layer, compress, put) for layer in image.layers],
            }
        ).encode()
        entry: dict[str, object] = {"mediaType": MediaType.OCI_MANIFEST, **put(manifest)}
        entry["platform"] = image.platform
        if nested or not image.tags:
            listed.append(entry)
        else:
            listed += [{**entry, "annotations": {annotation: tag}} for tag in image.tags]
        if attestation:
            listed.append(_attestation(put, digest(manifest)))
    if nested:
        inner = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": listed}
        listed = [
            {
                "mediaType": MediaType.OCI_INDEX,
                **put(json.dumps(inner).encode()),
                "annotations": {annotation: images[0].tags[0]},
            }
        ]
    index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": listed}
    return [
        Member("blobs", type=tarfile.DIRTYPE),
        Member("blobs/sha256", type=tarfile.DIRTYPE),
        *(Member(name, content) for name, content in blobs.items()),
        Member("index.json", json.dumps(index).encode()),
        Member("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
    ]


def _layer(layer: bytes, compress: str, put: Put) -> dict[str, object]:
    if compress == "gzip":
        return {"mediaType": MediaType.OCI_LAYER_GZIP, **put(gzip.compress(layer, mtime=0))}
    if compress == "zstd":
        return {"mediaType": MediaType.OCI_LAYER_ZSTD, **put(zstd.compress(layer))}
    return {"mediaType": MediaType.OCI_LAYER, **put(layer)}


def _attestation(put: Put, subject: str) -> dict[str, object]:
    config = json.dumps(
        {"architecture": "unknown", "os": "unknown", "rootfs": {"type": "layers", "diff_ids": []}}
    ).encode()
    statement = {"mediaType": "application/vnd.in-toto+json", **put(b'{"_type":"statement"}')}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_MANIFEST,
        "config": {"mediaType": MediaType.OCI_CONFIG, **put(config)},
        "layers": [statement],
    }
    return {
        "mediaType": MediaType.OCI_MANIFEST,
        **put(json.dumps(manifest).encode()),
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject,
        },
        "platform": {"os": "unknown", "architecture": "unknown"},
    }


def write(path: Path, members: Iterable[Member], compression: str = "none") -> Path:
    """Write members to a file, plain or compressed."""
    path.write_bytes(pack(tar(members), compression))
    return path


def pack(content: bytes, compression: str) -> bytes:
    """Compress as gzip, zstd, xz or bzip2 do; ``"none"`` does nothing."""
    match compression:
        case "gzip":
            return gzip.compress(content, 1, mtime=0)
        case "zstd":
            return zstd.compress(content)
        case "xz":
            return lzma.compress(content, preset=0)
        case "bzip2":
            return bz2.compress(content, 1)
        case _:
            return content


def unpack(folder: Path, members: Iterable[Member]) -> Path:
    """Write members as files of a folder."""
    for member in members:
        path = folder / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.type == tarfile.REGTYPE:
            path.write_bytes(member.content)
    return folder
