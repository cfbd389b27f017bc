"""The engines that run containers, among the candidates of a build."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from keynet.errors import EngineUnavailable, LocalImageNotFound, NetworkNotFound
from keynet.events import Emit, LogLine, Notice, StepStarted
from keynet.frozen import frozen
from keynet.oci.reference import Reference
from keynet.process.background import background
from keynet.runtime.abilities import Engine, SystemFacts
from keynet.runtime.engine import AnyBuilder, Candidate, Unusable
from keynet.runtime.probing import choosing
from keynet.runtime.workspace.container_run import ContainerCommands, Running
from keynet.runtime.workspace.runtime_settings import RuntimeSettings
from keynet.runtime.workspace.safe_names import BUILT_IN_NETWORKS
from keynet.text import _, fill, printable

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess
    from keynet.runtime.engine import LocalImage

__all__ = ["Chosen", "ask", "choose", "find_image", "held", "only_running"]

# As engines print it, and as builds without one do.
_ID: Final = re.compile(r"(?:sha256:)?[0-9a-f]{64}")


@runtime_checkable
class _Remembering(Protocol):
    """A candidate that knows from an earlier trial how its engine runs containers."""

    def remembered_commands(self, timeout_s: float) -> ContainerCommands | None: ...


@frozen
class _Runs:
    """A candidate that counts as unusable if its engine does not run containers.

    It is tried once: an engine that hangs takes some time for that.
    """

    candidate: Candidate
    tried: list[AnyBuilder | Unusable] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.candidate.name

    @property
    def installed(self) -> bool:
        return self.candidate.installed

    def remembered(self) -> AnyBuilder | Unusable | None:
        return _checked(self.candidate.remembered())

    def remembered_commands(self, timeout_s: float) -> ContainerCommands | None:
        if not isinstance(self.candidate, _Remembering):
            return None
        return self.candidate.remembered_commands(timeout_s)

    def probe(self) -> AnyBuilder | Unusable:
        if not self.tried:
            found = _checked(self.candidate.probe())
            assert found is not None
            self.tried.append(found)
        return self.tried[0]


def only_running(candidates: Sequence[Candidate]) -> list[_Runs]:
    """Return the candidates, each of which is unusable if its engine does not run containers."""
    return [_Runs(each) for each in candidates]


@frozen
class Chosen:
    """An engine for an image.

    ``config`` is the image's, None if its store lacks the image; ``has_network`` says that the
    run's network need not be made.
    """

    commands: ContainerCommands
    config: Mapping[str, Any] | None
    facts: SystemFacts
    has_network: bool


def choose(
    name: str,
    candidates: Sequence[Candidate],
    image: str,
    settings: RuntimeSettings,
    emit: Emit,
) -> Chosen:
    """Return the engine for an image, and what it says of image, host and network.

    ``auto`` takes the first engine that has the image, else the first that works.

    Raises:
        EngineUnavailable: No engine that runs containers works, or not the chosen one.
    """
    running = only_running(candidates)
    if name != choosing.AUTO:
        return _asked(_commands(name, running, settings, emit), image, settings)
    first: Chosen | None = None
    silent: EngineUnavailable | None = None
    for candidate in running:
        try:
            commands = _commands(candidate.name, running, settings, emit)
        except EngineUnavailable:
            continue
        try:
            found = _asked(commands, image, settings)
        except EngineUnavailable as error:
            # It worked a short time ago.
            emit(Notice(error.message, "note"))
            silent = silent or error
            continue
        if found.config is not None:
            return found
        first = first or found
    if first is not None:
        return first
    if silent is not None:
        raise silent
    # With every engine's reason.
    return _asked(_commands(choosing.AUTO, running, settings, emit), image, settings)


def ask(builder: AnyBuilder, image: str, settings: RuntimeSettings) -> Chosen:
    """Ask a builder's engine for its host, an image and a network at the same time.

    Raises:
        EngineUnavailable: The engine does not answer.
    """
    return _asked(_commands_of(builder, settings.timeout_s), image, settings)


def _asked(commands: ContainerCommands, image: str, settings: RuntimeSettings) -> Chosen:
    with (
        background(commands.system) as system,
        background(partial(_has, commands.host, settings.network)) as has_network,
    ):
        config = commands.config(image)
    return Chosen(commands, config, system.result(), has_network.result())


def _has(host: Engine, network: str) -> bool:
    if network in BUILT_IN_NETWORKS:
        return True
    try:
        host.network(network)
    except NetworkNotFound:
        return False
    return True


def _commands(
    name: str, running: Sequence[_Runs], settings: RuntimeSettings, emit: Emit
) -> ContainerCommands:
    """Return how an engine runs containers, without its builder if an earlier trial is known.

    Raises:
        EngineUnavailable: It does not work here, or runs no containers.
    """
    for each in running:
        if each.name == name and (known := each.remembered_commands(settings.timeout_s)):
            return known
    builder = choosing.choose(name, running, emit=emit, needs_run=False)
    return _commands_of(builder, settings.timeout_s)


def _commands_of(builder: AnyBuilder, timeout_s: float) -> ContainerCommands:
    """Return how a builder's engine runs containers; one of ``only_running`` does."""
    assert isinstance(builder, Running)
    commands = builder.container_commands(timeout_s)
    assert commands is not None
    return commands


@contextlib.contextmanager
def held(commands: ContainerCommands, image: LocalImage) -> Iterator[None]:
    """Keep a script's image for the time of the block, by a name of this run's own.

    Another build of the project moves the project's name, and removes the image that had it.
    """
    # An image that is not built needs nothing of this.
    from keynet.files.uninterrupted import uninterrupted
    from keynet.runtime.build import layer_cache

    name = layer_cache.build_name(image.name)
    try:
        commands.questions.run("tag", image.id, name)
        yield
    finally:
        with uninterrupted():
            layer_cache.forget(commands.questions.prefix, name)


def find_image(
    commands: ContainerCommands, image: str, access: RegistryAccess | None, emit: Emit
) -> None:
    """Pull an image that the engine's store lacks.

    Raises:
        LocalImageNotFound: The registry does not have it either, or it refuses.
    """
    if _ID.fullmatch(image):
        raise LocalImageNotFound(
            fill(_("{engine} has no image with the id {id}."), engine=commands.name, id=image),
            _(
                "Images are not pulled by their id. One that was built without an engine is run as "
                "its script: keynet run SCRIPT --builder direct"
            ),
        )
    wanted = Reference.parse(image)
    if wanted.registry == "localhost":
        raise LocalImageNotFound(
            fill(_("{engine} has no image {name}."), engine=commands.name, name=printable(image)),
            _("Build it with: keynet build SCRIPT. Or run the script: keynet run SCRIPT"),
        )
    emit(StepStarted("pull", _("Pulling image"), image))
    mine = access if access is not None and access.host == wanted.registry else None
    said = commands.pull(image, mine, lambda line: emit(LogLine(line, "pull")))
    if said:
        raise LocalImageNotFound(
            fill(
                _("{engine} has no image {name} and could not pull it: {said}"),
                engine=commands.name,
                name=printable(image),
                said=_last_line(said),
            ),
            _pull_hint(wanted, said, own=mine is not None),
        )


def _pull_hint(wanted: Reference, said: str, *, own: bool) -> str:
    refused = any(word in said.lower() for word in ("unauthorized", "denied", "forbidden", "401"))
    if refused and not own:
        return fill(
            _(
                "Check the name. If the image is private, log in: keynet login for the platform's "
                "registry, or the engine's own login {host}"
            ),
            host=wanted.registry,
        )
    return _("Check the name and the tag, and that the registry can be reached.")


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return printable(lines[-1], 400) if lines else said


def _checked(found: AnyBuilder | Unusable | None) -> AnyBuilder | Unusable | None:
    if found is None or isinstance(found, Unusable):
        return found
    if isinstance(found, Running) and found.container_commands() is not None:
        return found
    return Unusable(
        found.engine.name,
        fill(
            _("it builds images, but does not run them with limits ({how})"), how=found.engine.how
        ),
        _("Use docker or podman. podman runs what buildah has built: they share their store."),
    )
