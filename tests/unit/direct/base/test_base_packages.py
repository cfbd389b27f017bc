"""The packages of a base, by the metadata in its layers."""

import gc
import io
import json
import os
import sys
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from keynet.direct.base.base_listing import Listing, read_layer
from keynet.direct.base.base_packages import BasePackages, find_packages
from keynet.direct.base.base_source import find_python_alone, find_target
from keynet.direct.base.python_cache import keep_packages, kept_packages
from keynet.direct.base.target_python import TargetPython
from keynet.errors import InvalidArchive
from keynet.events import Event, Notice, ignore
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.process.event_loop import EventLoop
from tests.fakes.images import BytesLayer

SITE = "usr/local/lib/python3.11/site-packages"
DIST = "usr/lib/python3/dist-packages"
OWN = TargetPython((3, 11), "/usr/local/bin/python3.11", f"/{SITE}", 36)
DEBIANS = TargetPython(
    (3, 11), "/usr/bin/python3.11", "/usr/local/lib/python3.11/dist-packages", 36
)
SIX = "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\nClassifier: x\n\nVersion: 9\n"
BASE = Reference.parse("registry.example/base:1")
PYTHONS_OWN = (
    "# debian.sh --arch 'amd64' out/ 'bookworm' '@1'",
    "ENV PYTHON_VERSION=3.11.9",
    'CMD ["python3"]',
)


def layer(files: dict[str, str], links: dict[str, str] | None = None) -> bytes:
    """Return a layer with files, and with hard links to others of it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            tar.addfile(member)
    return stream.getvalue()


def listed(*layers: bytes) -> Listing:
    listing = Listing()
    for content in layers:
        read_layer(listing, [content], "layer")
    return listing


def test_the_head_of_metadata_is_kept() -> None:
    found = find_packages(listed(layer({f"{SITE}/six-1.16.0.dist-info/METADATA": SIX})), OWN)
    assert found.folders == (SITE, "usr/local/lib64/python3.11/site-packages")
    assert found.files == {
        f"{SITE}/six-1.16.0.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n"
        )
    }


def test_debians_folders_and_old_metadata_count() -> None:
    files = {
        f"{DIST}/old.egg-info": "Name: old\nVersion: 1\n",
        f"{DIST}/older.egg-info/PKG-INFO": "Name: older\nVersion: 1\n",
        f"{DIST}/older.egg-info/requires.txt": "six\n",
        f"{DIST}/older.egg-info/top_level.txt": "older\n",
        "usr/lib/python3.12/dist-packages/no.egg-info": "Name: no\nVersion: 1\n",
        f"{DIST}": "",
    }
    found = find_packages(listed(layer(files)), DEBIANS)
    assert [path.rpartition("packages/")[2] for path in found.files] == [
        "old.egg-info",
        "older.egg-info/PKG-INFO",
        "older.egg-info/requires.txt",
    ]


def test_condas_folder_counts() -> None:
    conda = TargetPython((3, 10), "/opt/conda/bin/python3.10", "/opt/conda/lib/python3.10/x", 31)
    folder = "opt/conda/lib/python3.10/site-packages"
    files = {
        f"{folder}/torch-2.1.dist-info/METADATA": "Name: torch\nVersion: 2.1\n",
        f"opt/conda/pkgs/x/{SITE}/x-1.dist-info/METADATA": "Name: x\n",
        f"{folder}/deep/vendored-1.dist-info/METADATA": "Name: vendored\n",
    }
    found = find_packages(listed(layer(files)), conda)
    assert list(found.files) == [f"{folder}/torch-2.1.dist-info/METADATA"]


def test_an_upper_layer_removes_and_replaces() -> None:
    six = f"{SITE}/six-1.16.0.dist-info"
    lower = layer({f"{six}/METADATA": SIX, f"{SITE}/a-1.dist-info/METADATA": "Name: a\n"})
    upper = layer(
        {f"{SITE}/.wh.six-1.16.0.dist-info": "", f"{SITE}/a-1.dist-info/METADATA": "X:\n"}
    )
    found = find_packages(listed(lower, upper), OWN)
    assert found.files == {f"{SITE}/a-1.dist-info/METADATA": ""}


def test_a_hard_link_is_the_file_it_links_to() -> None:
    kept = "opt/conda/pkgs/six/site-packages/six-1.16.0.dist-info/METADATA"
    linked = f"{SITE}/six-1.16.0.dist-info/METADATA"
    found = find_packages(listed(layer({kept: SIX}, {linked: kept})), OWN)
    assert "Name: six" in found.files[linked]


def test_a_file_in_the_place_of_a_folder_hides_it(tmp_path: Path) -> None:
    info = f"{SITE}/a.egg-info"
    found = find_packages(
        listed(layer({f"{info}/PKG-INFO": "Name: b\n"}), layer({info: "Name: a\n"})), OWN
    )
    assert found.files == {info: "Name: a\n"}
    folder = Path(found.write(tmp_path / "base")[0])
    assert (folder / "a.egg-info").read_text() == "Name: a\n"


def test_packages_are_kept_by_the_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    config = Digest.of(b"config")
    assert kept_packages(config) is None
    found = BasePackages((SITE,), {f"{SITE}/x.dist-info/METADATA": "Name: é\n"})
    keep_packages(config, found)
    assert kept_packages(config) == found
    keep_packages(config, BasePackages())
    assert kept_packages(config) == BasePackages()


@dataclass(frozen=True)
class _Watched:
    """A layer that counts how often it is read."""

    layer: BytesLayer
    reads: list[int] = field(default_factory=list)
    origin: Reference | None = None
    size: int = 0

    @property
    def descriptor(self) -> Descriptor:
        found = self.layer.descriptor
        return replace(found, size=self.size or found.size)

    @property
    def diff_id(self) -> Digest:
        return self.layer.diff_id

    def chunks(self) -> AsyncIterator[bytes]:
        self.reads.append(1)
        return self.layer.chunks()


def image(layers: list[_Watched], *made: str) -> Image:
    lines = ["PATH=/usr/local/bin:/bin", "PYTHON_VERSION=3.11.9", "PYTHON_SHA256=ab"]
    history = [
        {"created_by": text, "empty_layer": True}
        if text.startswith(("ENV", "CMD"))
        else {"created_by": text}
        for text in made
    ]
    config = json.dumps({"config": {"Env": lines}, "history": history}).encode()
    return Image(b"{}", config, tuple(layers))


@pytest.fixture(name="loop")
def _loop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> EventLoop:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return EventLoop()


def test_no_layer_of_pythons_own_image_is_read(loop: EventLoop) -> None:
    own = _Watched(BytesLayer(layer({f"{SITE}/six-1.16.0.dist-info/METADATA": SIX})))
    target = find_target(image([own], *PYTHONS_OWN, "ENV MORE=1"), BASE, loop, ignore)
    loop.close()
    assert target.packages == BasePackages()
    assert own.reads == []


def test_nothing_is_read_for_a_python_that_the_config_names(loop: EventLoop) -> None:
    layers = [_Watched(BytesLayer(b"no tar")) for _number in range(2)]
    found = find_python_alone(image(layers, *PYTHONS_OWN, "RUN x"), BASE, loop, ignore)
    loop.close()
    assert found.version == (3, 11, 9)
    assert [each.reads for each in layers] == [[], []]


def test_what_was_added_to_pythons_own_image_is_read_once(loop: EventLoop) -> None:
    own = _Watched(BytesLayer(b"no tar"))
    more = _Watched(BytesLayer(layer({f"{SITE}/six-1.16.0.dist-info/METADATA": SIX})))
    whole = image([own, more], *PYTHONS_OWN, "RUN pip install six")
    target = find_target(whole, BASE, loop, ignore)
    again = find_target(whole, BASE, loop, ignore)
    loop.close()
    assert list(target.packages.files) == [f"{SITE}/six-1.16.0.dist-info/METADATA"]
    assert again == target
    assert (own.reads, more.reads) == ([], [1])


def test_a_history_that_does_not_fit_leaves_the_base_alone(loop: EventLoop) -> None:
    layers = [_Watched(BytesLayer(b"no tar")) for _number in range(3)]
    target = find_target(image(layers, *PYTHONS_OWN, "RUN x"), BASE, loop, ignore)
    loop.close()
    assert target.packages == BasePackages()


@pytest.mark.medium
def test_a_damaged_layer_leaves_nothing_to_a_loop_that_has_ended(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraisable: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    # More than one block, so that the error comes before the end.
    own = _Watched(BytesLayer(os.urandom(4 << 20), piece=1 << 20))
    # The error holds the frames, as it does until it is shown.
    with pytest.raises(InvalidArchive) as raised:
        find_target(image([own], "RUN x"), BASE, loop, ignore)
    loop.close()
    del raised
    gc.collect()
    assert unraisable == []


def test_the_size_of_a_large_base_is_said_first(loop: EventLoop) -> None:
    seen: list[Event] = []
    own = _Watched(BytesLayer(b"no tar"))
    more = _Watched(BytesLayer(layer({})), size=3_000_000_000)
    find_target(image([own, more], *PYTHONS_OWN, "RUN x"), BASE, loop, seen.append)
    loop.close()
    assert next(event for event in seen if isinstance(event, Notice)).text == (
        f"Reading the list of files of {BASE} once (3.0 GB)."
    )
