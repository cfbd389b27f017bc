"""The builder without an engine: a base that stays in its registry, and layers made here."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import field, replace
from pathlib import Path
from typing import TypeAlias

from keynet import __version__
from keynet.direct import image_making
from keynet.direct.base.base_registries import BaseRegistries
from keynet.direct.base.known_bases import KnownBases, open_registries
from keynet.direct.caching.cache_document import CacheDocument
from keynet.direct.caching.registry_cache import (
    RegistryCache,
    open_cache,
    read_cache,
)
from keynet.direct.direct_abilities import NAME, unsupported
from keynet.direct.early_sending import EarlySending
from keynet.direct.image_making import Made
from keynet.direct.image_sending import (
    held_by,
    mounts,
    push_images,
    root_of,
    save_images,
    write_to_cache,
)
from keynet.direct.layers import mounting
from keynet.direct.layers.layer_store import MadeLayer
from keynet.direct.package_layers import layer_store
from keynet.direct.sent_bytes import SentBytes
from keynet.errors import DigestMismatch, NotFound
from keynet.events import Emit, Notice
from keynet.frozen import frozen
from keynet.oci.attachment import LOCK, SBOM, Attachment
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, Pushed, Recipe, RegistryAccess
from keynet.process.event_loop import EventLoop
from keynet.runtime.engine import Documented, LocalImage, WorkingEngine
from keynet.text import _, fill

__all__ = ["Built", "Direct"]

_Images: TypeAlias = tuple[Made, ...]


@frozen
class Built:
    """Images by platform, and what the layers of their base are read with."""

    plan: BuildPlan
    images: _Images
    base: BaseRegistries = field(repr=False)
    loop: EventLoop = field(repr=False)
    cache: RegistryCache | None = field(repr=False)
    early: EarlySending | None = field(repr=False)
    resources: ExitStack = field(repr=False)


@frozen
class Direct:
    """Puts images together without an engine; see ``keynet.runtime.engine.Builder``."""

    engine: WorkingEngine = field(
        default_factory=lambda: WorkingEngine(
            NAME, __version__, fill(_("direct {version} (no engine)"), version=__version__), True
        )
    )
    formats: frozenset[str] = frozenset({"oci", "oci-archive", "docker-archive"})
    bases: KnownBases = field(default_factory=KnownBases, repr=False, compare=False)
    # What was read of registries' caches: preparing and building use the same.
    caches: dict[Reference, CacheDocument | None] = field(
        default_factory=dict, repr=False, compare=False
    )

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
        recipe = plan.recipe
        assert isinstance(recipe, Recipe)
        with ExitStack() as opened:
            loop, registries = open_registries(access, emit, opened)
            cache = self._cache(plan, access, loop, emit, opened)
            early = None
            if target is not None and access is not None and len(plan.platforms) < 2:
                early = EarlySending(loop, target, access, held_by(cache, target))
                opened.callback(early.close)
            images = tuple(
                image_making.make_images(plan, recipe, registries, loop, emit, cache, early)
            )
            built = Built(plan, images, registries, loop, cache, early, opened.pop_all())
        if target is None:
            # Else after the push: the registry has the layers then.
            self._write_cache(built, None, access, emit)
        return built

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
            cache = self._cache(plan, access, loop, emit, opened)
            chosen = image_making.choose_packages(plan, recipe, registries, loop, emit, cache)
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
        images, cache, early = built.images, built.cache, built.early
        sent = early.follow(emit) if early is not None else SentBytes(emit)
        try:
            stored = built.loop.run(push_images(images, target, access, cache, sent, early))
        except DigestMismatch:
            damaged = _damaged_layers(images)
            if not damaged:
                raise
            self._forget(built, damaged, emit)
            images = self._again(built, cache, emit)
            stored = built.loop.run(push_images(images, target, access, cache, sent))
        except NotFound as error:
            if cache is None:
                raise
            text = fill(
                _("The cache {reference} is not used: {why}"),
                reference=cache.reference,
                why=error.message,
            )
            emit(Notice(text))
            images = self._again(built, None, emit)
            stored = built.loop.run(push_images(images, target, access, None, sent))
        for made in images:
            mounting.remember(made.image.layers, target, mounts())
        self._write_cache(replace(built, images=images), target, access, emit)
        return Pushed(target, stored.digest, stored, sent.total)

    def _forget(self, built: Built, damaged: Sequence[MadeLayer], emit: Emit) -> None:
        """Remove damaged layers from the cache, so that they are made again."""
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

    def _again(self, built: Built, cache: RegistryCache | None, emit: Emit) -> _Images:
        """Make the images again, with this cache."""
        recipe = built.plan.recipe
        assert isinstance(recipe, Recipe)
        made = image_making.make_images(built.plan, recipe, built.base, built.loop, emit, cache)
        return tuple(made)

    def _cache(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        loop: EventLoop,
        emit: Emit,
        opened: ExitStack,
    ) -> RegistryCache | None:
        """Return the cache that the plan names, with a client that ``opened`` closes."""
        reference = plan.cache_from
        if reference is None or plan.no_cache:
            return None
        client = open_cache(reference, access)
        opened.callback(lambda: loop.run(client.aclose()))
        if reference not in self.caches:
            read = loop.run(read_cache(client, reference, emit))
            self.caches[reference] = read.document if read else None
        document = self.caches[reference]
        return RegistryCache(reference, document, client) if document else None

    def _write_cache(
        self, built: Built, target: Reference | None, access: RegistryAccess | None, emit: Emit
    ) -> None:
        """Add the layers of the packages to the cache that the plan names, if it names one."""
        reference = built.plan.cache_to
        images = [made.stored for made in built.images if made.stored is not None]
        if reference is not None and images:
            built.loop.run(write_to_cache(reference, images, target, access, emit))

    def local(self, built: Built) -> LocalImage:
        """Return the digest, or that of the index of several images; no engine's store has it."""
        _content, root = root_of(built.images)
        images = built.images
        identity = Digest.of(images[0].image.config) if len(images) == 1 else root.digest
        return LocalImage(str(root.digest), identity.hex, stored=False)

    def save(self, built: Built, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        """Write the image, or one for each platform, with the layers of the base.

        Raises:
            KeynetError: It cannot be written, or a layer cannot be read.
        """
        # Unlike a registry, what writes the file need not compare them.
        damaged = _damaged_layers(built.images)
        if damaged:
            self._forget(built, damaged, emit)
            built = replace(built, images=self._again(built, built.cache, emit))
        images = _with_copies(built)
        if format == "oci":
            built.loop.run(save_images("oci", path, images, emit))
        elif len(images) > 1:
            built.loop.run(save_images("oci-archive", path, images, emit))
        else:
            from keynet.archive.writer import Layout, write_archive

            layout: Layout = "oci" if format == "oci-archive" else "docker"
            built.loop.run(write_archive(path, images[0].image, layout=layout, name=None))

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


def _with_copies(built: Built) -> _Images:
    """Return the images with layers of the base that are kept when they are read."""
    from keynet.direct.layers.base_copies import with_copy

    store = layer_store(built.plan)
    return tuple(
        replace(
            made,
            image=replace(
                made.image, layers=tuple(with_copy(each, store) for each in made.image.layers)
            ),
        )
        for made in built.images
    )


def _damaged_layers(images: _Images) -> list[MadeLayer]:
    return [
        layer
        for made in images
        for layer in made.image.layers
        if isinstance(layer, MadeLayer) and not layer.intact()
    ]
