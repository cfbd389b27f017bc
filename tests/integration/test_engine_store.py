"""keynet's own overlay store, and a disk that fills up."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.engines import Host, make_host, marked, root_environment
from tests.testbed.images import Hub
from tests.testbed.stores import make_store
from tests.testbed.user import OrdinaryUser

STORE = ".local/share/keynet/storage"
ASK = """\
from keynet.runtime.engines.podman_like import own_store
found = own_store.find()
print(found and found.size)
"""
REMOVE = "from keynet.runtime.engines.podman_like import own_store; own_store.remove()"


@pytest.mark.rootless
@pytest.mark.buildah
@pytest.mark.parametrize("kind", ["buildah-rootless"])
def test_rootless_builds_in_an_overlay_store_of_its_own(
    kind: str, request: pytest.FixtureRequest
) -> None:
    host = make_host(kind, request)
    user: OrdinaryUser = request.getfixturevalue("user")
    context = host.home / f"store-{os.urandom(4).hex()}"
    context.mkdir()
    (context / "train.py").write_text("x")
    host.own(context)
    before = host.run("buildah", "images", "--all", "--quiet")
    built = host.ask(context=str(context), text='FROM busybox\nRUN ["true"]\nCOPY . /workspace/\n')
    assert built.status == 0, built.json
    assert built.json["own_store"]
    assert built.json["driver"] == "overlay"
    # The user's own store is of the engine's choice, and nothing of ours is in it.
    assert host.run("buildah", "images", "--all", "--quiet") == before
    assert '"GraphDriverName": "vfs"' in host.run("buildah", "info")
    assert int(host.run(host.python, "-c", ASK)) > 100_000
    host.run(host.python, "-c", REMOVE)
    assert not (user.home / STORE).exists()
    assert host.run(host.python, "-c", ASK).strip() == "None"


@pytest.fixture
def small_disk(bed: Path) -> Iterator[Path]:
    folder = bed / f"small-{os.urandom(4).hex()}"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(folder)]
    subprocess.run(argv, check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("engine", [each.values[0].partition("-")[0] for each in marked()[2:4]])
def test_a_full_disk_is_said_as_such(
    engine: str, small_disk: Path, bed: Path, hub: Hub, tmp_path: Path
) -> None:
    store = make_store(small_disk, hub, driver="vfs")
    names = ("CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF")
    extra = {name: store.environment[name] for name in names}
    host = Host(engine, root_environment(bed / f"full-{engine}", extra), bed / f"full-{engine}")
    (tmp_path / "train.py").write_text("x")
    full = host.ask(
        context=str(tmp_path),
        text='FROM busybox\nRUN ["busybox", "dd", "if=/dev/zero", "of=/b", "bs=9M", "count=4"]\n',
    )
    assert full.status == 4
    assert "space left" in full.error["message"]
    assert "keynet clean --images" in full.error["hint"]
