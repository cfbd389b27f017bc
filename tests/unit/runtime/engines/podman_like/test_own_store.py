"""keynet's own image store."""

from pathlib import Path

from keynet.runtime.engines.podman_like import own_store
from keynet.runtime.engines.podman_like.dialect import Invocation
from tests.unit.conftest import Machine


def test_own_store_is_found_measured_and_removed(machine: Machine) -> None:
    assert own_store.find() is None
    invocation = own_store.select(Invocation("/usr/bin/buildah", isolation="chroot"))
    assert invocation.isolation == "chroot"
    assert invocation.driver == "overlay"
    assert invocation.root == str(machine.home / ".local/share/keynet/storage/root")
    Path(invocation.root, "layer").write_bytes(b"x" * 10_000)
    found = own_store.find()
    assert found is not None
    assert found.path == machine.home / ".local/share/keynet/storage"
    assert found.size >= 10_000
    own_store.remove()
    assert own_store.find() is None
    own_store.remove()
