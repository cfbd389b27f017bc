"""Make a network once, however many processes want it at the same moment.

docker's daemon makes as many networks of one name as it is asked for at once, and refuses the
name from then on as ambiguous; podman's lock lets one through. Processes of one user take turns;
where several users share a daemon, all but the oldest network are removed by those who made them.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Final, Protocol

from keynet.errors import EngineError, InvalidRunSettings, KeynetError, NetworkNotFound
from keynet.files import locks, places
from keynet.runtime.abilities import Network
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.safe_names import BUILT_IN_NETWORKS, check_network_name
from keynet.text import _, fill, printable

__all__ = ["NetworkStore", "ensure", "find_one", "not_found", "remove"]

_LOCK_TIMEOUT_S: Final = 30.0
# For another user's process that has to see that its network is one too many.
_SETTLE_S: Final = 2.0
_PAUSE_S: Final = 0.05


class NetworkStore(Protocol):
    """An engine's networks, as its own wing reads and changes them."""

    @property
    def name(self) -> str:
        """Return the engine's name."""
        ...

    def named(self, name: str) -> list[Network]:
        """Return the networks of exactly this name; docker may have several."""
        ...

    def create(self, name: str, labels: Labels) -> str:
        """Make a network and return its id, or "" where another process was faster.

        Raises:
            EngineError: The engine refuses for another reason.
        """
        ...

    def drop(self, network_id: str) -> None:
        """Remove a network.

        Raises:
            EngineError: The engine refuses.
        """
        ...


def ensure(store: NetworkStore, name: str, labels: Labels | None = None) -> Network:
    """Return the network of this name, which is made if there is none.

    One that exists is taken as it is, whoever has made it.

    Raises:
        InvalidRunSettings: Not a valid name, or one that engines have for themselves.
        EngineError: The engine refuses.
    """
    check_network_name(name)
    if name in BUILT_IN_NETWORKS:
        raise InvalidRunSettings(
            fill(_("keynet does not make a network {name}: engines have it."), name=name),
            _("Choose another name, or run with --network none."),
        )
    found = store.named(name)
    if len(found) == 1:
        return found[0]
    with _in_turn():
        found = store.named(name)
        made = "" if found else store.create(name, labels or Labels.now())
        return _settled(store, name, made)


def find_one(store: NetworkStore, name: str) -> Network:
    """Return the network of this name; the oldest if there are several.

    Raises:
        NetworkNotFound: There is none.
    """
    found = store.named(name)
    if not found:
        raise not_found(store.name, name)
    return min(found, key=_age)


def remove(store: NetworkStore, name: str) -> None:
    """Remove all networks of this name.

    Raises:
        NetworkNotFound: There is none.
        EngineError: One of them is in use.
    """
    found = store.named(name)
    if not found:
        raise not_found(store.name, name)
    for each in found:
        store.drop(each.id)


def not_found(engine: str, name: str) -> NetworkNotFound:
    """Return the error for a network that an engine does not have."""
    return NetworkNotFound(
        fill(_("{engine} has no network {name}."), engine=engine, name=printable(name, 130)),
        fill(
            _("List its networks with: {engine} network ls. keynet makes its own when it runs."),
            engine=engine,
        ),
    )


def _settled(store: NetworkStore, name: str, made: str) -> Network:
    """Return the one network that stays, and remove ``made`` if it is not that.

    The oldest stays. An older one may become visible after a younger one was taken: the younger
    one is not removed then, and after the wait the older one is.
    """
    until = time.monotonic() + _SETTLE_S
    while True:
        found = sorted(store.named(name), key=_age)
        if len(found) == 1:
            return found[0]
        late = time.monotonic() >= until
        if not found:
            if late:
                raise not_found(store.name, name)
            made = made or store.create(name, Labels.now())
        elif made and (late or found[0].id != made):
            _drop_own(store, made)
            made = ""
        elif late:
            _drop_surplus(store, found[1:])
            return found[0]
        time.sleep(_PAUSE_S)


def _drop_own(store: NetworkStore, made: str) -> None:
    # A container that found it first keeps it; the next call finds it again.
    with contextlib.suppress(EngineError):
        store.drop(made)


def _drop_surplus(store: NetworkStore, younger: list[Network]) -> None:
    """Remove what processes that were killed have left: no engine takes a name of two networks."""
    for each in younger:
        if each.managed is not None:
            with contextlib.suppress(EngineError):
                store.drop(each.id)


def _age(network: Network) -> tuple[str, str]:
    """Return what sorts networks of one daemon by the moment when they were made."""
    seconds, _point, rest = network.created.partition(".")
    fraction = "".join(each for each in rest.split("+")[0] if each.isdecimal())
    return f"{seconds[:19]}.{fraction:0<9}", network.id


@contextlib.contextmanager
def _in_turn() -> Iterator[None]:
    """Run the block while no other process of this user makes a network, if that can be known."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, KeynetError):
            folder = places.cache() / "networks"
            places.make_private(folder)
            stack.enter_context(locks.in_turn(folder, wait_s=_LOCK_TIMEOUT_S))
        yield
