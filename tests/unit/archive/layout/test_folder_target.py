"""Folders with a layout are added to, by one process after the other."""

import asyncio
import json
from pathlib import Path

import pytest

from keynet.archive.layout.folder_target import writing_folder
from keynet.archive.layout.image_source import BytesBlob
from keynet.errors import DigestMismatch, KeynetError
from keynet.events import BlobFinished, BlobSkipped, Event, ignore
from keynet.oci.descriptor import Descriptor, MediaType
from tests.tables import table

BLOB = BytesBlob(Descriptor.of(MediaType.OCI_LAYER, b"content"), b"content")
MANIFEST = Descriptor.of(MediaType.OCI_MANIFEST, b"{}")


def names(path: Path) -> list[str]:
    entries = json.loads((path / "index.json").read_bytes())["manifests"]
    return [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries]


def test_two_at_a_time_both_stay_listed(tmp_path: Path) -> None:
    async def add(name: str) -> None:
        async with writing_folder(tmp_path / "x", ignore) as target:
            await target.add_blob(BLOB)
            await asyncio.sleep(0)
            await target.add_root(b"{}", MANIFEST, name)

    async def both() -> None:
        await asyncio.gather(add("one"), add("two"))

    asyncio.run(both())
    assert sorted(names(tmp_path / "x")) == ["one", "two"]


def test_a_blob_that_is_there_is_not_written(tmp_path: Path) -> None:
    events: list[Event] = []

    async def add() -> None:
        async with writing_folder(tmp_path, events.append) as target:
            await target.add_blob(BLOB)
            await target.add_blob(BLOB)
            await target.add_root(b"{}", MANIFEST, "one")

    asyncio.run(add())
    digest = str(BLOB.descriptor.digest)
    assert BlobFinished(digest) in events
    assert events[-1] == BlobSkipped(digest, 7)


@pytest.mark.parametrize("content", [b"contend", b"longer content", b""])
def test_wrong_bytes_leave_nothing(tmp_path: Path, content: bytes) -> None:
    async def add() -> None:
        async with writing_folder(tmp_path / "x", ignore) as target:
            await target.add_blob(BytesBlob(BLOB.descriptor, content))

    with pytest.raises(DigestMismatch):
        asyncio.run(add())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_parent_is_not_made(tmp_path: Path) -> None:
    async def add() -> None:
        async with writing_folder(tmp_path / "no" / "x", ignore):
            pass

    with pytest.raises(KeynetError, match="cannot be written: No such file"):
        asyncio.run(add())
    assert list(tmp_path.iterdir()) == []


@table("entry", ["x", 1, {"annotations": []}, {"annotations": {"a": 1}}, {"digest": 5}])
def test_odd_entries_end_in_an_error_of_keynet_or_stay(tmp_path: Path, entry: object) -> None:
    (tmp_path / "index.json").write_text(json.dumps({"manifests": [entry]}))

    async def add() -> None:
        async with writing_folder(tmp_path, ignore) as target:
            await target.attached(MANIFEST.digest)
            await target.add_root(b"{}", MANIFEST, "one")

    try:
        asyncio.run(add())
    except KeynetError:
        assert not isinstance(entry, dict)
    else:
        assert json.loads((tmp_path / "index.json").read_bytes())["manifests"][0] == entry


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")

    async def add() -> None:
        async with writing_folder(tmp_path / "link", ignore) as target:
            await target.add_root(b"{}", MANIFEST, "one")

    asyncio.run(add())
    assert names(tmp_path / "real") == ["one"]
    assert (tmp_path / "link").is_symlink()
