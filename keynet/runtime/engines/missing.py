"""Errors for containers and images that an engine does not have."""

from keynet.errors import ContainerNotFound, LocalImageNotFound
from keynet.text import _, fill, printable

__all__ = ["container", "image"]


def container(engine: str, name: str) -> ContainerNotFound:
    """Return the error for a container."""
    return ContainerNotFound(
        fill(_("{engine} has no container {name}."), engine=engine, name=printable(name, 130)),
        fill(_("List its containers with: {engine} ps --all"), engine=engine),
    )


def image(engine: str, name: str) -> LocalImageNotFound:
    """Return the error for an image."""
    return LocalImageNotFound(
        fill(_("{engine} has no image {name}."), engine=engine, name=printable(name, 130)),
        fill(
            _("List its images with: {engine} images. Get it with: {engine} pull {name}"),
            engine=engine,
            name=printable(name, 130),
        ),
    )
