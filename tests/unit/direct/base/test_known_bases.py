"""Bases that mirrors have are known before the registry in their name is asked."""

import asyncio
import json
from pathlib import Path

import pytest

from keynet.direct.base.known_bases import KnownBases
from keynet.errors import ValidationError
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.process.event_loop import EventLoop
from tests.fakes.images import random_image
from tests.fakes.registry import MemoryRegistry, on_loopback

AMD64 = Platform("linux", "amd64")


@pytest.fixture(name="conf")
def _conf(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    conf = tmp_path / "registries.conf"
    conf.write_text("")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    return conf


@pytest.mark.medium
def test_a_mirrored_base_is_known(conf: Path) -> None:
    registry = MemoryRegistry()
    image = random_image(1)
    copy = registry.repository("hub/library/python")
    digest = Digest.of(image.manifest)
    copy.manifests[str(digest)] = (json.loads(image.manifest)["mediaType"], image.manifest)
    copy.tags["3.11"] = str(digest)
    copy.blobs[str(Digest.of(image.config))] = image.config

    async def known() -> Digest | None:
        async with on_loopback(registry) as host:
            conf.write_text(
                f'[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\n'
                f'location = "{host}/hub"\n'
            )
            bases = KnownBases(AMD64)
            found = await asyncio.to_thread(bases.known, "python:3.11")
            assert bases.known("python:3.11") is found
        return None if found is None else found.digest

    loop = EventLoop()
    try:
        assert loop.run(known()) == digest
    finally:
        loop.close()


def test_nothing_is_asked_where_the_configuration_says_nothing(conf: Path) -> None:
    conf.write_text('[[registry]]\nlocation = "quay.io"\n[[registry.mirror]]\nlocation = "a.b"\n')
    assert KnownBases(AMD64).known("python:3.11") is None
    assert KnownBases(AMD64).known("0123456789ab:bad:name") is None
    assert KnownBases(None).known("quay.io/x:1") is None


def test_a_blocked_base_is_refused(conf: Path) -> None:
    conf.write_text('[[registry]]\nlocation = "docker.io"\nblocked = true\n')
    with pytest.raises(ValidationError, match="blocks"):
        KnownBases(AMD64).known("python:3.11")
