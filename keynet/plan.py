"""What to build, decided before anything is done: values that recipe, engines and steps share.

Facts only. How an engine builds them (a Containerfile, mounts, pip) is that engine's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.secret import Secret

__all__ = [
    "BuildPlan",
    "BuildSecret",
    "ContextFile",
    "Dependencies",
    "HostNetwork",
    "Instruction",
    "Pushed",
    "Recipe",
    "RegistryAccess",
    "UserContainerfile",
]

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ContextFile:
    """One entry of the context: ``path`` is relative to it and uses ``/``; size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The packages that an image gets.

    ``files`` holds requirements files and what they refer to, by relative path:
    ``requirements.txt`` is the first to read, every reference in it is relative to this set.
    ``import_paths`` are folders of the context (``.`` for itself) whose modules the local
    projects among the requirements make importable. ``source`` is the file that names the
    dependencies, None where there is none.
    """

    source: Path | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    import_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image that keynet describes: the context lies in ``workdir``, where ``command`` starts."""

    base: Reference
    command: tuple[str, ...]
    workdir: str = "/workspace"
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    dependencies: Dependencies = field(default_factory=Dependencies)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Containerfile.

    ``name`` is upper case; ``arguments`` is one line without continuations; ``line`` is where
    it starts, counted from 1.
    """

    name: str
    arguments: str
    line: int


@dataclass(frozen=True, slots=True)
class UserContainerfile:
    """The user's own Containerfile, used as it is, and what was read of it.

    ``syntax`` is the frontend that it names, "" without one.
    """

    path: Path
    text: str = field(repr=False)
    instructions: tuple[Instruction, ...]
    syntax: str = ""


@dataclass(frozen=True, slots=True)
class BuildSecret:
    """One ``--secret id=…,src=…``; the file is read by the engine, never by keynet."""

    id: str
    source: Path


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """How this host reaches the network, for RUN steps of the build only, never in the image.

    ``proxies`` are variables such as HTTPS_PROXY with their values; ``ca_bundle`` is a PEM
    file's content; ``pip_conf`` is a pip configuration file's text. Both may hold passwords.
    """

    proxies: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    ca_bundle: bytes | None = field(default=None, repr=False)
    pip_conf: Secret | None = None


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """Everything decided, nothing done.

    ``files`` is the context without what is ignored, sorted by path; symlinks and
    directories are entries of their own. ``platforms`` is empty for the engine's own.
    """

    context: Path
    files: tuple[ContextFile, ...]
    recipe: Recipe | UserContainerfile
    platforms: tuple[Platform, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    build_args: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    secrets: tuple[BuildSecret, ...] = ()
    no_cache: bool = False
    host_network: HostNetwork = field(default_factory=HostNetwork)

    @property
    def base(self) -> Reference | None:
        """The base image of a recipe; None where the user's own file names the bases."""
        return self.recipe.base if isinstance(self.recipe, Recipe) else None

    @property
    def needs_run(self) -> bool:
        """Whether the build has to run programs, or copies files alone."""
        if isinstance(self.recipe, Recipe):
            return bool(self.recipe.dependencies.files)
        return any(instruction.name == "RUN" for instruction in self.recipe.instructions)


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How to reach one registry: ``host`` is host[:port]; ``insecure`` allows plain http."""

    host: str
    username: str = ""
    password: Secret | None = None
    ca_cert: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push left in the registry; ``bytes_sent`` is None where the engine does not say."""

    reference: Reference
    digest: Digest
    size: int | None = None
    bytes_sent: int | None = None
