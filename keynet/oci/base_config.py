"""Read from an image's config what matters for a build on it; untrusted JSON.

Source: OCI image-spec, "Image Configuration"; docker's image specification, "OnBuild".
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.plan import BaseFacts

__all__ = ["read", "read_inspected"]

_PYTHON: Final = re.compile(r"(\d{1,2})\.(\d{1,3})(?!\d)")
_VERSION: Final = re.compile(r"\d{1,3}(?:\.\d{1,6}){0,3}")
# NVIDIA's images: the toolkit's version, then those of single parts of it.
_CUDA: Final = (
    "CUDA_VERSION",
    "NV_CUDA_CUDART_VERSION",
    "NV_CUDA_LIB_VERSION",
    "NV_CUDA_COMPAT_VERSION",
)
_LONGEST_PLATFORM: Final = 60


def read(config: Mapping[str, Any], digest: Digest | None = None) -> BaseFacts | None:
    """Return the facts of an OCI or docker image config; None if it names no platform.

    A field of another type than the specification's counts as missing.

    Args:
        digest: The manifest's, in the registry.
    """
    return _facts(
        config.get("os"),
        config.get("architecture"),
        config.get("variant"),
        _object(config.get("config")),
        digest,
    )


def read_inspected(document: Mapping[str, Any]) -> BaseFacts | None:
    """Return the facts of an image as docker, podman or buildah ``inspect`` it, by their JSON."""
    # buildah nests the config in both formats; only docker's has ONBUILD.
    config = document.get("OCIv1")
    if not isinstance(config, dict):
        return _facts(
            document.get("Os"),
            document.get("Architecture"),
            document.get("Variant"),
            _object(document.get("Config")),
            None,
        )
    docker = _object(_object(document.get("Docker")).get("config"))
    merged = {**_object(config.get("config")), "OnBuild": docker.get("OnBuild")}
    return read({**config, "config": merged})


def _facts(
    system: object,
    architecture: object,
    variant: object,
    run: Mapping[str, Any],
    digest: Digest | None,
) -> BaseFacts | None:
    named = [part for part in (system, architecture) if isinstance(part, str) and part]
    if len(named) != 2 or max(map(len, named)) > _LONGEST_PLATFORM:
        return None
    environment = _environment(run.get("Env"))
    user = run.get("User")
    return BaseFacts(
        platform=Platform(named[0], named[1], variant if isinstance(variant, str) else None),
        python=_python(environment.get("PYTHON_VERSION", "")),
        user=user if isinstance(user, str) else "",
        cuda=_cuda(environment),
        environment=environment,
        digest=digest,
        onbuild=tuple(_texts(run.get("OnBuild"))),
    )


def _environment(lines: object) -> dict[str, str]:
    pairs = (line.partition("=") for line in _texts(lines))
    return {name: value for name, _equals, value in pairs if name}


def _python(text: str) -> tuple[int, int] | None:
    found = _PYTHON.match(text)
    return (int(found[1]), int(found[2])) if found else None


def _cuda(environment: Mapping[str, str]) -> str:
    for name in _CUDA:
        found = _VERSION.match(environment.get(name, ""))
        if found:
            return found[0]
    return ""


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
