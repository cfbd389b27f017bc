"""What an image in a registry holds, read from its layers without any engine."""

import json
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .machine import need
from .registry import RegistryServer

__all__ = ["Entry", "PulledImage", "pull"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: ``kind`` is file, folder or link; ``content`` is the link's target then."""

    kind: str
    mode: int
    content: bytes


@dataclass(frozen=True, slots=True)
class PulledImage:
    """A pulled image; ``layers`` are tar files, base first."""

    manifest: dict[str, Any]
    config: dict[str, Any]
    config_text: str
    layers: tuple[Path, ...]

    def files(self, below: str) -> dict[str, Entry]:
        """Return the files below an absolute folder, by path relative to it."""
        found: dict[str, Entry] = {}
        for layer in self.layers:
            with tarfile.open(layer) as tar:
                for member in tar:
                    self._apply(found, tar, member, below.strip("/") + "/")
        return found

    def holds(self, needle: bytes) -> list[str]:
        """Return the names of all files, in any layer, that contain these bytes."""
        found = []
        for layer in self.layers:
            with tarfile.open(layer) as tar:
                for member in tar:
                    stream = tar.extractfile(member) if member.isreg() else None
                    if stream is not None and needle in stream.read():
                        found.append(member.name)
        return found

    @staticmethod
    def _apply(
        found: dict[str, Entry], tar: tarfile.TarFile, member: tarfile.TarInfo, prefix: str
    ) -> None:
        name = member.name.removeprefix("./").removeprefix("/")
        if not name.startswith(prefix):
            return
        path = name.removeprefix(prefix)
        folder, _, last = path.rpartition("/")
        if last.startswith(".wh."):
            gone = f"{folder}/{last[4:]}".lstrip("/")
            for known in [k for k in found if k == gone or k.startswith(f"{gone}/")]:
                del found[known]
        elif member.isdir():
            found[path] = Entry("folder", member.mode & 0o777, b"")
        elif member.issym():
            found[path] = Entry("link", 0, member.linkname.encode())
        else:
            stream = tar.extractfile(member)
            assert stream is not None, member
            found[path] = Entry("file", member.mode & 0o777, stream.read())


def pull(registry: RegistryServer, reference: str, folder: Path) -> PulledImage:
    """Pull by skopeo into ``folder`` with the registry's own credentials."""
    argv = [need("skopeo"), "--insecure-policy", "copy", "--quiet", "--src-creds"]
    argv.append(f"{registry.username}:{registry.password}")
    if registry.ca is not None:
        argv += ["--src-cert-dir", str(registry.ca.folder)]
    argv += [f"docker://{reference}", f"dir:{folder}"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    config = folder / _file(manifest["config"])
    layers = tuple(folder / _file(layer) for layer in manifest["layers"])
    text = config.read_text()
    return PulledImage(manifest, json.loads(text), text, layers)


def _file(descriptor: dict[str, Any]) -> str:
    return str(descriptor["digest"]).partition(":")[2]
