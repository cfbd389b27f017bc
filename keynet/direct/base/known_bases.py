"""What the registries say of the bases of one push, by the names that users give them."""

from contextlib import ExitStack

from keynet.direct.base import registries_files
from keynet.direct.base.base_registries import BaseRegistries
from keynet.errors import KeynetError, ValidationError
from keynet.events import Emit, ignore
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, RegistryAccess
from keynet.process.event_loop import EventLoop

__all__ = ["KnownBases", "open_registries"]


class KnownBases:
    """Facts of bases, asked for once.

    Args:
        wanted: The platform of the image; None asks for nothing beforehand.
        access: To the platform's registry, which may be a mirror of others.
    """

    def __init__(
        self, wanted: Platform | None = None, access: RegistryAccess | None = None
    ) -> None:
        self._wanted = wanted
        self._access = access
        self._found: dict[str, BaseFacts] = {}

    def known(self, name: str) -> BaseFacts | None:
        """Return what was found, or what is where the configuration of registries leads to.

        Without this the registry in the base's name, which may not be reachable, is asked first.

        Raises:
            ValidationError: The configuration is not valid, or blocks the base.
        """
        if name in self._found or self._wanted is None:
            return self._found.get(name)
        try:
            base = Reference.parse(name)
        except ValidationError:
            return None
        if registries_files.load().concerns(base, _written(base, name)):
            self.ask(name, self._wanted, self._access, ignore)
        return self._found.get(name)

    def ask(self, name: str, platform: Platform, access: RegistryAccess | None, emit: Emit) -> str:
        """Ask for a base; return "" or why its documents cannot be read."""
        base = Reference.parse(name)
        with ExitStack() as opened:
            loop, registries = open_registries(access, emit, opened)
            try:
                looked = loop.run(registries.facts(base, _written(base, name), platform))
            except KeynetError as error:
                return error.message
        if looked is None:
            return "manifest unknown"
        if looked.facts is not None:
            self._found[name] = looked.facts
        return ""


def open_registries(
    access: RegistryAccess | None, emit: Emit, opened: ExitStack
) -> tuple[EventLoop, BaseRegistries]:
    """Return the registries of bases with their loop; ``opened`` closes them.

    Raises:
        ValidationError: The configuration of registries is not valid.
    """
    conf = registries_files.load()
    loop = EventLoop()
    opened.callback(loop.close)
    registries = BaseRegistries(conf, access, emit)
    opened.callback(lambda: loop.run(registries.aclose()))
    return loop, registries


def _written(base: Reference, name: str) -> str:
    """Return a name as the user wrote it; "" where it is the full one."""
    return "" if name == str(base) else name
