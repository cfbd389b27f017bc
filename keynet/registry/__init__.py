"""An asynchronous client of OCI registries, and tools for image archives.

    from keynet.registry import push_docker_tar

    digest = await push_docker_tar("app.tar", "http://127.0.0.1:5000", "team/app", "1.0")

Everything here loads at first use. Source: SPEC 7.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keynet.errors import RegistryError, TarReadError, ValidationError
    from keynet.oci.summary import BlobInfo, ImageConfig, ImageInspect, LayerInfo, ManifestInfo
    from keynet.registry.client import RegistryClient
    from keynet.registry.config import RegistryConfig
    from keynet.registry.functions import (
        extract_original_tags,
        get_primary_tag,
        get_tar_manifest,
        inspect_docker_tar,
        parse_repository_tag,
        pull_image,
        push_docker_tar,
        push_docker_tar_with_all_original_tags,
        push_docker_tar_with_original_tags,
        validate_docker_tar,
    )
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

__all__ = [
    "BlobInfo",
    "ImageConfig",
    "ImageInspect",
    "LayerInfo",
    "ManifestInfo",
    "RegistryClient",
    "RegistryConfig",
    "RegistryError",
    "TarReadError",
    "ValidationError",
    "check_registry_connectivity",
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
    "keynet.errors": ("RegistryError", "TarReadError", "ValidationError"),
    "keynet.oci.summary": ("BlobInfo", "ImageConfig", "ImageInspect", "LayerInfo", "ManifestInfo"),
    "keynet.registry.client": ("RegistryClient",),
    "keynet.registry.functions": (
        "pull_image",
        "push_docker_tar",
        "push_docker_tar_with_all_original_tags",
        "push_docker_tar_with_original_tags",
    ),
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
    "keynet.registry.config": ("RegistryConfig",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'keynet.registry' has no attribute {name!r}")
