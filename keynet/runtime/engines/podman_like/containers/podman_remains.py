"""Find what builds have left in a store of podman and buildah: working containers and images."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from keynet.errors import EngineError
from keynet.frozen import frozen
from keynet.process import shell
from keynet.runtime.build import layer_cache, store_remains
from keynet.runtime.engines.podman_like import own_store, working_containers
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation, read_info
from keynet.runtime.remains import Kind, Remnant
from keynet.text import _, fill

__all__ = ["PodmanRemains", "stores"]

_TIMEOUT_S: Final = 300.0


def stores(dialect: Dialect, binary: str) -> Iterator["PodmanRemains"]:
    """Yield the user's store, and keynet's own one if there is one."""
    plain = Invocation(binary)
    yield PodmanRemains(dialect, plain)
    if own_store.exists():
        yield PodmanRemains(dialect, own_store.select(plain))


@frozen
class PodmanRemains:
    """One store of podman or buildah as a ``Finder``."""

    dialect: Dialect
    invocation: Invocation

    @property
    def engine(self) -> str:
        """See ``Finder.engine``."""
        return self.dialect.name

    def find(self) -> list[Remnant]:
        """See ``Finder.find``."""
        info = store_remains.ask(self._prefix, *self.dialect.info)
        try:
            facts = read_info(info)
        except ValueError as error:
            raise EngineError(
                fill(_("{engine} info did not print valid JSON."), engine=self.engine),
                fill(_("Update {name}."), name=self.engine),
            ) from error
        store = facts.graph_root or self.engine
        found = store_remains.images(
            self.engine, layer_cache.list_images(self._prefix, self.dialect.repository, store)
        )
        if self.invocation.root:
            # Without those that a build needs, the store is removed as a whole.
            found = [each for each in found if each.owner]
        if facts.remote:
            return found
        working = working_containers.find_all(facts.graph_root, facts.storage_driver)
        return [
            *(
                Remnant(
                    Kind.BUILD,
                    each.id,
                    each.name,
                    self.engine,
                    store,
                    each.owner,
                    created=each.created,
                )
                for each in working
            ),
            *found,
        ]

    def remove(self, remnants: Sequence[Remnant]) -> None:
        """See ``Finder.remove``."""
        if builds := [each for each in remnants if each.kind is Kind.BUILD]:
            working = [each.id for each in builds]
            argv = (*self._prefix, "rm", *self.dialect.rm_flags, *working)
            may_end = working_containers.ending(builds[0].store)
            command = shell.Command(argv, tidying=True, may_end=may_end)
            done = shell.run(command, timeout_s=_TIMEOUT_S)
            if done.status != 0 and {each.id for each in self.find()} & set(working):
                raise store_remains.not_removed(self.engine, done)
        store_remains.drop_images(self._prefix, remnants, self.find)

    @property
    def _prefix(self) -> tuple[str, ...]:
        return self.dialect.prefix(replace(self.invocation, runtime=""))
