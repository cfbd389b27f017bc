"""What is removed, in which order, and what happens where it cannot be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keynet.errors import EngineError
from keynet.files.descent import disk_usage
from keynet.runtime.remains import Kind as InStore
from keynet.runtime.remains import Remnant
from keynet.steps.cleaning import removing
from keynet.steps.cleaning.leftover import InEngine, Kind, Leftover, OwnFolder, State
from tests.tables import table


@dataclass
class Store:
    """An engine's store that removes everything but what it cannot."""

    engine: str
    stubborn: bool = False
    removed: list[str] = field(default_factory=list)

    def find(self) -> list[Remnant]:
        return []

    def remove(self, remnants: Sequence[Remnant]) -> None:
        if self.stubborn:
            raise EngineError(f"{self.engine} refuses", "hint")
        self.removed += [each.id for each in remnants]


def image(store: Store, name: str, state: State = State.KEPT, size: int = 1) -> Leftover:
    remnant = Remnant(InStore.IMAGE, name, name, store.engine, store.engine, None, size=size)
    return Leftover(Kind.IMAGE, name, state, InEngine(store, remnant), store.engine, size=size)


def folder(path: Path, kind: Kind = Kind.CACHE) -> Leftover:
    return Leftover(kind, str(path), State.KEPT, OwnFolder(path))


@table(
    ("images", "everything", "names"),
    [
        (False, False, {"left"}),
        (True, False, {"left", "kept", "/store"}),
        (False, True, {"left", "kept", "/store", "/cache"}),
        (True, True, {"left", "kept", "/store", "/cache"}),
    ],
)
def test_what_is_in_use_is_never_selected(images: bool, everything: bool, names: set[str]) -> None:
    store = Store("docker")
    found = [
        *(image(store, str(state), state) for state in State),
        folder(Path("/store"), Kind.STORE),
        folder(Path("/cache")),
    ]
    chosen = removing.select(found, images=images, everything=everything)
    assert {each.name for each in chosen} == names


def test_an_engine_that_refuses_does_not_stop_the_others() -> None:
    podman, docker = Store("podman", stubborn=True), Store("docker")
    chosen = [image(podman, "a"), image(docker, "b", size=5), image(docker, "c", size=6)]
    done = removing.remove(chosen)
    assert docker.removed == ["b", "c"]
    assert [each.name for each in done.leftovers] == ["b", "c"]
    assert done.size == 11
    assert [error.message for error in done.failures] == ["podman refuses"]


def test_the_cache_goes_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = tmp_path / "keynet"
    (cache / "engines").mkdir(parents=True)
    assert removing.remove([folder(cache)]).failures == ()
    assert not cache.exists()
    assert removing.remove([folder(cache)]).failures == ()


@pytest.mark.medium
def test_a_wheel_with_deep_folders_does_not_keep_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache = tmp_path / "keynet"
    deepest = cache / "direct/uv"
    deepest.mkdir(parents=True)
    # More than the levels of calls that Python allows.
    for _level in range(1100):
        deepest /= "d"
        deepest.mkdir()
    (deepest / "file").write_bytes(b"12345")
    assert disk_usage(cache) == 5
    assert removing.remove([folder(cache)]).failures == ()
    assert not cache.exists()
