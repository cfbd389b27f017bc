"""The interface of builders and engines: values and small protocols.

A ``Builder`` builds, pushes and cleans up. Abilities that only some builders have are separate
protocols: ``Saver``, ``LayerStore``, ``LoginStore``. An engine's command line is private to its
own module.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from keynet.events import Emit
from keynet.frozen import frozen
from keynet.oci.attachment import Attachment
from keynet.oci.descriptor import Descriptor
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference

if TYPE_CHECKING:
    from keynet.plan import BaseFacts, BuildPlan, Pushed, RegistryAccess

__all__ = [
    "AnyBuilder",
    "Builder",
    "Candidate",
    "Documented",
    "Documenting",
    "Inspecting",
    "KeptImage",
    "LayerStore",
    "LocalImage",
    "LoginStore",
    "Resolving",
    "Saver",
    "Unusable",
    "WorkingEngine",
    "version_numbers",
]


BuiltT = TypeVar("BuiltT")
SavedT_contra = TypeVar("SavedT_contra", contravariant=True)


@frozen
class WorkingEngine:
    """An engine that has passed a real trivial build.

    ``how`` is for people (``buildah 1.28.2 (rootless, chroot)``). ``can_run`` is False if only
    COPY works, and ``no_run_reason`` then explains why. ``endpoint`` is the daemon's address, ""
    without a daemon. ``architecture`` is that of the engine's host, as OCI spells it (``amd64``),
    and ``store`` its folder with images and layers.
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
    store: str = ""

    @property
    def slow(self) -> bool:
        """Report whether its store copies every file for every layer."""
        return self.storage_driver == "vfs"


@frozen
class Unusable:
    """An engine that cannot be used here, with a reason and a fix for people.

    ``endpoint`` is the daemon's address if the daemon did not answer, else "". ``repair`` is a
    program with arguments that fixes it without root, and ``repair_effect`` what else it does.
    """

    name: str
    reason: str
    fix: str
    endpoint: str = ""
    repair: tuple[str, ...] = ()
    repair_effect: str = ""


@frozen
class LocalImage:
    """An image on this machine: its name in the builder, and its id in hex digits.

    ``stored`` is False for a builder that only has a cache and no image store.
    """

    name: str
    id: str
    stored: bool = True


@frozen
class KeptImage:
    """An image that builds keep in an engine's store, as their layer cache.

    ``size`` is the engine's own text and includes layers shared with other images; ``store`` is
    equal for engines that share their store.
    """

    name: str
    size: str
    store: str


class Builder(Protocol[BuiltT]):
    """Build an image from a plan and push it; ``BuiltT`` is the builder's own result."""

    @property
    def engine(self) -> WorkingEngine:
        """Return the engine, for people and for results."""
        ...

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """Explain which parts of this plan the builder cannot do; empty if it can do all.

        Cheap: nothing is built.
        """
        ...

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> BuiltT:
        """Build the image, and emit each line of the log as it arrives.

        Args:
            access: Credentials for base images; None uses the user's own logins only.
            target: Where the image will be pushed, for builders that push by name; None if it
                will not be pushed.

        Raises:
            BuildFailed: A step failed; with that step and the last lines of its log.
            ContextInvalid: A file of the context cannot be read.
            Interrupted: A signal arrived; nothing of this build is left behind.
        """
        ...

    def push(self, built: BuiltT, target: Reference, access: RegistryAccess, emit: Emit) -> Pushed:
        """Send the image to ``target``; the returned digest is the registry's.

        Raises:
            RegistryDenied: The registry refuses the credentials, or they lack permissions.
            RegistryError: Any other failure, explained for people.
        """
        ...

    def release(self, built: BuiltT) -> None:
        """Remove what only this build needed, and keep the layer cache of the next build.

        Call it after the image was pushed or saved, also if that failed. Something that is gone
        already is not an error.
        """
        ...


AnyBuilder = Builder[Any]


@frozen
class Documented:
    """Documents about one built image, which refer to its manifest."""

    image: Descriptor
    attachments: tuple[Attachment, ...]


@runtime_checkable
class Documenting(Protocol[SavedT_contra]):
    """A builder that knows which packages it has put into an image."""

    def documents(self, built: SavedT_contra) -> list[Documented]:
        """Return lock and SBOM of each image that has packages, by its manifest."""
        ...


@runtime_checkable
class Saver(Protocol[SavedT_contra]):
    """A builder that keeps images on this machine and writes them to files."""

    @property
    def formats(self) -> frozenset[str]:
        """Return the formats of ``save``: ``oci``, ``oci-archive``, ``docker-archive``."""
        ...

    def local(self, built: SavedT_contra) -> LocalImage:
        """Return the name and id of the image on this machine."""
        ...

    def save(self, built: SavedT_contra, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Write the image to ``path``; an archive must not exist yet.

        Raises:
            EngineError: The image was not written.
        """
        ...


@runtime_checkable
class LayerStore(Protocol):
    """A builder whose builds keep images in a store, as layer cache."""

    def kept(self) -> list[KeptImage]:
        """Return the images that builds keep in the store.

        Empty for keynet's own store, which is removed as a whole.

        Raises:
            EngineError: The images cannot be listed.
        """
        ...

    def drop(self, images: Sequence[str]) -> None:
        """Remove images of ``kept`` by name, with the layers that nothing else needs.

        Raises:
            EngineError: Some images remain because a container or a build uses them.
        """
        ...


@runtime_checkable
class Inspecting(Protocol):
    """A builder that may have its own copy of a base image, which it then uses."""

    def inspect(self, name: str) -> BaseFacts | None:
        """Return the facts of the copy that a build would use; None if there is none.

        Args:
            name: The image as the user wrote it: a short name, a full one or an id.
        """
        ...

    def fetch(
        self,
        plan: BuildPlan,
        name: str,
        platform: Platform,
        access: RegistryAccess | None,
        emit: Emit,
    ) -> str:
        """Pull an image for a platform, as a build would; return "" or the output of a failure.

        The copy of another platform, if the store has one, loses that name.
        """
        ...


@runtime_checkable
class Resolving(Protocol):
    """A builder that chooses the packages itself, before it builds."""

    def resolve(
        self, plan: BuildPlan, access: RegistryAccess | None, emit: Emit
    ) -> tuple[BuildPlan, str]:
        """Return the plan with its packages chosen, and what was chosen, for people.

        Raises:
            KeynetError: The build would fail: for a base image, or for a package.
        """
        ...


@runtime_checkable
class LoginStore(Protocol):
    """A builder that can store logins, for the user's own commands of that engine."""

    def login(self, access: RegistryAccess) -> None:
        """Store credentials; the password is passed on the program's standard input.

        Raises:
            EngineError: The engine refused, or is not installed.
        """
        ...

    def logout(self, host: str) -> None:
        """Remove the stored credentials of this host, if there are any.

        Raises:
            EngineError: The engine refused.
        """
        ...


class Candidate(Protocol):
    """A builder that may work on this host, as ``choosing`` sees it."""

    @property
    def name(self) -> str:
        """Return the name for ``--builder``."""
        ...

    @property
    def installed(self) -> bool:
        """Report whether its program is installed."""
        ...

    def remembered(self) -> AnyBuilder | Unusable | None:
        """Return the result of an earlier trial; None if anything has changed since."""
        ...

    def probe(self) -> AnyBuilder | Unusable:
        """Try the engine again, and remember the result."""
        ...


def version_numbers(version: str) -> tuple[int, ...]:
    """Return up to two leading numbers of a version, for comparison."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
