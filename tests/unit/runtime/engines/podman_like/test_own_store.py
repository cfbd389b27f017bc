"""keynet's own image store."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.runtime.engines.podman_like import own_store
from keynet.runtime.engines.podman_like.dialect import Invocation
from tests.unit.conftest import Machine


@pytest.mark.usefixtures("machine")
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
    # Who looks at what was removed does not make it again.
    own_store.prepare(invocation)
    assert own_store.find() is None


def test_the_run_root_is_short_enough_for_podman_and_always_the_same(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Podman refuses a store that was made with another one: a login's, then that of cron."""
    plain = Invocation("/usr/bin/podman")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(machine.home))
    first = own_store.select(plain).runroot
    assert Path(first).parent == Path(f"/tmp/keynet-{os.geteuid()}")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    found = own_store.select(plain)
    assert found.runroot == first
    assert len(first) <= 50
    assert Path(found.runroot).stat().st_mode & 0o777 == 0o700
    own_store.remove()


@pytest.mark.usefixtures("machine")
def test_the_run_root_can_be_written_to_whatever_the_umask() -> None:
    plain = Invocation("/usr/bin/podman")
    runroot = Path(own_store.select(plain).runroot)
    runroot.rmdir()
    before = os.umask(0o277)
    try:
        found = own_store.select(plain)
    finally:
        os.umask(before)
    assert Path(found.runroot).stat().st_mode & 0o777 == 0o700
    own_store.remove()


@pytest.mark.usefixtures("machine")
def test_a_store_below_an_odd_home_has_a_plain_path(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = machine.home / "a,b:c"
    odd.mkdir()
    monkeypatch.setenv("HOME", str(odd))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    plain = Invocation("/usr/bin/podman")
    found = own_store.select(plain)
    assert "," not in found.root
    assert Path(found.root).resolve() == (odd / ".local/share/keynet/storage/root").resolve()
    Path(found.root).unlink()
    own_store.prepare(found)
    assert Path(found.root).is_symlink()
    assert own_store.select(plain).root == found.root
    own_store.remove()
    assert not os.path.lexists(found.root)


@pytest.mark.usefixtures("machine")
def test_a_run_root_that_others_can_change_is_refused() -> None:
    plain = Invocation("/usr/bin/podman")
    known = own_store.select(plain)
    own_store.prepare(known)
    own_store.prepare(plain)
    folder = Path(known.runroot)
    folder.chmod(0o777)
    with pytest.raises(OSError, match="changeable by others"):
        own_store.select(plain)
    with pytest.raises(LookupError):
        own_store.prepare(known)
    folder.rmdir()
    folder.symlink_to("/")
    with pytest.raises(OSError, match=r"File exists|changeable"):
        own_store.select(plain)
    folder.unlink()
    own_store.prepare(known)
    assert folder.is_dir()
    with pytest.raises(LookupError):
        own_store.prepare(replace(known, runroot="/tmp/elsewhere"))


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o002)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_may_write_above_the_store(machine: Machine) -> None:
    found = own_store.select(Invocation("/usr/bin/podman"))
    folders = [machine.home / ".local/share" / each for each in ("keynet", "keynet/storage")]
    folders.append(Path(found.root))
    for folder in folders:
        assert folder.stat().st_mode & 0o777 == 0o700
        folder.chmod(0o775)
    own_store.prepare(found)
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    own_store.remove()
