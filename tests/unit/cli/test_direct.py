"""Builds without an engine, from the command line to a registry in memory."""

import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keynet.cli.main import run
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from tests.fakes.registry import MemoryRegistry
from tests.fakes.stored_images import entry, store_image, store_index

from .conftest import Platform

Capture = pytest.CaptureFixture[str]
PYTHON = {
    "os": "linux",
    "architecture": "amd64",
    "created": "2024-01-01T00:00:00Z",
    "config": {
        "Env": [
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "PYTHON_VERSION=3.11.9",
            "PYTHON_SHA256=9b1e896523fc510691126c864406d9360a3d1e986acbda59cda57b5abda45b87",
        ],
        "Entrypoint": ["/start"],
    },
    "history": [{"created_by": "# debian.sh --arch 'amd64' out/ 'bookworm' '@1719792000'"}],
}


def base(platform: Platform, **config: Any) -> str:
    """Store a base image of one layer; return its name."""
    return f"{platform.registry_host}/{store_base(platform.registry, config=config)}"


def base_index(platform: Platform) -> str:
    """Store a base for two platforms; return its name."""
    entries = []
    for architecture in ("amd64", "arm64"):
        store_base(platform.registry, architecture=architecture)
        held = platform.registry.repository("library/python")
        digest = Digest.parse(held.tags["slim"])
        media_type, content = held.manifests[str(digest)]
        described = Descriptor(media_type, digest, len(content))
        entries.append(entry(described, {"os": "linux", "architecture": architecture}))
    store_index(platform.registry, "library/python", "both", entries)
    return f"{platform.registry_host}/library/python:both"


def store_base(
    registry: MemoryRegistry,
    *,
    architecture: str = "amd64",
    config: dict[str, object] | None = None,
) -> str:
    """Store a base image of one layer; return its name without the registry."""
    content = gzip.compress(b"a layer of the base", mtime=0)
    document: dict[str, Any] = {
        **PYTHON,
        "architecture": architecture,
        "config": {**PYTHON["config"], **(config or {})},  # type: ignore[dict-item]
    }
    diff_id = f"sha256:{hashlib.sha256(b'a layer of the base').hexdigest()}"
    document["rootfs"] = {"type": "layers", "diff_ids": [diff_id]}
    layers = [(MediaType.DOCKER_LAYER_GZIP, content)]
    store_image(registry, "library/python", "slim", layers, config=json.dumps(document).encode())
    return "library/python:slim"


def keynet(*arguments: str) -> int:
    return run(list(arguments))


def push(platform: Platform, capsys: Capture, *flags: str, builder: str = "direct") -> Any:
    """Push, and return the result."""
    arguments = ["push", "train.py", "--base-image", base(platform), "--json", *flags]
    assert keynet(*arguments, "--builder", builder) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def stored(platform: Platform, digest: str) -> tuple[dict[str, Any], list[dict[str, bytes]]]:
    """Return an image's config, and the files of the layers made by keynet."""
    held = platform.registry.repository("kitech-model/abc123xyz456789012345")
    manifest = json.loads(held.manifests[digest][1])
    layers = [held.blobs[each["digest"]] for each in manifest["layers"]]
    config = json.loads(held.blobs[manifest["config"]["digest"]])
    return config, [_files(layer) for layer in layers[1:]]


def _files(layer: bytes) -> dict[str, bytes]:
    found = {}
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(layer))) as tar:
        for member in tar:
            file = tar.extractfile(member) if member.isreg() else None
            found[member.name] = file.read() if file else member.linkname.encode()
            assert (member.uid, member.gid, member.uname, member.mtime) == (0, 0, "", 0)
    return found


@pytest.mark.medium
def test_a_script_is_pushed_with_the_layers_of_its_base(
    platform: Platform, capsys: Capture
) -> None:
    result = push(platform, capsys)
    assert result["builder"]["name"] == "direct"
    config, (programs, code) = stored(platform, result["digest"])
    assert code["workspace/train.py"] == (platform.project / "train.py").read_bytes()
    assert programs["opt/keynet/bin/python"] == b"/usr/bin/python3"
    run_config = config["config"]
    assert run_config["Cmd"] == ["python", "train.py"]
    assert run_config["WorkingDir"] == "/workspace"
    assert "Entrypoint" not in run_config
    assert run_config["Env"][0].endswith(":/opt/keynet/bin:/opt/keynet/scripts")


@pytest.mark.medium
def test_the_same_project_gives_the_same_digest(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = push(platform, capsys)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another"))
    (platform.project / "train.py").touch()
    assert push(platform, capsys)["digest"] == first["digest"]


@pytest.mark.medium
def test_a_second_push_sends_the_code_alone(platform: Platform, capsys: Capture) -> None:
    push(platform, capsys)
    before = platform.registry.bytes_received
    (platform.project / "train.py").write_text("print('changed')\n")
    result = push(platform, capsys)
    assert result["bytes_pushed"] < 3000
    assert platform.registry.bytes_received - before < 10_000


@pytest.mark.medium
def test_a_second_push_asks_nothing_of_the_base_but_its_tag(
    platform: Platform, capsys: Capture
) -> None:
    push(platform, capsys)
    del platform.registry.seen[:]
    push(platform, capsys)
    asked = [seen.url for seen in platform.registry.seen if seen.method == "GET"]
    assert asked
    assert not [url for url in asked if "library/python" in url]


@pytest.mark.medium
def test_zstd_is_for_layers_made_here_and_no_engine(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gzipped = push(platform, capsys)
    monkeypatch.setenv("KEYNET_COMPRESSION", "zstd")
    # auto would take an engine otherwise.
    result = push(platform, capsys, builder="auto")
    assert result["builder"]["name"] == "direct"
    held = platform.registry.repository("kitech-model/abc123xyz456789012345")
    types = [
        [layer["mediaType"] for layer in json.loads(held.manifests[each["digest"]][1])["layers"]]
        for each in (gzipped, result)
    ]
    of_base, *own = types[1]
    assert of_base == MediaType.OCI_LAYER_GZIP
    assert set(own) == {MediaType.OCI_LAYER_ZSTD}
    assert set(types[0]) == {MediaType.OCI_LAYER_GZIP}
    keys = len(platform.backend.seen)
    assert keynet("push", "train.py", "--builder", "buildah") == 2
    assert "--compression zstd is for --builder direct" in capsys.readouterr().err
    assert len(platform.backend.seen) == keys


@pytest.mark.medium
def test_auto_needs_no_engine(platform: Platform, capsys: Capture) -> None:
    shutil.rmtree(platform.engines)
    assert push(platform, capsys, builder="auto")["builder"]["name"] == "direct"


@pytest.mark.slow
def test_auto_prefers_an_engine(platform: Platform, capsys: Capture) -> None:
    assert push(platform, capsys, builder="auto")["builder"]["name"] == "buildah"


def test_without_an_engine_a_containerfile_names_each_builders_reason(
    platform: Platform, capsys: Capture
) -> None:
    shutil.rmtree(platform.engines)
    (platform.project / "Containerfile").write_text("FROM scratch\n")
    assert keynet("push", "train.py", "--dockerfile", "Containerfile") == 4
    shown = capsys.readouterr().err
    assert "direct: a Containerfile is built by an engine" in shown
    assert "buildah:" in shown


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--dockerfile", "Containerfile"], "Containerfile"),
        (["--secret", "id=x,src=train.py", "--dockerfile", "Containerfile"], "Containerfile"),
        (["--installer", "pip"], "pip"),
        (["--platform", "windows/amd64"], "windows/amd64"),
    ],
)
def test_what_needs_an_engine_is_said_before_the_key(
    platform: Platform, capsys: Capture, flags: list[str], told: str
) -> None:
    (platform.project / "Containerfile").write_text("FROM scratch\n")
    (platform.project / "requirements.txt").write_text("numpy\n")
    assert keynet("push", "train.py", "--builder", "direct", *flags) == 4
    assert told in capsys.readouterr().err
    assert platform.backend.seen == []


@pytest.mark.slow
def test_a_base_that_cannot_be_read_costs_no_upload_key(
    platform: Platform, capsys: Capture
) -> None:
    name = "127.0.0.1:9/library/python:slim"
    arguments = ["push", "train.py", "--builder", "direct", "--base-image", name]
    assert keynet(*arguments) == 4
    assert name in capsys.readouterr().err
    assert platform.backend.seen == []


@pytest.mark.medium
def test_a_base_with_triggers_needs_an_engine(platform: Platform, capsys: Capture) -> None:
    name = base(platform, OnBuild=["COPY . /src"])
    assert keynet("build", "train.py", "--builder", "direct", "--base-image", name) == 7
    assert "ONBUILD" in capsys.readouterr().err


@pytest.mark.medium
@pytest.mark.parametrize("kind", ["oci", "oci-archive", "docker-archive"])
def test_an_image_is_saved_with_its_base(platform: Platform, tmp_path: Path, kind: str) -> None:
    target = tmp_path / "image"
    arguments = ["build", "train.py", "--builder", "direct", "--base-image", base(platform)]
    assert keynet(*arguments, "--output", f"{kind}:{target}") == 0
    assert target.exists()
    if kind == "oci":
        assert len(list((target / "blobs/sha256").iterdir())) == 5
    else:
        assert keynet("image", "validate", str(target)) == 0


BOTH = ["--platform", "linux/amd64,linux/arm64"]


@pytest.mark.medium
@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_images_for_several_platforms_are_saved_as_they_are_pushed(
    platform: Platform, tmp_path: Path, kind: str, capsys: Capture
) -> None:
    target = tmp_path / "image"
    arguments = ["train.py", "--builder", "direct", "--base-image", base_index(platform), *BOTH]
    assert keynet("build", *arguments, "--output", f"{kind}:{target}", "--json") == 0
    built = json.loads(capsys.readouterr().out)
    assert keynet("push", *arguments, "--json") == 0
    pushed = json.loads(capsys.readouterr().out)
    copied = f"{platform.registry_host}/team/copied:1"
    assert keynet("image", "copy", "--all", f"{kind}:{target}", f"http://{copied}", "--json") == 0
    assert json.loads(capsys.readouterr().out)["digest"] == pushed["digest"]
    assert pushed["digest"] == f"sha256:{built['image_id']}"
    index = platform.registry.repository("team/copied").manifests[pushed["digest"]][1]
    found = [each["platform"]["architecture"] for each in json.loads(index)["manifests"]]
    assert found == ["amd64", "arm64"]


@pytest.mark.medium
def test_a_docker_archive_of_several_platforms_is_refused_before_the_build(
    platform: Platform, tmp_path: Path, capsys: Capture
) -> None:
    target = tmp_path / "image.tar"
    arguments = ["build", "train.py", "--builder", "direct", "--base-image", base_index(platform)]
    assert keynet(*arguments, *BOTH, "--output", f"docker-archive:{target}") == 2
    told = capsys.readouterr().err
    assert "cannot hold images for linux/amd64, linux/arm64" in told
    assert "--output oci:DIR or oci-archive:FILE" in told
    assert "Building image" not in told
    assert not target.exists()


def _wheel(path: Path, **more: str) -> None:
    files = {
        "tiny/__init__.py": "VALUE = 7\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": (
            "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
        "tiny-1.0.dist-info/entry_points.txt": "[console_scripts]\ntiny = tiny:main\n",
        **more,
    }
    lines = []
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            lines.append(f"{name},sha256={digest.rstrip(b'=').decode()},{len(text)}")
        lines.append("tiny-1.0.dist-info/RECORD,,")
        archive.writestr("tiny-1.0.dist-info/RECORD", "\n".join(lines) + "\n")


@pytest.mark.slow
def test_a_wheel_is_installed_as_in_an_engine_build(platform: Platform, capsys: Capture) -> None:
    _wheel(platform.project / "tiny-1.0-py3-none-any.whl")
    (platform.project / "requirements.txt").write_text("--no-index\n./tiny-1.0-py3-none-any.whl\n")
    result = push(platform, capsys)
    config, layers = stored(platform, result["digest"])
    files: dict[str, bytes] = {}
    for layer in layers:
        files |= layer
    site = "opt/keynet/lib/python3.11/site-packages"
    assert files[f"{site}/tiny/__init__.py"] == b"VALUE = 7\n"
    assert files["opt/keynet/bin/tiny"].startswith(b"#!/opt/keynet/bin/python\n")
    assert files["opt/keynet/bin/python"] == b"/usr/local/bin/python3.11"
    assert b"home = /usr/local/bin\n" in files["opt/keynet/pyvenv.cfg"]
    assert "usr/local/lib/python3.11/site-packages/keynet.pth" in files
    assert config["config"]["Env"][0] == "PATH=/opt/keynet/bin:/usr/local/bin:/usr/bin:/bin"
    home = str(platform.project.parent).encode()
    assert not [path for path, content in files.items() if home in content]


@pytest.mark.parametrize("time", ["abc", "-1", "1e9", "1700000000 ", "123456789012", "\u0663"])
def test_a_time_that_is_none_is_refused_before_the_upload_key(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch, time: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", time)
    arguments = ["push", "train.py", "--builder", "direct", "--base-image", base(platform)]
    assert keynet(*arguments) == 2
    assert "SOURCE_DATE_EPOCH" in capsys.readouterr().err
    assert platform.backend.seen == []


@pytest.mark.slow
def test_a_package_that_nobody_has_is_named(platform: Platform, capsys: Capture) -> None:
    (platform.project / "requirements.txt").write_text("--no-index\nno-such-thing==1\n")
    arguments = ["build", "train.py", "--builder", "direct", "--base-image", base(platform)]
    assert keynet(*arguments) == 4
    assert "no-such-thing" in capsys.readouterr().err


@pytest.mark.medium
@pytest.mark.parametrize(
    "damaged",
    [
        lambda _content: b"",
        lambda content: bytes(len(content)),
        lambda _content: b'{"a":' + b"[" * 100_000,
        lambda content: bytes([content[0] ^ 1]) + content[1:] if content else b"",
    ],
    ids=["empty", "zeros", "deep", "one bit"],
)
def test_a_damaged_cache_counts_as_none(
    platform: Platform, capsys: Capture, damaged: Callable[[bytes], bytes]
) -> None:
    first = push(platform, capsys)
    cache = Path(os.environ["XDG_CACHE_HOME"], "keynet")
    files = [each for each in cache.rglob("*") if each.is_file() and not each.is_symlink()]
    assert files
    for each in files:
        each.write_bytes(damaged(each.read_bytes()))
    assert push(platform, capsys)["digest"] == first["digest"]
