"""What every engine offers: values, and the protocol that docker, podman and buildah share."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from keynet.events import Emit
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess
from keynet.text import _, fill

__all__ = [
    "Builder",
    "Built",
    "Invocation",
    "Kept",
    "RegistryAuth",
    "Unusable",
    "WorkingEngine",
    "cannot_run",
    "version_numbers",
]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Invocation:
    """How an engine's argv has to look on this host: what probing found to work.

    Empty strings leave the engine's default. ``mode`` is docker's builder (``legacy``,
    ``buildkit``, ``buildx``, ``builder``); ``root`` and ``runroot`` are keynet's own overlay store;
    ``remote`` means that the engine sees none of this host's folders.
    """

    binary: str
    mode: str = ""
    isolation: str = ""
    runtime: str = ""
    network: str = ""
    driver: str = ""
    root: str = ""
    runroot: str = ""
    ulimits: tuple[str, ...] = ()
    remote: bool = False


@dataclass(frozen=True, slots=True)
class WorkingEngine:
    """An engine that passed a real trivial build.

    ``how`` is for people (``buildah 1.28.2 (rootless, chroot)``); ``can_run`` is False
    where only COPY works; ``endpoint`` is the daemon's address, "" without a daemon;
    ``architecture`` is the engine host's, in the OCI's words.
    """

    name: str
    version: str
    rootless: bool
    how: str
    can_run: bool
    way: Invocation
    storage_driver: str = ""
    endpoint: str = ""
    architecture: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)


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
class RegistryAuth:
    """A private folder with one registry's credentials in each engine's form.

    Made and removed by ``authfiles.registry_auth``; ``cert_dir`` is None without a
    private CA; ``insecure`` lets the engine use plain http or an unverified certificate.
    """

    host: str
    authfile: Path
    docker_config: Path
    cert_dir: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """An image in its builder's store; opaque to everybody else.

    ``name`` is this build's own temporary tag, ``project`` the name under which the
    builder keeps its layer cache, ``stages`` the last image of each earlier stage;
    ``stored`` is False where the builder has a cache only, out of which it pushes and saves.
    """

    engine: str
    image_id: str
    name: str
    project: str
    stages: tuple[str, ...] = ()
    stored: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """An image that builds left in an engine's store, as their layer cache.

    ``size`` is in the engine's own words, with the layers that it shares with others;
    ``store`` is the same for engines that share their store.
    """

    name: str
    size: str
    store: str


class Builder(Protocol):
    """One engine, driven through its command line in the way that probing found.

    Nothing else is remembered between calls. ``probe`` makes them.
    """

    @property
    def name(self) -> str:
        """``docker``, ``podman`` or ``buildah``."""
        ...

    def login(self, access: RegistryAccess) -> None:
        """Store credentials in the engine's own way, the password on its standard input.

        Raises:
            EngineError: The engine refused or is not installed.
        """
        ...

    def logout(self, host: str) -> None:
        """Forget the engine's stored credentials for this host; none stored is no error."""
        ...

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """Say what of this plan the engine cannot do; empty when it can do all. Cheap."""
        ...

    def ahead(self, plan: BuildPlan) -> AbstractContextManager[Builder]:
        """Let the engine tell beside the block what it knows for this build.

        The builder that the block gets has its answer; in the block no other program may
        be started before it builds.
        """
        ...

    def build(
        self,
        plan: BuildPlan,
        auth: RegistryAuth | None,
        emit: Emit,
        target: Reference | None = None,
    ) -> Built:
        """Build the image; the log goes to ``emit`` line by line as it comes.

        Args:
            auth: For pulling base images; None uses the engine's own logins alone.
            target: Where it will be pushed, for engines that push by name.

        Raises:
            BuildFailed: With the failing step and the last lines of its log.
            ContextInvalid: A file of the context cannot be read.
            Interrupted: A signal came; nothing of this build is left behind.
        """
        ...

    def push(self, built: Built, target: Reference, auth: RegistryAuth, emit: Emit) -> Pushed:
        """Send the image to ``target``; the digest is the registry's.

        Raises:
            RegistryDenied: The registry refuses the credentials or their rights.
            RegistryError: Everything else, in words.
        """
        ...

    @property
    def saves(self) -> frozenset[str]:
        """Of ``oci``, ``oci-archive`` and ``docker-archive``, what ``save`` writes."""
        ...

    def save(self, built: Built, destination: str, emit: Emit) -> None:
        """Write the image to ``KIND:PATH``; an archive must not be there yet.

        Raises:
            EngineError: It was not written.
        """
        ...

    def removing(self, built: Built) -> AbstractContextManager[None]:
        """Drop this build's temporary names; one tag a project stays, as its layer cache.

        The engine does it beside the block, whose end waits for it; in the block no other
        program may be started. Due when the image is pushed or saved, and when that failed.
        Never raises for an image that is gone already.
        """
        ...

    def kept(self) -> list[Kept]:
        """List what builds left in the engine's store; keynet's own store goes as a whole.

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


def cannot_run(usable: WorkingEngine, plan: BuildPlan) -> list[str]:
    """Say that RUN does not work when the plan has such a step; empty otherwise."""
    if usable.can_run or not re.search(r"(?im)^\s*RUN\b", plan.recipe.text):
        return []
    return [
        fill(
            _("{how} cannot run the RUN steps of the Containerfile here ({tried})."),
            how=usable.how,
            tried=usable.facts.get("no_run", ""),
        )
    ]


def version_numbers(version: str) -> tuple[int, ...]:
    """Give the first two numbers of a version, to compare; fewer where it has no more."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
