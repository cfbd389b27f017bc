"""Read a base image from its registry: manifest, config, Python, packages. No layer is kept."""

import json
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from keynet.direct.base.base_packages import BasePackages, find_packages
from keynet.direct.base.python_cache import (
    keep_packages,
    keep_python,
    kept_packages,
    kept_python,
    packages_of,
    python_of,
)
from keynet.direct.base.target_python import TargetPython, from_config, own_layers
from keynet.errors import ValidationError
from keynet.events import Emit, LogLine, Notice
from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.oci.image import Image, Layer
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.process.event_loop import EventLoop
from keynet.registry.client import RegistryClient
from keynet.registry.kept_documents import KeptDocuments
from keynet.registry.transfer.pull_image import kept_image, read_image
from keynet.text import _, fill, size

if TYPE_CHECKING:
    from keynet.direct.base.base_listing import Listing

__all__ = ["Target", "config_of", "find_python_alone", "find_target", "read_base"]

# Takes some time to read, and is a part of what a registry allows: said in any case.
_BIG: Final = 1_000_000_000


@frozen
class Target:
    """The Python of a base, and the packages that it brings as far as they are known."""

    python: TargetPython
    packages: BasePackages


async def read_base(client: RegistryClient, base: Reference, platform: Platform) -> Image:
    """Return the base image for a platform; its layers stay in the registry.

    Raises:
        NotFound: The registry has no such image, or none for the platform.
        RegistryError: The registry cannot be asked.
        ValidationError: Its build triggers would have to be run.
    """
    kept = KeptDocuments.here()
    image = kept_image(client, base, platform, kept)
    if image is None:
        image = await _fetched(client, base, platform, kept)
    run = config_of(image).get("config")
    triggers = run.get("OnBuild") if isinstance(run, dict) else None
    if triggers:
        raise ValidationError(
            fill(_("The base image {base} has ONBUILD instructions."), base=base),
            _("Only an engine runs them: use --builder docker, podman or buildah."),
        )
    return image


async def _fetched(
    client: RegistryClient, base: Reference, platform: Platform, kept: KeptDocuments
) -> Image:
    """Read an image and keep its documents: the build reads what preparing has read."""
    from keynet.oci.index_entries import choose_entry
    from keynet.registry.transfer.select_image import select_manifest

    top = kept.manifest(base.digest) if base.digest is not None else None
    if top is None:
        top = await client.get_manifest(base.repository, base.digest or base.identifier)
        kept.keep_manifest(top.descriptor.digest, top)
    entry = choose_entry(top.manifests, platform) if top.manifests is not None else None
    if entry is not None and (
        image := kept_image(client, base.with_digest(entry.digest), platform, kept)
    ):
        return image
    manifest = await select_manifest(client, base, top, platform)
    image = await read_image(client, base, manifest)
    kept.keep_manifest(manifest.descriptor.digest, manifest)
    if manifest.config is not None:
        kept.keep_config(manifest.config, image.config)
    return image


def config_of(image: Image) -> dict[str, Any]:
    """Return an image's config as JSON values."""
    found = json.loads(image.config)
    return found if isinstance(found, dict) else {}


def find_target(
    image: Image,
    base: Reference,
    loop: EventLoop,
    emit: Emit,
    stated: tuple[str, str] = ("", ""),
) -> Target:
    """Return the base's Python and packages: by its config, else by a list of its files, read once.

    Of an image on Python's own one the layers that were added are listed.

    Args:
        stated: Of its Python and its packages, as another machine has kept them.

    Raises:
        ValidationError: It has none, or one that is not understood.
        RegistryError: A layer cannot be read.
    """
    config = config_of(image)
    known = from_config(config)
    first = 0 if known is None else own_layers(config, len(image.layers))
    if known is not None and first == len(image.layers):
        # What Python's own image brings (pip) is of no use to a project.
        return Target(known, BasePackages())
    digest = Digest.of(image.config)
    python = known or kept_python(digest) or python_of(stated[0])
    packages = kept_packages(digest) or packages_of(stated[1])
    if python is not None and packages is not None:
        return Target(python, packages)
    from keynet.direct.base.listed_python import find_python

    listing = _listed(image.layers[first:], base, loop, emit)
    python = known or find_python(listing, config, str(base))
    packages = find_packages(listing, python)
    if known is None:
        keep_python(digest, python)
    keep_packages(digest, packages)
    return Target(python, packages)


def find_python_alone(image: Image, base: Reference, loop: EventLoop, emit: Emit) -> TargetPython:
    """Return the base's Python where its packages are of no interest; see ``find_target``."""
    known = from_config(config_of(image))
    return known or find_target(image, base, loop, emit).python


def _listed(layers: Sequence[Layer], base: Reference, loop: EventLoop, emit: Emit) -> "Listing":
    from keynet.archive.layers import layer_blocks
    from keynet.direct.base.base_listing import Listing, read_layer

    whole = sum(layer.descriptor.size for layer in layers)
    text = fill(
        _("Reading the list of files of {base} once ({size})."), base=base, size=size(whole)
    )
    emit(Notice(text, "note") if whole > _BIG else LogLine(text, "base"))
    listing = Listing()
    for layer in layers:
        # Closed where the loop still runs, also if the layer is damaged.
        with closing(layer_blocks(layer, loop)) as blocks:
            read_layer(listing, blocks, f"layer {layer.descriptor.digest.short}")
    return listing
