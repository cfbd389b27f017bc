"""What to build: the values that recipe, engines and steps share.

Facts only: how they are built (Containerfile text, mounts, pip) is decided by each engine.
"""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from types import MappingProxyType

from keynet.frozen import frozen
from keynet.net.sign_in import SignIn
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.secret import Secret

__all__ = [
    "BaseFacts",
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


@frozen
class ContextFile:
    """One entry of the context.

    ``path`` is relative to the context and uses ``/``; ``size`` is in bytes.
    """

    path: str
    size: int
    is_folder: bool = False


@frozen
class Dependencies:
    """The packages to install into an image.

    ``source`` is the file that names the dependencies, None if there is no such file.
    ``files`` holds requirements files and the files they refer to, by relative path: pip starts
    at ``requirements.txt``, and every reference is relative to this set. A large archive is the
    path of a copy in keynet's cache, in a folder named by its SHA-256.
    ``import_paths`` are folders of the context (``.`` for the context itself) that are put on
    the import path, because the requirements name local projects in them.
    ``count`` is the number of requirements named; ``lines`` are these in the form of PEP 508,
    where they have one. ``requires_python`` is what the project says, "" if it says nothing.
    ``pip_only`` names what in the files only pip understands, ``uv_only`` what only uv does.
    """

    source: Path | None = None
    files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    import_paths: tuple[str, ...] = ()
    count: int = 0
    requires_python: str = ""
    pip_only: tuple[str, ...] = ()
    uv_only: tuple[str, ...] = ()
    lines: tuple[str, ...] = field(default=(), repr=False)


@frozen
class BaseFacts:
    """What the config of a base image says, for one platform.

    ``python`` is its (major, minor), None if the config does not name it; ``cuda`` is a version
    such as ``12.1.0``, "" if it names none; ``user`` is "" for root. ``digest`` is that of the
    platform's manifest in the registry, None for an image that only the engine knows.
    ``onbuild`` holds the instructions that a build on this base runs first. ``plain`` is the C
    library, ``glibc`` or ``musl``, of an image that is one of Python's own, to which no layer was
    added; else "".
    """

    platform: Platform
    python: tuple[int, int] | None = None
    user: str = ""
    cuda: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING, repr=False)
    digest: Digest | None = None
    onbuild: tuple[str, ...] = ()
    plain: str = ""


@frozen
class Recipe:
    """An image described by keynet: the context is copied to ``workdir``.

    ``command`` is started in ``workdir``. ``base_name`` is the base as the user wrote it, which
    engines resolve themselves (short names, local images, ids); "" for exactly ``base``.
    ``installer`` is ``auto``, ``uv`` or ``pip``; ``auto`` is uv where that can do it, else pip.
    """

    base: Reference
    command: tuple[str, ...]
    workdir: str = "/workspace"
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    dependencies: Dependencies = field(default_factory=Dependencies)
    base_name: str = ""
    installer: str = "auto"

    @property
    def from_name(self) -> str:
        """Return the base image as the engine gets it."""
        return self.base_name or str(self.base)


@frozen
class Instruction:
    """One instruction of a Containerfile.

    ``name`` is upper case; ``arguments`` is one line without continuations; ``line`` is where
    it starts, counted from 1; ``heredoc`` is its first one as it is written, such as ``<<EOF``,
    "" if it has none; ``doubled`` are two escape characters that it ends in, to which some engines
    join the next line, "" where it does not.
    """

    name: str
    arguments: str
    line: int
    heredoc: str = ""
    doubled: str = ""


@frozen
class UserContainerfile:
    """The user's own Containerfile, used unchanged, and its parsed instructions.

    ``syntax`` is the frontend named in its ``# syntax=`` line, "" without such a line.
    """

    path: Path
    text: str = field(repr=False)
    instructions: tuple[Instruction, ...]
    syntax: str = ""


@frozen
class BuildSecret:
    """One ``--secret id=…,src=…``; only the engine reads the file."""

    id: str
    source: Path


@frozen
class HostNetwork:
    """The host's network settings for RUN steps, never for the image itself.

    ``proxies`` are variables such as HTTPS_PROXY with their values; ``ca_bundle`` is the content
    of a PEM file; ``pip_conf`` is the text of a pip configuration file; ``netrc`` is that of a
    netrc file, for indexes that the dependencies name. Proxies and ``pip_conf`` may contain
    passwords.
    """

    proxies: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    ca_bundle: bytes | None = field(default=None, repr=False)
    pip_conf: Secret | None = None
    netrc: Secret | None = None


@frozen
class BuildPlan:
    """One image to build, completely decided.

    ``files`` is the context without ignored entries, sorted by path; symlinks and directories
    are entries too. ``platforms`` is empty for the engine's own platform. ``base_facts`` is None
    where neither the registry nor the engine's store knows the base image. ``compression`` is
    ``gzip`` or ``zstd``; engines know gzip only. ``title`` is the model's
    name. ``locks`` has the packages that were chosen
    before the build, as a pylock.toml for each platform; what is not in it the build chooses.
    ``cache_from`` and ``cache_to`` are caches in registries; engines know none of this kind.
    ``build_sdist`` allows a builder without an engine to build packages on this machine.
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
    base_facts: BaseFacts | None = None
    compression: str = "gzip"
    title: str = ""
    locks: Mapping[Platform, str] = field(default_factory=dict, repr=False)
    cache_from: Reference | None = None
    cache_to: Reference | None = None
    build_sdist: bool = False

    @property
    def base(self) -> Reference | None:
        """Return the base image of a recipe; None for a user's own Containerfile."""
        return self.recipe.base if isinstance(self.recipe, Recipe) else None

    @property
    def needs_run(self) -> bool:
        """Report whether the build runs programs; otherwise it only copies files."""
        if isinstance(self.recipe, Recipe):
            return bool(self.recipe.dependencies.files)
        return any(instruction.name == "RUN" for instruction in self.recipe.instructions)


@frozen
class RegistryAccess:
    """How to reach one registry.

    ``host`` is host[:port]; ``insecure`` allows plain http; ``token_hosts`` may get the password,
    too, in exchange for tokens. ``sign_in`` is what the clients of this account learn; a copy for
    another account begins with nothing.
    """

    host: str
    username: str = ""
    password: Secret | None = None
    ca_cert: Path | None = None
    insecure: bool = False
    token_hosts: tuple[str, ...] = ()
    sign_in: SignIn = field(init=False, default_factory=SignIn, repr=False, compare=False)


@frozen
class Pushed:
    """A pushed image.

    ``manifest`` is its manifest or index with its size, and ``bytes_sent`` what was sent; both are
    None if the builder does not report them.
    """

    reference: Reference
    digest: Digest
    manifest: Descriptor | None = None
    bytes_sent: int | None = None
