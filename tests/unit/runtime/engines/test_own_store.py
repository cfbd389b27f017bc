"""keynet's own image store."""

from pathlib import Path

from keynet.runtime.engines import own_store
from keynet.runtime.engines.dialect import Invocation
from tests.unit.conftest import Machine


def test_own_store_is_found_measured_and_removed(machine: Machine) -> None:
    assert own_store.own_store() is None
    invocation = own_store.in_own_store(Invocation("/usr/bin/buildah", isolation="chroot"))
    assert invocation.isolation == "chroot"
    assert invocation.driver == "overlay"
    assert invocation.root == str(machine.home / ".local/share/keynet/storage/root")
    Path(invocation.root, "layer").write_bytes(b"x" * 10_000)
    found = own_store.own_store()
    assert found is not None
    assert found.path == machine.home / ".local/share/keynet/storage"
    assert found.size >= 10_000
    own_store.remove()
    assert own_store.own_store() is None
    own_store.remove()
