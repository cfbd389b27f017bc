"""Packages of builds without an engine, by a real uv that needs no network."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from keynet.cli.main import run
from keynet.oci.descriptor import MediaType
from tests.fakes.stored_images import store_image
from tests.testbed.made_wheels import make_wheel

from .conftest import Platform
from .test_direct import PYTHON, stored

Capture = pytest.CaptureFixture[str]
SITE = "usr/local/lib/python3.11/site-packages"

pytestmark = pytest.mark.slow


def _layer(files: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def _base_with(platform: Platform, packages: dict[str, str]) -> str:
    """Store Python's own image with a layer of packages, by name and version; return its name."""
    files = {
        f"{SITE}/{name}-{version}.dist-info/METADATA": f"Name: {name}\nVersion: {version}\n"
        for name, version in packages.items()
    }
    opened = [b"a layer of Python's own", _layer(files)]
    document: dict[str, Any] = {
        **PYTHON,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in opened],
        },
        "history": [
            *PYTHON["history"],
            {"created_by": 'CMD ["python3"]', "empty_layer": True},
            {"created_by": "RUN pip install"},
        ],
    }
    layers = [(MediaType.DOCKER_LAYER_GZIP, gzip.compress(each, mtime=0)) for each in opened]
    config = json.dumps(document).encode()
    store_image(platform.registry, "library/more", "1", layers, config=config)
    return f"{platform.registry_host}/library/more:1"


def _push(platform: Platform, base: str, requirements: str, *flags: str) -> int:
    (platform.project / "requirements.txt").write_text(
        f"--no-index\n--find-links ./wheels\n{requirements}"
    )
    arguments = ["push", "train.py", "--base-image", base, "--json", "--builder", "direct"]
    return run([*arguments, *flags])


@pytest.fixture
def wheels(platform: Platform) -> Path:
    folder = platform.project / "wheels"
    folder.mkdir()
    for name in ("first", "second"):
        make_wheel(folder, name, {f"{name}.py": "VERSION = '1.0'\n"})
    return folder


def _installed(platform: Platform, digest: str) -> set[str]:
    _config, layers = stored(platform, digest)
    return {
        path.split("/")[-2]
        for layer in layers
        for path in layer
        if path.startswith("opt/keynet/") and path.endswith(".dist-info/METADATA")
    }


@pytest.mark.usefixtures("wheels")
@pytest.mark.parametrize(
    ("brought", "installed"),
    [
        ({}, {"first-1.0.dist-info", "second-1.0.dist-info"}),
        ({"first": "0.9"}, {"second-1.0.dist-info"}),
        ({"first": "0.9", "second": "0.1"}, {"second-1.0.dist-info"}),
        ({"first": "0.9", "second": "1.5"}, set()),
    ],
)
def test_what_the_base_satisfies_is_left_out(
    brought: dict[str, str], installed: set[str], platform: Platform, capsys: Capture
) -> None:
    base = _base_with(platform, brought)
    assert _push(platform, base, "first\nsecond>=1\n") == 0, capsys.readouterr().err
    result = json.loads(capsys.readouterr().out)
    assert _installed(platform, result["digest"]) == installed


def test_a_package_without_a_wheel_costs_no_upload_key(
    wheels: Path, platform: Platform, capsys: Capture
) -> None:
    (wheels / "third-1.0.tar.gz").write_bytes(gzip.compress(b"", mtime=0))
    base = _base_with(platform, {})
    assert _push(platform, base, "third\n") == 4
    told = capsys.readouterr().err
    assert "third has no wheel for Python 3.11" in told
    assert not [request for request in platform.backend.seen if "images" in str(request)]


@pytest.mark.usefixtures("wheels")
def test_an_unchanged_project_chooses_nothing(platform: Platform, capsys: Capture) -> None:
    base = _base_with(platform, {"first": "0.9"})
    assert _push(platform, base, "first\nsecond>=1\n") == 0
    assert "as before" not in capsys.readouterr().err
    (platform.project / "train.py").write_text("print('changed')\n")
    assert _push(platform, base, "first\nsecond>=1\n") == 0
    assert "as before" in capsys.readouterr().err


def test_hashes_of_requirements_count(wheels: Path, platform: Platform, capsys: Capture) -> None:
    base = _base_with(platform, {})
    digest = hashlib.sha256((wheels / "first-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    assert _push(platform, base, f"first==1.0 --hash=sha256:{digest}\n") == 0
    capsys.readouterr()
    assert _push(platform, base, f"first==1.0 --hash=sha256:{'0' * 64}\n") == 4
    assert "no hash for the wheel of first==1.0" in capsys.readouterr().err


@pytest.mark.usefixtures("wheels")
def test_an_image_is_saved_again_without_its_registry(
    platform: Platform, tmp_path: Path, capsys: Capture
) -> None:
    base = _base_with(platform, {})
    (platform.project / "requirements.txt").write_text("--no-index\n--find-links ./wheels\nfirst\n")
    saved = []
    for name in ("first", "again"):
        before = len(platform.registry.seen)
        output = ["--output", f"oci:{tmp_path / name}"]
        arguments = ["build", "train.py", "--builder", "direct", "--base-image", base, *output]
        assert run(arguments) == 0, capsys.readouterr().err
        blobs = tmp_path / name / "blobs/sha256"
        saved.append({each.name: each.read_bytes() for each in blobs.iterdir()})
    assert saved[0] == saved[1]
    assert platform.registry.seen[before:] == []
