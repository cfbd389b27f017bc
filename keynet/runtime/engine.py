"""What builders and engines offer: values, and small protocols that each of them meets.

A ``Builder`` builds, pushes and tidies up. What only some can do stands in protocols of its own:
saving to a file, listing a layer cache, storing logins. Each engine's command line is private to
its own module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from keynet.events import Emit
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess
from keynet.text import _, fill

__all__ = [
    "AnyBuilder",
    "Builder",
    "Candidate",
    "KeptImage",
    "LayerStore",
    "LocalImage",
    "LoginStore",
    "Saver",
    "Unusable",
    "WorkingEngine",
    "cannot_run",
    "several_platforms",
    "version_numbers",
]

BuiltT = TypeVar("BuiltT")
SavedT_contra = TypeVar("SavedT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class WorkingEngine:
    """An engine that passed a real trivial build.

    ``how`` is for people (``buildah 1.28.2 (rootless, chroot)``); ``can_run`` is False where
    only COPY works, and ``no_run_reason`` says why; ``endpoint`` is the daemon's address, ""
    without a daemon; ``architecture`` is the engine host's, in the OCI's words.
    """

    name: str
    version: str
    how: str
    rootless: bool = False
    can_run: bool = True
    no_run_reason: str = ""
    storage_driver: str = ""
    endpoint: str = ""
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """An engine that cannot be used here: why, and what to do about it, for people.

    ``endpoint`` is its daemon's address when that is what did not answer.
    """

    name: str
    reason: str
    fix: str
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class LocalImage:
    """An image that a builder holds: its name there and its id, in hexadecimal digits.

    ``stored`` is False where the builder has a cache only, out of which it pushes and saves.
    """

    name: str
    id: str
    stored: bool = True


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image that builds left in an engine's store, as their layer cache.

    ``size`` is in the engine's own words, with the layers that it shares with others;
    ``store`` is the same for engines that share their store.
    """

    name: str
    size: str
    store: str


class Builder(Protocol[BuiltT]):
    """Something that turns a plan into an image and pushes it; ``BuiltT`` is its own value."""

    @property
    def engine(self) -> WorkingEngine:
        """What it is, for people and for results."""
        ...

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """Name what of this plan it cannot do; empty when it can do all. Cheap."""
        ...

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> BuiltT:
        """Build the image; the log goes to ``emit`` line by line as it comes.

        Args:
            access: For pulling base images; None uses the user's own logins alone.
            target: Where the image will be pushed, for builders that push by name; None when
                it will not be pushed.

        Raises:
            BuildFailed: With the failing step and the last lines of its log.
            ContextInvalid: A file of the context cannot be read.
            Interrupted: A signal came; nothing of this build is left behind.
        """
        ...

    def push(self, built: BuiltT, target: Reference, access: RegistryAccess, emit: Emit) -> Pushed:
        """Send the image to ``target``; the digest is the registry's.

        Raises:
            RegistryDenied: The registry refuses the credentials or their rights.
            RegistryError: Everything else, in words.
        """
        ...

    def release(self, built: BuiltT) -> None:
        """Drop what this build alone needed; what makes the next build fast stays.

        Due when the image is pushed or saved, and when that failed. Never raises for what is
        gone already.
        """
        ...


AnyBuilder = Builder[Any]


@runtime_checkable
class Saver(Protocol[SavedT_contra]):
    """A builder that keeps images on this machine and writes them to files."""

    @property
    def formats(self) -> frozenset[str]:
        """Of ``oci``, ``oci-archive`` and ``docker-archive``, what ``save`` writes."""
        ...

    def local(self, built: SavedT_contra) -> LocalImage:
        """Return the name and id of the image on this machine."""
        ...

    def save(self, built: SavedT_contra, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Write the image; an archive must not exist yet.

        Raises:
            EngineError: It was not written.
        """
        ...


@runtime_checkable
class LayerStore(Protocol):
    """A builder whose builds leave images in a store, as layer cache."""

    def kept(self) -> list[KeptImage]:
        """List what builds left in the store; keynet's own store goes as a whole.

        Raises:
            EngineError: It cannot be listed.
        """
        ...

    def drop(self, images: Sequence[str]) -> None:
        """Remove these names out of ``kept``, and what nothing else needs.

        Raises:
            EngineError: Some are still there: a container or a build uses them.
        """
        ...


@runtime_checkable
class LoginStore(Protocol):
    """A builder that stores logins in its own way, for the user's own commands."""

    def login(self, access: RegistryAccess) -> None:
        """Store credentials, the password on the program's standard input.

        Raises:
            EngineError: The engine refused or is not installed.
        """
        ...

    def logout(self, host: str) -> None:
        """Forget the stored credentials for this host; none stored is not an error."""
        ...


class Candidate(Protocol):
    """A builder that may work on this host; choosing one knows no more of it."""

    @property
    def name(self) -> str:
        """As ``--builder`` takes it."""
        ...

    @property
    def installed(self) -> bool:
        """Whether its program is there at all."""
        ...

    def remembered(self) -> AnyBuilder | Unusable | None:
        """Return what an earlier trial found; None when anything has changed since."""
        ...

    def probe(self) -> AnyBuilder | Unusable:
        """Try it anew, and remember the outcome."""
        ...


def cannot_run(engine: WorkingEngine, plan: BuildPlan) -> list[str]:
    """Report that RUN does not work when the plan has such a step; empty otherwise."""
    if engine.can_run or not plan.needs_run:
        return []
    return [
        fill(
            _("{how} cannot run the RUN steps of the Containerfile here ({tried})"),
            how=engine.how,
            tried=engine.no_run_reason,
        )
    ]


def several_platforms(plan: BuildPlan) -> list[str]:
    """Report that an engine builds for one platform at a time; empty for one or none."""
    if len(plan.platforms) < 2:
        return []
    return [_("it builds for one platform at a time")]


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, to compare; fewer where it has no more."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
