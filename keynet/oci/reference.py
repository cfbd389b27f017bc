"""Image references: ``host[:port]/repository[:tag][@digest]``.

Source: distribution ``reference`` grammar; OCI distribution-spec, "Pulling manifests".
"""

import re
from dataclasses import replace
from typing import Self

from keynet.errors import ValidationError
from keynet.frozen import frozen
from keynet.net.hosts import HostError, check_host_and_port
from keynet.oci.descriptor import Digest
from keynet.text import _, fill, printable

__all__ = ["DOCKER_HUB", "DOCKER_HUB_ALIASES", "Reference", "is_path_component", "is_tag"]

DOCKER_HUB = "docker.io"
DOCKER_HUB_ALIASES = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})
_NAME_LIMIT = 255

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:.]+\])(?::[0-9]{{1,5}})?")
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_PATH_COMPONENT = re.compile(_COMPONENT)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


@frozen
class Reference:
    """The name of an image, or of a repository if it has neither tag nor digest.

    ``registry`` is host[:port] without a scheme, never empty; ``str`` and ``parse`` round trip.
    """

    registry: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.registry) or not _looks_like_host(self.registry):
            raise _invalid(self.registry, _("the registry must be HOST[:PORT]"))
        try:
            check_host_and_port(self.registry)
        except HostError as error:
            raise _invalid(self.registry, str(error)) from error
        if not _REPOSITORY.fullmatch(self.repository):
            raise _invalid(
                self.repository.removeprefix("library/"),
                _("only lower-case letters, digits and . _ - / are allowed"),
            )
        if len(self.registry) + 1 + len(self.repository) > _NAME_LIMIT:
            raise _invalid(self.repository, _("the name is longer than 255 characters"))
        if self.tag is not None and not _TAG.fullmatch(self.tag):
            raise _invalid(self.tag, _("a tag may have up to 128 letters, digits and . _ -"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a reference as docker does.

        Without a host it is on Docker Hub; ``nginx`` means ``docker.io/library/nginx``.

        Raises:
            ValidationError: A part, which is named, is not valid. A scheme is refused.
        """
        if "://" in text:
            raise _invalid(text, _("it must not have a scheme such as https://"))
        name, _at, digest_text = text.partition("@")
        if _at and not digest_text:
            raise _invalid(text, _("the digest after @ is missing"))
        digest = Digest.parse(digest_text) if _at else None
        first, slash, rest = name.partition("/")
        if slash and (
            "." in first or ":" in first or first == "localhost" or first != first.lower()
        ):
            registry, remainder = first, rest
        else:
            registry, remainder = DOCKER_HUB, name
        repository, colon, tag = remainder.partition(":")
        if colon and not tag:
            raise _invalid(text, _("the tag after : is missing"))
        if registry in DOCKER_HUB_ALIASES:
            registry = DOCKER_HUB
            if "/" not in repository:
                repository = f"library/{repository}"
        return cls(registry, repository, tag if colon else None, digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.name}{tag}{digest}"

    @property
    def name(self) -> str:
        """The registry and repository, without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def identifier(self) -> str:
        """What to request a manifest by: the digest, else the tag, else ``latest``."""
        if self.digest is not None:
            return str(self.digest)
        return self.tag or "latest"

    def with_tag(self, tag: str) -> Self:
        """Return the same repository with this tag and no digest."""
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> Self:
        """Return the same repository with this digest and no tag."""
        return replace(self, tag=None, digest=digest)


def _looks_like_host(text: str) -> bool:
    return "." in text or ":" in text or text == "localhost" or text != text.lower()


def is_path_component(text: str) -> bool:
    """Report whether ``text`` is a valid component of a repository name."""
    return len(text) <= _NAME_LIMIT and _PATH_COMPONENT.fullmatch(text) is not None


def is_tag(text: str) -> bool:
    """Report whether ``text`` is a valid tag."""
    return _TAG.fullmatch(text) is not None


def _invalid(part: str, reason: str) -> ValidationError:
    return ValidationError(
        fill(
            _("{part!r} is not a valid image reference: {reason}."),
            part=printable(part, 300),
            reason=reason,
        ),
        _("The form is [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST], for example python:3.11-slim."),
    )
