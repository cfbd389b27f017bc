"""The builder without an engine: a base that stays in its registry, and layers made here."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from keynet import __version__
from keynet.archive.layout.folder_target import writing_folder
from keynet.archive.writer import Layout, write_archive
from keynet.direct import image_making
from keynet.direct.base.base_registries import BaseRegistries
from keynet.direct.base.known_bases import KnownBases, open_registries
from keynet.direct.direct_abilities import NAME, unsupported
from keynet.direct.image_making import Made
from keynet.direct.layers import mounting
from keynet.direct.layers.layer_store import MadeLayer
from keynet.direct.package_layers import layer_store
from keynet.direct.sent_bytes import SentBytes
from keynet.errors import DigestMismatch, EngineError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.oci.attachment import LOCK, SBOM, Attachment
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Pushed, Recipe, RegistryAccess
from keynet.process.event_loop import EventLoop
from keynet.registry.account_client import open_client
from keynet.registry.transfer.push_image import push_image
from keynet.registry.transfer.push_index import push_index
from keynet.runtime.engine import Documented, LocalImage, WorkingEngine
from keynet.text import _, fill

__all__ = ["Built", "Direct"]

_Images: TypeAlias = tuple[Made, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """Images by platform, and what the layers of their base are read with."""

    plan: BuildPlan
    images: _Images
    base: BaseRegistries = field(repr=False)
    loop: EventLoop = field(repr=False)
    resources: ExitStack = field(repr=False)


@dataclass(frozen=True, slots=True)
class Direct:
    """Puts images together without an engine; see ``keynet.runtime.engine.Builder``."""

    engine: WorkingEngine = field(
        default_factory=lambda: WorkingEngine(
            NAME, __version__, fill(_("direct {version} (no engine)"), version=__version__), True
        )
    )
    formats: frozenset[str] = frozenset({"oci", "oci-archive", "docker-archive"})
    bases: KnownBases = field(default_factory=KnownBases, repr=False, compare=False)

    def unsupported(self, plan: BuildPlan) -> list[str]:
        """Explain which parts of this plan need an engine."""
        return unsupported(plan)

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> Built:
        """Choose packages and make layers; the base's layers stay where they are.

        Raises:
            BuildFailed: A package has no wheel for the base's Python and platform.
            ContextInvalid: A file of the context cannot be read.
            RegistryError: The base image cannot be read.
            ValidationError: Its Python is not understood.
        """
        del target
        recipe = plan.recipe
        assert isinstance(recipe, Recipe)
        with ExitStack() as opened:
            loop, registries = open_registries(access, emit, opened)
            images = tuple(image_making.make_images(plan, recipe, registries, loop, emit))
            return Built(plan, images, registries, loop, opened.pop_all())

    def resolve(
        self, plan: BuildPlan, access: RegistryAccess | None, emit: Emit
    ) -> tuple[BuildPlan, str]:
        """Return the plan on the base as it is now, with the packages chosen.

        Raises:
            BuildFailed: A package has no wheel for the base's Python and platform.
            RegistryError: The base image cannot be read.
            ValidationError: Its Python is not understood.
        """
        recipe = plan.recipe
        assert isinstance(recipe, Recipe)
        with ExitStack() as opened:
            loop, registries = open_registries(access, emit, opened)
            chosen = image_making.choose_packages(plan, recipe, registries, loop, emit)
        if not recipe.dependencies.files:
            return chosen, _("none")
        return chosen, _("chosen by uv") if chosen.locks else _("as before")

    def inspect(self, name: str) -> BaseFacts | None:
        """Return the facts of a base that a mirror has: the copy that a build would use.

        Raises:
            ValidationError: The configuration of registries is not valid, or blocks the base.
        """
        return self.bases.known(name)

    def fetch(
        self,
        plan: BuildPlan,
        name: str,
        platform: Platform,
        access: RegistryAccess | None,
        emit: Emit,
    ) -> str:
        """Read the base image's documents; return "" or why they cannot be read.

        For bases of which nothing is known: a mirror may have them, and no upload key is spent on
        those that nobody has.
        """
        del plan
        return self.bases.ask(name, platform, access, emit)

    def push(self, built: Built, target: Reference, access: RegistryAccess, emit: Emit) -> Pushed:
        """Send what the registry lacks, and an index if there are several platforms.

        Raises:
            RegistryError: The registry refuses or fails.
        """
        sent = SentBytes(emit)
        images = built.images
        try:
            stored = built.loop.run(_push(images, target, access, sent))
        except DigestMismatch:
            damaged = [layer for layer in _made_layers(images) if not layer.intact()]
            if not damaged:
                raise
            images = self._again(built, damaged, emit)
            stored = built.loop.run(_push(images, target, access, sent))
        for made in images:
            mounting.remember(made.image.layers, target, _mounts())
        return Pushed(target, stored.digest, None, sent.total)

    def _again(self, built: Built, damaged: Sequence[MadeLayer], emit: Emit) -> _Images:
        """Make damaged layers of the cache again."""
        for layer in damaged:
            emit(
                Notice(
                    fill(
                        _("The layer {digest} in keynet's cache is damaged and is made again."),
                        digest=layer.descriptor.digest.short,
                    )
                )
            )
            layer_store(built.plan).forget(layer)
        recipe = built.plan.recipe
        assert isinstance(recipe, Recipe)
        return tuple(image_making.make_images(built.plan, recipe, built.base, built.loop, emit))

    def local(self, built: Built) -> LocalImage:
        """Return the image's digest; there is no store that has it."""
        image = built.images[0].image
        return LocalImage(str(Digest.of(image.manifest)), Digest.of(image.config).hex, stored=False)

    def save(self, built: Built, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Write the image with its base's layers.

        Raises:
            EngineError: There are several platforms.
            KeynetError: It cannot be written, or a layer cannot be read.
        """
        if len(built.images) > 1:
            raise EngineError(
                _("Images for several platforms are pushed, not saved to a file."),
                _("Name one platform with --platform, or push with: keynet push"),
            )
        image = built.images[0].image
        if format == "oci":
            built.loop.run(_save_folder(path, image, emit))
        else:
            layout: Layout = "oci" if format == "oci-archive" else "docker"
            built.loop.run(write_archive(path, image, layout=layout, name=None))

    def documents(self, built: Built) -> list[Documented]:
        """See ``Documenting.documents``."""
        return [
            Documented(
                Descriptor.of(MediaType.OCI_MANIFEST, made.image.manifest),
                (
                    Attachment(LOCK, "pylock.toml", made.lock.encode()),
                    Attachment(SBOM, "sbom.cdx.json", made.sbom.encode()),
                ),
            )
            for made in built.images
            if made.lock
        ]

    def release(self, built: Built) -> None:
        """Close the connections; the layers stay in the cache."""
        built.resources.close()


def _mounts() -> Path:
    return places.cache() / "direct" / "mounts"


def _made_layers(images: _Images) -> Iterator[MadeLayer]:
    for made in images:
        for layer in made.image.layers:
            if isinstance(layer, MadeLayer):
                yield layer


async def _push(
    images: _Images, target: Reference, access: RegistryAccess, emit: Emit
) -> Descriptor:
    mounts = _mounts()
    placed = [
        (made.platform, mounting.mountable(made.image, target.registry, mounts)) for made in images
    ]
    async with open_client(target.registry, access, emit) as client:
        if len(placed) == 1:
            return await push_image(client, placed[0][1], target, emit=emit)
        return await push_index(client, placed, target, emit=emit)


async def _save_folder(path: Path, image: Image, emit: Emit) -> None:
    async with writing_folder(path, emit) as folder:
        for layer in image.layers:
            await folder.add_blob(layer)
        config = Descriptor.of(MediaType.OCI_CONFIG, image.config)
        await folder.add_manifest(image.config, config)
        manifest = Descriptor.of(MediaType.OCI_MANIFEST, image.manifest)
        await folder.add_root(image.manifest, manifest, None)
