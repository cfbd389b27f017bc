"""Layers are the same bytes on every processor, and images for another one run there.

Programs of other processors run under qemu's user mode, without anything registered in the kernel.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.images import Hub, base_archive, copy_to_registry
from tests.testbed.machine import CHECKOUT, need
from tests.testbed.newer import PYTHON, NewerRoot

from .direct_pushing import Pusher
from .pushing import Done, write
from .test_direct import pusher

__all__ = ["pusher"]

pytestmark = pytest.mark.matrix

QEMU = "usr/bin/qemu-aarch64-static"
# What the golden digest of the unit tests is made from.
PROGRAM = (
    "from tests.unit.direct.layers.test_layer_compression import *\n"
    "test_another_library_or_level_changes_the_digest()\n"
    "print('golden')\n"
)
TRAINING = "import numpy, platform\nprint('sum', numpy.arange(10).sum(), platform.machine())\n"


@pytest.fixture(scope="module")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an arm64 Debian with python3, and qemu in it."""
    folder = tmp_path_factory.mktemp("arm64")
    unpacked = folder / "image"
    with tarfile.open(base_archive("arm64")) as archive:
        archive.extractall(unpacked)
    root = folder / "root"
    root.mkdir()
    layer = max((unpacked / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    extract(layer, root)
    return root


def extract(layer: Path, root: Path) -> None:
    subprocess.run(["tar", "-xzf", str(layer), "-C", str(root)], check=True)
    if not (root / QEMU).exists():
        (root / QEMU).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(need("qemu-aarch64-static"), root / QEMU)


def run_there(root: Path, *argv: str) -> str:
    done = subprocess.run(
        ["/usr/sbin/chroot", str(root), f"/{QEMU}", *argv],
        capture_output=True, text=True, check=False, timeout=300, env={"LANG": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("processor", ["core2duo", "Nehalem", "Haswell", "max"])
def test_the_golden_digest_on_old_and_new_x86(processor: str) -> None:
    argv = [need("qemu-x86_64-static"), "-cpu", processor, str(Path(sys.executable).resolve())]
    paths = ":".join([str(CHECKOUT), *(path for path in sys.path if path.endswith("-packages"))])
    done = subprocess.run(
        [*argv, "-c", PROGRAM],
        capture_output=True, text=True, check=False, timeout=300, env={"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.stdout.strip() == "golden", done.stderr


def test_the_golden_digest_on_arm64(arm64: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels)]
    argv += ["--only-binary", ":all:", "--python-version", "3.11"]
    argv += [f"--platform=manylinux{tag}_aarch64" for tag in ("2014", "_2_17", "_2_26", "_2_28")]
    subprocess.run([*argv, "deflate==0.9.0", "isal", "backports.zstd"], check=True)
    packages = arm64 / "packages"
    for wheel in wheels.iterdir():
        zipfile.ZipFile(wheel).extractall(packages)
    for name in ("keynet", "tests"):
        shutil.copytree(CHECKOUT / name, packages / name, dirs_exist_ok=True)
    # The module of the tests names pytest in its decorators and annotations only.
    (packages / "pytest.py").write_text(
        "class mark:\n"
        "    medium = slow = staticmethod(lambda function: function)\n"
        "    parametrize = staticmethod(lambda *a, **k: lambda function: function)\n"
        "MonkeyPatch = object\n"
    )
    program = f"import sys; sys.path.insert(0, '/packages')\n{PROGRAM}"
    assert run_there(arm64, "/usr/bin/python3", "-c", program).strip() == "golden"


def test_an_image_for_arm64_runs_there(
    pusher: Pusher,
    arm64: Path,
    hub: Hub,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    del arm64
    name = "library/python:arm64"
    copy_to_registry(base_archive("arm64"), hub.registry, name)
    context = pusher.context("arm64")
    write(pusher.setup, context / "requirements.txt", "numpy==2.2.6\n")
    write(pusher.setup, context / "train.py", TRAINING)
    told = pusher.setup.keynet(
        *("push", "train.py", "--builder", "direct", "--platform", "linux/arm64", "--json"),
        *("--base-image", f"{hub.registry.host}/{name}"),
        cwd=context,
    )
    done = Done.of(pusher.setup, context, pusher.platform, told)
    root = tmp_path / "root"
    root.mkdir()
    folder = _layers_of(pusher, done, tmp_path_factory, "arm64")
    for layer in _told(folder)[1]:
        extract(folder / "blobs" / layer["digest"].replace(":", "/"), root)
    output = run_there(root, "/opt/keynet/bin/python", "/workspace/train.py")
    assert output.split() == ["sum", "45", "aarch64"]


def test_another_machine_makes_the_same_layers_of_packages(
    pusher: Pusher, newer: NewerRoot, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Another Debian, Python, user and cache; without a Python of the image's version."""
    context = pusher.context("machines")
    write(pusher.setup, context / "requirements.txt", "numpy==2.2.6\nthreadpoolctl==3.6.0\n")
    told = pusher.push(context)
    done = Done.of(pusher.setup, context, pusher.platform, told)
    mine = {
        text: layer["digest"]
        for text, layer in zip(*_told(_layers_of(pusher, done, tmp_path_factory)), strict=True)
    }
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    try:
        there = folder / "context"
        shutil.copytree(context, there)
        arguments = ["build", "train.py", "--builder", "direct", "--base-image", pusher.base]
        newer.run(
            [PYTHON, "-m", "keynet", *arguments, "--output", f"oci:{folder}/image"],
            env={
                **os.environ,
                "PYTHONPATH": str(CHECKOUT),
                "HOME": str(folder),
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
            cwd=there,
        )
        theirs = {
            text: layer["digest"] for text, layer in zip(*_told(folder / "image"), strict=True)
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    of_packages = {text for text in mine if text.startswith(("keynet: numpy", "keynet: thread"))}
    assert len(of_packages) == 2
    for text in of_packages | {"keynet: environment", "keynet: context"}:
        assert mine[text] == theirs[text], text
    assert [text for text in theirs if "byte code" in text] == []


def _layers_of(
    pusher: Pusher, done: Done, factory: pytest.TempPathFactory, arch: str = "amd64"
) -> Path:
    registry = pusher.platform.registry
    assert registry.ca is not None
    folder = factory.mktemp("layers") / "image"
    argv = [need("skopeo"), "--insecure-policy", "copy", "--quiet"]
    argv += ["--src-cert-dir", str(registry.ca.folder)]
    argv += ["--src-creds", f"{registry.username}:{registry.password}", "--override-arch", arch]
    subprocess.run([*argv, f"docker://{done.image}", f"oci:{folder}"], check=True)
    return folder


def _told(layout: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return what made each layer, and their descriptors, of an OCI layout with one image."""

    def blob(digest: str) -> Any:
        return json.loads((layout / "blobs" / digest.replace(":", "/")).read_bytes())

    manifest = blob(json.loads((layout / "index.json").read_text())["manifests"][0]["digest"])
    config = blob(manifest["config"]["digest"])
    made = [each["created_by"] for each in config["history"] if not each.get("empty_layer")]
    return made, manifest["layers"]
