"""An asynchronous client of OCI registries, and tools for image archives.

    from keynet.registry import push_docker_tar

    digest = await push_docker_tar("app.tar", "http://127.0.0.1:5000", "team/app", "1.0")

Everything here loads at first use. Every value and error that these functions take, return or
raise is exported, too; docs/registry.md explains them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keynet.archive.docker_tar import (
        extract_original_tags,
        get_primary_tag,
        get_tar_manifest,
        inspect_docker_tar,
        parse_repository_tag,
        validate_docker_tar,
    )
    from keynet.archive.recompress import Policy
    from keynet.errors import (
        ArchiveNotFound,
        DigestMismatch,
        InvalidArchive,
        KeynetError,
        NotFound,
        RegistryDenied,
        RegistryError,
        RegistryUnreachable,
        TarReadError,
        UsageError,
        ValidationError,
    )
    from keynet.events import (
        BlobAdvanced,
        BlobFinished,
        BlobMounted,
        BlobRewound,
        BlobSkipped,
        BlobStarted,
        Emit,
        Event,
    )
    from keynet.net.retry import Retries
    from keynet.net.sign_in import SignIn
    from keynet.oci.descriptor import Descriptor, Digest, MediaType
    from keynet.oci.platform import Platform
    from keynet.oci.summary import BlobInfo, ImageConfig, ImageInspect, LayerInfo, ManifestInfo
    from keynet.registry.auth.credential_sources import (
        Auth,
        Credential,
        CredentialSource,
        FixedSource,
    )
    from keynet.registry.auth.stored_logins import AuthFile, AuthVariable, default_sources
    from keynet.registry.client import CaCert, RegistryClient
    from keynet.registry.config import RegistryConfig
    from keynet.registry.copying.copies import copy_image
    from keynet.registry.copying.copy_between import CopiedImage
    from keynet.registry.functions import (
        pull_image,
        push_docker_tar,
        push_docker_tar_with_all_original_tags,
        push_docker_tar_with_original_tags,
    )
    from keynet.registry.http.exchange import ListLimits, Timeouts
    from keynet.registry.http.tls import ClientCertificate
    from keynet.registry.http.transport import HttpTransport
    from keynet.registry.manifests import Manifest
    from keynet.registry.queries import (
        check_registry_connectivity,
        delete_image,
        delete_image_by_digest,
        get_image_info,
        get_manifest,
        inspect_repositories,
        list_repositories,
        list_tags,
    )
    from keynet.registry.transfer.blob_source import Source
    from keynet.secret import Secret

__all__ = [
    "ArchiveNotFound",
    "Auth",
    "AuthFile",
    "AuthVariable",
    "BlobAdvanced",
    "BlobFinished",
    "BlobInfo",
    "BlobMounted",
    "BlobRewound",
    "BlobSkipped",
    "BlobStarted",
    "CaCert",
    "ClientCertificate",
    "CopiedImage",
    "Credential",
    "CredentialSource",
    "Descriptor",
    "Digest",
    "DigestMismatch",
    "Emit",
    "Event",
    "FixedSource",
    "HttpTransport",
    "ImageConfig",
    "ImageInspect",
    "InvalidArchive",
    "KeynetError",
    "LayerInfo",
    "ListLimits",
    "Manifest",
    "ManifestInfo",
    "MediaType",
    "NotFound",
    "Platform",
    "Policy",
    "RegistryClient",
    "RegistryConfig",
    "RegistryDenied",
    "RegistryError",
    "RegistryUnreachable",
    "Retries",
    "Secret",
    "SignIn",
    "Source",
    "TarReadError",
    "Timeouts",
    "UsageError",
    "ValidationError",
    "check_registry_connectivity",
    "copy_image",
    "default_sources",
    "delete_image",
    "delete_image_by_digest",
    "extract_original_tags",
    "get_image_info",
    "get_manifest",
    "get_primary_tag",
    "get_tar_manifest",
    "inspect_docker_tar",
    "inspect_repositories",
    "list_repositories",
    "list_tags",
    "parse_repository_tag",
    "pull_image",
    "push_docker_tar",
    "push_docker_tar_with_all_original_tags",
    "push_docker_tar_with_original_tags",
    "validate_docker_tar",
]

_MODULES = {
    "keynet.archive.docker_tar": (
        "extract_original_tags",
        "get_primary_tag",
        "get_tar_manifest",
        "inspect_docker_tar",
        "parse_repository_tag",
        "validate_docker_tar",
    ),
    "keynet.archive.recompress": ("Policy",),
    "keynet.errors": (
        "ArchiveNotFound",
        "DigestMismatch",
        "InvalidArchive",
        "KeynetError",
        "NotFound",
        "RegistryDenied",
        "RegistryError",
        "RegistryUnreachable",
        "TarReadError",
        "UsageError",
        "ValidationError",
    ),
    "keynet.events": (
        "BlobAdvanced",
        "BlobFinished",
        "BlobMounted",
        "BlobRewound",
        "BlobSkipped",
        "BlobStarted",
        "Emit",
        "Event",
    ),
    "keynet.net.retry": ("Retries",),
    "keynet.net.sign_in": ("SignIn",),
    "keynet.oci.descriptor": ("Descriptor", "Digest", "MediaType"),
    "keynet.oci.platform": ("Platform",),
    "keynet.oci.summary": ("BlobInfo", "ImageConfig", "ImageInspect", "LayerInfo", "ManifestInfo"),
    "keynet.registry.auth.credential_sources": (
        "Auth",
        "Credential",
        "CredentialSource",
        "FixedSource",
    ),
    "keynet.registry.auth.stored_logins": ("AuthFile", "AuthVariable", "default_sources"),
    "keynet.registry.client": ("CaCert", "RegistryClient"),
    "keynet.registry.config": ("RegistryConfig",),
    "keynet.registry.copying.copies": ("copy_image",),
    "keynet.registry.copying.copy_between": ("CopiedImage",),
    "keynet.registry.http.exchange": ("ListLimits", "Timeouts"),
    "keynet.registry.functions": (
        "pull_image",
        "push_docker_tar",
        "push_docker_tar_with_all_original_tags",
        "push_docker_tar_with_original_tags",
    ),
    "keynet.registry.manifests": ("Manifest",),
    "keynet.registry.queries": (
        "check_registry_connectivity",
        "delete_image",
        "delete_image_by_digest",
        "get_image_info",
        "get_manifest",
        "inspect_repositories",
        "list_repositories",
        "list_tags",
    ),
    "keynet.registry.http.tls": ("ClientCertificate",),
    "keynet.registry.transfer.blob_source": ("Source",),
    "keynet.registry.http.transport": ("HttpTransport",),
    "keynet.secret": ("Secret",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'keynet.registry' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
