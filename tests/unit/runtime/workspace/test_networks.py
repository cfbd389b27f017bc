"""A network is made once, by however many that ask for it at the same moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keynet.errors import EngineError, InvalidRunSettings, NetworkNotFound
from keynet.runtime.abilities import Network
from keynet.runtime.workspace import networks
from keynet.runtime.workspace.labels import Labels
from tests.tables import table


@dataclass
class Store:
    """An engine that makes networks of one name as docker's daemon does: as many as are asked for.

    ``late`` are networks that become visible only after so many looks.
    """

    found: list[Network] = field(default_factory=list)
    late: list[tuple[int, Network]] = field(default_factory=list)
    in_use: set[str] = field(default_factory=set)
    looks: int = 0
    made: int = 0
    taken: bool = False
    name: str = "own"
    barrier: threading.Barrier | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def named(self, name: str) -> list[Network]:
        with self.lock:
            self.looks += 1
            self.found += [each for look, each in self.late if look == self.looks]
            return [each for each in self.found if each.name == name]

    def create(self, name: str, labels: Labels) -> str:
        if self.barrier is not None:
            self.barrier.wait(10)
        with self.lock:
            self.made += 1
            if self.taken:
                self.found.append(network("other", name=name))
                return ""
            made = network(f"n{self.made}", f"{self.made:02}", name, labels)
            self.found.append(made)
            return made.id

    def drop(self, network_id: str) -> None:
        with self.lock:
            if network_id in self.in_use:
                raise EngineError("network has active endpoints")
            self.found = [each for each in self.found if each.id != network_id]


def network(
    number: str, created: str = "50", name: str = "net", labels: Labels | None = None
) -> Network:
    return Network(
        name,
        number,
        "bridge",
        created=f"2026-11-28T10:00:{created}Z",
        labels=(labels or Labels.now()).as_mapping(),
    )


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def without_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no two callers take turns, as processes of different users do not."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/1/nothing")
    monkeypatch.setenv("TMPDIR", "/proc/1/nothing")
    monkeypatch.setattr("tempfile.tempdir", "/proc/1/nothing")


def test_a_network_that_exists_is_taken_as_it_is() -> None:
    store = Store([network("a")])
    assert networks.ensure(store, "net").id == "a"
    assert (store.made, store.looks) == (0, 1)


def test_one_that_is_missing_is_made_with_keynets_labels() -> None:
    store = Store()
    made = networks.ensure(store, "net")
    assert made.managed is not None
    assert [each.id for each in store.found] == [made.id]


def test_one_that_another_process_has_just_made_is_taken() -> None:
    store = Store(taken=True)
    assert networks.ensure(store, "net").id == "other"


def test_many_at_once_make_one() -> None:
    store = Store()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: networks.ensure(store, "net").id, range(8)))
    assert (set(found), store.made) == ({"n1"}, 1)


@pytest.mark.medium
@pytest.mark.usefixtures("without_turns")
def test_many_at_once_without_turns_end_with_one() -> None:
    store = Store(barrier=threading.Barrier(8))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _n: networks.ensure(store, "net").id, range(8)))
    assert (set(found), store.made) == ({"n1"}, 8)
    assert [each.id for each in store.found] == ["n1"]


def test_ones_own_goes_if_an_older_one_becomes_visible() -> None:
    older = network("older", "00.9")
    store = Store(late=[(3, older)])
    assert networks.ensure(store, "net").id == "older"
    assert [each.id for each in store.found] == ["older"]


@pytest.mark.medium
def test_an_older_one_of_ones_own_goes_if_the_younger_one_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(networks, "_SETTLE_S", 0.05)
    store = Store(late=[(3, network("younger", "59"))])
    assert networks.ensure(store, "net").id == "younger"
    assert [each.id for each in store.found] == ["younger"]


def test_of_several_that_stay_the_oldest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "_SETTLE_S", 0.05)
    # Nanoseconds lose their zeros: .89 is before .8934.
    store = Store(
        [network("b", "00.8934"), network("a", "00.89"), network("c", "00.9")], in_use={"b"}
    )
    assert networks.find_one(store, "net").id == "a"
    foreign = Network("net", "d", "bridge", created="2026-11-28T10:00:01Z")
    store.found.append(foreign)
    assert networks.ensure(store, "net").id == "a"
    # What keynet has made twice goes; what somebody else has made, or uses, stays.
    assert [each.id for each in store.found] == ["b", "a", "d"]


@pytest.mark.medium
def test_one_that_is_removed_at_the_same_moment_is_made_again() -> None:
    class Vanishing(Store):
        def create(self, name: str, labels: Labels) -> str:
            made = super().create(name, labels)
            if self.made == 1:
                self.found.clear()
                return ""
            return made

    assert networks.ensure(Vanishing(), "net").id == "n2"


@table("name", ["host", "none", "bridge", "default", "podman", "pasta"])
def test_the_engines_own_networks_are_not_made(name: str) -> None:
    with pytest.raises(InvalidRunSettings, match=name):
        networks.ensure(Store(), name)


@table("name", ["", "-x", "a b", "x/y"])
def test_an_invalid_name_reaches_no_engine(name: str) -> None:
    store = Store()
    with pytest.raises(InvalidRunSettings):
        networks.ensure(store, name)
    assert store.looks == 0


def test_a_network_that_is_missing_is_an_error() -> None:
    with pytest.raises(NetworkNotFound, match="own has no network net"):
        networks.find_one(Store(), "net")
    with pytest.raises(NetworkNotFound, match="own has no network net"):
        networks.remove(Store(), "net")


def test_all_of_one_name_are_removed() -> None:
    store = Store([network("a"), network("b")])
    networks.remove(store, "net")
    assert store.found == []


def test_one_in_use_is_not_removed() -> None:
    with pytest.raises(EngineError, match="active endpoints"):
        networks.remove(Store([network("a")], in_use={"a"}), "net")
