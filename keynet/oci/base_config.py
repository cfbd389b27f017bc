"""Read from an image's config what matters for a build on it; untrusted JSON.

Source: OCI image-spec, "Image Configuration"; docker's image specification, "OnBuild";
docker-library/python, "Dockerfile-linux.template".
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.plan import BaseFacts

__all__ = ["Looked", "from_json", "read", "read_inspected", "to_json"]

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
# The first and the last line of the Dockerfiles of Python's own images.
_LIBRARIES: Final = {"glibc": r"debian\.sh\b", "musl": r"alpine-minirootfs"}
_LAST: Final = r'(?:/bin/sh -c #\(nop\) +)?CMD \["python3"\](?: # buildkit)?'


@frozen
class Looked:
    """What a registry has under a name.

    ``platforms`` are those of its images; ``facts`` is None if no image runs on the platform that
    was asked for, or if its platform is not known.
    """

    platforms: tuple[Platform, ...]
    facts: BaseFacts | None = None


def to_json(looked: Looked) -> dict[str, Any]:
    """Return plain JSON values, from which ``from_json`` makes an equal value."""
    facts = looked.facts
    return {
        "platforms": [str(platform) for platform in looked.platforms],
        "facts": facts
        and {
            "platform": str(facts.platform),
            "python": facts.python and list(facts.python),
            "user": facts.user,
            "cuda": facts.cuda,
            "environment": dict(facts.environment),
            "digest": str(facts.digest) if facts.digest is not None else None,
            "onbuild": list(facts.onbuild),
            "plain": facts.plain,
        },
    }


def from_json(document: dict[str, Any]) -> Looked:
    """Return the value of ``to_json``.

    Raises:
        LookupError, TypeError, ValueError, ValidationError: It was not written by this version.
    """
    facts = document["facts"]
    platforms = tuple(Platform.parse(text) for text in document["platforms"])
    if facts is None:
        return Looked(platforms)
    major, minor = facts["python"] or (0, 0)
    return Looked(
        platforms,
        BaseFacts(
            platform=Platform.parse(facts["platform"]),
            python=(int(major), int(minor)) if major else None,
            user=str(facts["user"]),
            cuda=str(facts["cuda"]),
            environment={str(name): str(value) for name, value in facts["environment"].items()},
            digest=Digest.parse(facts["digest"]) if facts["digest"] else None,
            onbuild=tuple(map(str, facts["onbuild"])),
            plain=str(facts["plain"]),
        ),
    )


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
        _plain(config.get("history"), _object(config.get("rootfs")).get("diff_ids")),
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
            # docker says nothing of it.
            _plain(document.get("History"), _object(document.get("RootFS")).get("Layers")),
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
    plain: str,
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
        plain=plain if "PYTHON_SHA256" in environment else "",
    )


def _plain(history: object, layers: object) -> str:
    """Return the C library where an image has the layers of one of Python's own, and no more."""
    made = [each for each in history if isinstance(each, dict)] if isinstance(history, list) else []
    adding = [number for number, each in enumerate(made) if not each.get("empty_layer")]
    written = [text if isinstance(text := each.get("created_by"), str) else "" for each in made]
    last = next((at for at, text in enumerate(written) if re.fullmatch(_LAST, text[:200])), None)
    if not adding or last is None or adding[-1] > last:
        return ""
    if not isinstance(layers, list) or len(layers) != len(adding):
        return ""
    first = written[adding[0]][:1000]
    return next((name for name, it in _LIBRARIES.items() if re.search(it, first)), "")


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
