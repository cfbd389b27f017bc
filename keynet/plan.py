"""What to build, decided before anything is done: values that recipe, engines and steps share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.secret import Secret

__all__ = [
    "BuildPlan",
    "BuildSecret",
    "ContextFile",
    "GeneratedContainerfile",
    "HostNetwork",
    "Pushed",
    "RegistryAccess",
    "UserContainerfile",
]

_NOTHING: Mapping[str, str] = MappingProxyType({})
# Where pip looks for settings of the whole system, below the image's own /etc/pip.conf.
_PIP_FOLDER = "/etc/xdg/pip"
_PIP_FILES = ("pip.conf", "ca.pem")


@dataclass(frozen=True, slots=True)
class ContextFile:
    """One entry of the context: ``path`` is relative to it and uses ``/``; size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class GeneratedContainerfile:
    """The Containerfile that keynet wrote for a *staged* context.

    The engine's context root is a staging directory that holds ``context/`` (the user's
    files, without what is ignored) and ``build/`` (what only the first stage sees).
    ``build_files`` are those files of ``build/`` by relative path, a ``Path`` for one that
    lies in keynet's own cache; ``executables`` names those of them that are staged with mode
    0755 instead of 0644.

    ``mounting`` is the same recipe in one stage, for engines whose RUN can mount ``build/``;
    "" where nothing is installed. It needs the build argument ``USER_ARGUMENT`` when the base
    image's user is not root.
    """

    USER_ARGUMENT: ClassVar[str] = "KEYNET_USER"

    text: str
    build_files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    executables: frozenset[str] = frozenset()
    mounting: str = ""


@dataclass(frozen=True, slots=True)
class UserContainerfile:
    """The user's own Containerfile, used as it is; the context's root is the engine's root.

    ``mounting`` is the same with ``MOUNTS`` behind each RUN, for BuildKit, which can mount
    nothing of a host but secrets; "" where that cannot be. A secret that is not given is
    not mounted.
    """

    PIP_FOLDER: ClassVar[str] = _PIP_FOLDER
    PIP_FILES: ClassVar[tuple[str, ...]] = _PIP_FILES
    MOUNTS: ClassVar[str] = " ".join(
        f"--mount=type=secret,id=keynet-{name},target={_PIP_FOLDER}/{name},mode=0444"
        for name in _PIP_FILES
    )

    path: Path
    text: str
    mounting: str = ""


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
    directories are entries of their own.
    """

    context: Path
    files: tuple[ContextFile, ...]
    recipe: GeneratedContainerfile | UserContainerfile
    base: Reference | None = None
    platform: Platform | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    build_args: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    secrets: tuple[BuildSecret, ...] = ()
    no_cache: bool = False
    host_network: HostNetwork = field(default_factory=HostNetwork)


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How to reach one registry: ``host`` is host[:port]; ``insecure`` means plain http is fine."""

    host: str
    username: str = ""
    password: Secret | None = None
    ca_cert: Path | None = None
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push left in the registry; ``bytes_sent`` is None where the engine does not tell."""

    reference: Reference
    digest: Digest
    size: int | None = None
    bytes_sent: int | None = None
