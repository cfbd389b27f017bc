"""Put keynet's uv into docker's store once, as an image, instead of into each build's context.

An image of an engine's own can be mounted by BuildKit and copied from by the legacy builder.
"""

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from keynet.process import shell
from keynet.runtime.build.layer_cache import PREFIX
from keynet.runtime.build.uv_program import UvProgram

__all__ = ["with_image"]

_TIMEOUT_S: Final = 120.0


def with_image(binary: str, uv: UvProgram, architecture: str) -> UvProgram:
    """Return uv with the name of its image, which is loaded if docker does not have it.

    If docker does not load it, the program itself goes into the build.
    """
    name = f"{PREFIX}uv:{uv.key}"
    found = shell.run(shell.Command((binary, "image", "inspect", name)), timeout_s=_TIMEOUT_S)
    if found.status != 0:
        archive = partial(_write, name=name, program=uv.path, architecture=architecture)
        loaded = shell.run(shell.Command((binary, "load"), stdin=archive), timeout_s=_TIMEOUT_S)
        if loaded.status != 0:
            return uv
    return replace(uv, image=name)


def _write(pipe: BinaryIO, *, name: str, program: Path, architecture: str) -> None:
    """Write a docker archive; the same program gives the same image."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _add(tar, "uv", program.read_bytes(), 0o755)
    content = layer.getvalue()
    config = {
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"],
        },
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(fileobj=pipe, mode="w|") as tar:
        _add(tar, "layer.tar", content, 0o644)
        _add(tar, "config.json", json.dumps(config).encode(), 0o644)
        _add(tar, "manifest.json", json.dumps(manifest).encode(), 0o644)


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    tar.addfile(member, io.BytesIO(content))
