"""Wheels of the size and shape of torch and its libraries, pushed without an engine.

Each process stays below 100 MB, a library is a layer that other projects share, and engines run
what comes of it.
"""

import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.made_wheels import make_wheel, serving
from tests.testbed.memory import peaks

from .direct_pushing import Pusher
from .pushing import Done, run_image, write
from .test_direct import pusher, raw_manifest

__all__ = ["pusher"]

MIB: Final = 1 << 20
MOST_MEMORY: Final = 100_000_000
# Wheels by name: their libraries with MiB that do not shrink, and MiB that do.
TORCH: Final = {
    "torchlike": {"torchlike/lib/libtorchlike_cpu.so": (45, 60), "torchlike/_C.so": (0, 2)},
    "nvidia_likeblas": {"nvidia/likeblas/lib/liblikeblas.so.12": (20, 10)},
    "nvidia_likednn": {"nvidia/likednn/lib/liblikednn.so.9": (4, 8)},
}
CHECK: Final = """\
import hashlib, importlib.metadata, json, sysconfig, torchlike.ops.op7
root = sysconfig.get_path("purelib")
digests = {{}}
for path in json.loads({paths!r}):
    with open(f"{{root}}/{{path}}", "rb") as file:
        digests[path] = hashlib.file_digest(file, "sha256").hexdigest()
print("FOUND" + json.dumps(digests))
"""


def content(path: str, dense: int, thin: int) -> bytes:
    """Return the bytes of a library: sections that do not shrink, among tables that do."""
    block = random.Random(path).randbytes(MIB)
    table = bytes(range(64)) * (MIB // 64)
    parts = [block[number:] + block[:number] for number in range(dense)]
    return b"\x7fELF" + b"".join(parts) + table * thin


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Serve the wheels; yield the address, and the digest of each library by its path."""
    folder = tmp_path_factory.mktemp("big")
    digests = {}
    for name, files in TORCH.items():
        made: dict[str, str | bytes] = {}
        for path, (dense, thin) in files.items():
            made[path] = content(path, dense, thin)
            digests[path] = hashlib.sha256(made[path]).hexdigest()  # type: ignore[arg-type]
        if name == "torchlike":
            made |= {f"torchlike/ops/op{number}.py": module(number) for number in range(400)}
            made["torchlike/__init__.py"] = "NAME = 'torchlike'\n"
        make_wheel(folder, name, made)
    with serving(folder, made=True) as url:
        yield url, digests


def module(number: int) -> str:
    """Return the text of a module of a kind that packages have hundreds of."""
    functions = [
        f"def call_{number}_{each}(value, scale={each}):\n    return [value * scale] * {each}\n"
        for each in range(60)
    ]
    return "\n\n".join(functions)


def project(pusher: Pusher, name: str, libraries: tuple[str, Mapping[str, str]]) -> Path:
    url, digests = libraries
    folder = pusher.setup.home / name
    names = "\n".join(f"{each}==1.0" for each in TORCH)
    write(pusher.setup, folder / "requirements.txt", f"--find-links {url}\n{names}\n")
    write(pusher.setup, folder / "check.py", CHECK.format(paths=json.dumps(list(digests))))
    return folder


@pytest.fixture(scope="module")
def done(
    pusher: Pusher, libraries: tuple[str, Mapping[str, str]]
) -> tuple[Done, Mapping[str, int]]:
    """Push once; return what was seen, and the most memory of each process."""
    context = project(pusher, "torchlike", libraries)
    uid = pusher.setup.home.stat().st_uid
    with peaks(uid) as found:
        pushed = pusher.done(context, "check.py")
    return pushed, found


def test_no_process_takes_100_mb(done: tuple[Done, Mapping[str, int]]) -> None:
    _pushed, found = done
    # keynet's own, uv, and the one that makes byte code.
    assert any("keynet" in name for name in found)
    assert {name: size for name, size in found.items() if size >= MOST_MEMORY} == {}


def test_a_library_is_sent_once_and_by_its_compressed_size(
    done: tuple[Done, Mapping[str, int]], pusher: Pusher, libraries: tuple[str, Mapping[str, str]]
) -> None:
    pushed, _memory = done
    sizes = [each["size"] for each in raw_manifest(pusher.platform, pushed.image)["layers"]]
    for files in TORCH.values():
        dense = sum(each[0] for each in files.values()) * MIB
        assert [size for size in sizes if dense < size < dense * 1.1], sizes
    # Another project with the same libraries.
    other = project(pusher, "another", libraries)
    write(pusher.setup, other / "more.py", "print('more')\n")
    again = pusher.done(other, "check.py")
    assert again.result["bytes_pushed"] < 64_000


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param("podman", marks=pytest.mark.podman),
        pytest.param("buildah", marks=[pytest.mark.buildah, pytest.mark.matrix]),
        pytest.param("docker-legacy", marks=[pytest.mark.docker, pytest.mark.matrix]),
    ],
)
def test_engines_find_each_library_as_it_was_published(
    engine: str,
    done: tuple[Done, Mapping[str, int]],
    libraries: tuple[str, Mapping[str, str]],
    host_setups: HostSetups,
) -> None:
    setup = host_setups.named(engine)
    there = replace(done[0], setup=setup, command=("python", "check.py"))
    output = run_image(there)
    try:
        line = next(each for each in output.splitlines() if each.startswith("FOUND"))
        assert json.loads(line.removeprefix("FOUND")) == libraries[1]
    finally:
        if setup.builder == "docker":
            # Other tests of the session look at all images of this daemon.
            setup.engine("docker", "rmi", "--force", there.image)
