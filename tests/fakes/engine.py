"""A program that answers as buildah or podman does, for what no real engine can be made to do.

``install(folder)`` writes it under each name. It keeps its calls in ``calls.jsonl`` beside it,
pushes a tiny image by plain HTTP, and takes its behaviour from FAKE_ENGINE, words separated
by spaces: ``fail-build``, ``fail-run`` (RUN steps fail), ``denied``, ``hang-build``,
``no-base``, ``user=NAME`` (the base image's), ``rootless``, ``vfs``.
"""

import hashlib
import json
import os
import re
import stat
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NoReturn

__all__ = ["IMAGE_ID", "calls", "install"]

IMAGE_ID = hashlib.sha256(b"the image").hexdigest()
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
VERSIONS = {"buildah": "1.28.2", "podman": "4.3.1"}


def install(folder: Path, *names: str) -> None:
    """Write the program under these names; the folder goes into PATH."""
    folder.mkdir(exist_ok=True)
    for name in names:
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nimport sys\n"
            f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
            "from tests.fakes.engine import main\nmain(sys.argv)\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)


def calls(folder: Path) -> list[list[str]]:
    """Give every argv that the programs in this folder were called with, in order."""
    file = folder / "calls.jsonl"
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]


def main(argv: list[str]) -> NoReturn:
    """Answer one call."""
    program = Path(argv[0])
    with program.with_name("calls.jsonl").open("a") as log:
        log.write(json.dumps([program.name, *argv[1:]]) + "\n")
    words = os.environ.get("FAKE_ENGINE", "").split()
    verb, *rest = _without_globals(argv[1:])
    sys.exit(_answer(program.name, verb, rest, words))


def _without_globals(arguments: list[str]) -> list[str]:
    while arguments and arguments[0].startswith("--"):
        flag = arguments.pop(0)
        if flag in {"--root", "--runroot", "--storage-driver", "--runtime"}:
            arguments.pop(0)
        elif flag == "--version":
            return ["version"]
    return arguments or ["help"]


def _answer(name: str, verb: str, rest: list[str], words: list[str]) -> int:
    match verb:
        case "version":
            print(f"{name} version {VERSIONS[name]} (image-spec 1.1)")
        case "info":
            print(json.dumps(_info(name, words)))
        case "unshare":
            print("         0       1000          1\n         1     100000      65536")
        case "build":
            return _build(rest, words)
        case "inspect":
            if "no-base" in words:
                print("Error: image not known", file=sys.stderr)
                return 125
            print(next((w.removeprefix("user=") for w in words if w.startswith("user=")), ""))
        case "images":
            print("[]")
        case "push":
            return _push(rest, words)
        case "login":
            if "denied" in words:
                print("Error: invalid username/password", file=sys.stderr)
                return 125
            if not sys.stdin.read():
                print("Error: no password", file=sys.stderr)
                return 125
            print("Login Succeeded!")
        case _:
            return 0
    return 0


def _info(name: str, words: list[str]) -> dict[str, object]:
    rootless = "rootless" in words
    driver = "vfs" if "vfs" in words else "overlay"
    if name == "podman":
        host = {"arch": "amd64", "security": {"rootless": rootless}, "ociRuntime": {"name": "crun"}}
        return {"host": host, "store": {"graphDriverName": driver, "graphRoot": "/nonexistent"}}
    return {
        "host": {"arch": "amd64", "rootless": rootless, "OCIRuntime": "crun"},
        "store": {"GraphDriverName": driver, "GraphRoot": "/nonexistent"},
    }


def _build(arguments: list[str], words: list[str]) -> int:
    text = Path(arguments[arguments.index("--file") + 1]).read_text()
    steps = [line for line in text.splitlines() if re.match("[A-Z]+ ", line)]
    if "hang-build" in words and "FROM scratch" not in steps:
        print("STEP 1/1: RUN sleep 600", flush=True)
        time.sleep(600)
    for number, step in enumerate(steps, 1):
        print(f"STEP {number}/{len(steps)}: {step}", flush=True)
        failing = "fail-build" in words and "FROM scratch" not in steps and step.startswith("COPY")
        if failing or ("fail-run" in words and step.startswith("RUN")):
            print("something said why", file=sys.stderr)
            print(f"Error: building at STEP {step!r}: exit status 1", file=sys.stderr)
            return 125
        print(f"--> {IMAGE_ID[:11]}", flush=True)
    print(IMAGE_ID)
    return 0


def _push(arguments: list[str], words: list[str]) -> int:
    target = arguments[-1]
    if not target.startswith("docker://"):
        Path(target.partition(":")[2]).write_bytes(b"an archive")
        return 0
    if "denied" in words:
        print(f"Error: writing blob to {target}: unauthorized: access denied", file=sys.stderr)
        return 125
    host, _slash, path = target.removeprefix("docker://").partition("/")
    repository, _colon, tag = path.rpartition(":")
    config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers"}})
    blob = {"mediaType": "application/vnd.oci.image.config.v1+json", **_described(config.encode())}
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob, "layers": []}
    body = json.dumps(manifest).encode()
    _put_blob(f"http://{host}/v2/{repository}", config.encode())
    _request("PUT", f"http://{host}/v2/{repository}/manifests/{tag}", body, OCI_MANIFEST)
    digestfile = arguments[arguments.index("--digestfile") + 1]
    Path(digestfile).write_text(str(_described(body)["digest"]))
    print("Copying config sha256:" + IMAGE_ID, file=sys.stderr)
    return 0


def _described(content: bytes) -> dict[str, object]:
    return {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def _put_blob(base: str, content: bytes) -> None:
    location = _request("POST", f"{base}/blobs/uploads/", b"", "")
    where = location if "://" in location else "/".join(base.split("/")[:3]) + location
    glue = "&" if "?" in where else "?"
    digest = _described(content)["digest"]
    _request("PUT", f"{where}{glue}digest={digest}", content, "application/octet-stream")


def _request(method: str, url: str, body: bytes, kind: str) -> str:
    request = urllib.request.Request(url, body, method=method, headers={"Content-Type": kind})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return str(answer.headers.get("Location", ""))
