"""Put the images of a plan together: the base's layers, those made here, and a config."""

from collections.abc import Iterator
from dataclasses import field, replace
from functools import partial
from typing import Final

from keynet.direct.base.base_registries import BaseRegistries
from keynet.direct.base.base_source import find_target
from keynet.direct.base.python_cache import kept_text
from keynet.direct.caching.cache_document import CachedBase, CachedLayer
from keynet.direct.caching.registry_cache import RegistryCache, Stored
from keynet.direct.early_sending import EarlySending
from keynet.direct.image_document import Added, make_image
from keynet.direct.image_origin import origin_of
from keynet.direct.layers import layering
from keynet.direct.package_layers import Packages, WantedPackages, layer_store
from keynet.events import Emit, LogLine
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.oci.descriptor import Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Recipe
from keynet.process.event_loop import EventLoop
from keynet.text import _, fill

__all__ = ["Made", "choose_packages", "make_images"]

_PATH: Final = "/opt/keynet/bin:{path}"
_PATH_WITHOUT_PACKAGES: Final = "{path}:/opt/keynet/bin:/opt/keynet/scripts"


@frozen
class Made:
    """One image of a plan, for one platform; ``lock`` and ``sbom`` tell of its packages."""

    platform: Platform
    image: Image
    lock: str = field(default="", repr=False)
    sbom: str = field(default="", repr=False)
    stored: Stored | None = field(default=None, repr=False)


def choose_packages(
    plan: BuildPlan,
    recipe: Recipe,
    registries: BaseRegistries,
    loop: EventLoop,
    emit: Emit,
    cache: RegistryCache | None,
) -> BuildPlan:
    """Return the plan on the base as it is now, with a lock for each platform that needs one.

    Args:
        registries: Those of the base.
        cache: A registry's cache, if one is named.

    Raises:
        BuildFailed: A package has no wheel for the base's Python and platform.
        RegistryError: The base image cannot be read.
        UsageError: The time that the build is given is none.
        ValidationError: Its Python is not understood.
    """
    # What is wrong with it is said before an upload key is asked for.
    layering.source_date_epoch()
    base = _pinned(plan, recipe, registries, loop)
    locks = {}
    for platform in _platforms(plan):
        image = loop.run(registries.image(base, recipe.base_name, platform))
        if recipe.dependencies.files:
            packages = _wanted(plan, recipe, base, image, platform, loop, emit, cache)
            lock = packages.choose()
            if lock is not None:
                locks[platform] = lock
    return replace(plan, recipe=replace(recipe, base=base), locks=locks)


def make_images(
    plan: BuildPlan,
    recipe: Recipe,
    registries: BaseRegistries,
    loop: EventLoop,
    emit: Emit,
    cache: RegistryCache | None,
    early: EarlySending | None = None,
) -> Iterator[Made]:
    """Yield an image for each platform, on the same base.

    Args:
        registries: Those of the base.
        cache: A registry's cache, if one is named.
        early: Is offered layers that take time, as soon as they are made.

    Raises:
        BuildFailed: A package has no wheel for the base's Python and platform.
        ContextInvalid: A file of the context cannot be read.
        RegistryError: The base image cannot be read.
        ValidationError: Its Python is not understood.
    """
    base = _pinned(plan, recipe, registries, loop)
    wanted = _platforms(plan)
    images = [loop.run(registries.image(base, recipe.base_name, platform)) for platform in wanted]
    origin = origin_of(plan, recipe.base)
    # Last in the image, and the same for every platform.
    code = layering.code_layer(layer_store(plan), plan, recipe.workdir, emit)
    for platform, image in zip(wanted, images, strict=True):
        emit(LogLine(fill(_("base {base} for {platform}"), base=base, platform=platform), "base"))
        packages = Packages()
        if recipe.dependencies.files:
            wanted_packages = _wanted(plan, recipe, base, image, platform, loop, emit, cache)
            python = wanted_packages.target.python
            emit(LogLine(fill(_("Python {version}"), version=python.minor), "base"))
            environment = layering.environment_layer(layer_store(plan), python, recipe)
            packages = wanted_packages.made(early)
            added: list[Added] = [environment, *packages.layers, code]
        else:
            added = [layering.programs_layer(layer_store(plan)), code]
        made = make_image(
            image,
            recipe,
            added,
            labels=plan.labels,
            program_path=_PATH if recipe.dependencies.files else _PATH_WITHOUT_PACKAGES,
            created_s=layering.source_date_epoch(),
            annotate=partial(origin.annotations, image),
        )
        yield Made(platform, made, packages.lock, packages.sbom, _stored(packages, image))


def _wanted(
    plan: BuildPlan,
    recipe: Recipe,
    base: Reference,
    image: Image,
    platform: Platform,
    loop: EventLoop,
    emit: Emit,
    cache: RegistryCache | None,
) -> WantedPackages:
    stated = cache.base(Digest.of(image.config)) if cache else CachedBase()
    target = find_target(image, base, loop, emit, (stated.python, stated.packages))
    return WantedPackages.of(plan, recipe, target, platform, image.layers, emit, cache)


def _stored(packages: Packages, base: Image) -> Stored | None:
    """Return what a cache gets of an image, with what is known of its base."""
    if packages.stored is None:
        return None
    config = Digest.of(base.config)
    known = CachedBase(
        kept_text(config, "python"),
        kept_text(config, "packages"),
        tuple(CachedLayer(layer.descriptor, layer.diff_id) for layer in base.layers),
    )
    return replace(packages.stored, base=config.hex, known=known, base_layers=base.layers)


def _platforms(plan: BuildPlan) -> tuple[Platform, ...]:
    return plan.platforms or (platforms.host(),)


def _pinned(
    plan: BuildPlan, recipe: Recipe, registries: BaseRegistries, loop: EventLoop
) -> Reference:
    """Return the base by its digest: what was checked, also if the tag has moved since."""
    base, facts = recipe.base, plan.base_facts
    if facts is not None and facts.digest is not None:
        return base.with_digest(facts.digest)
    return loop.run(registries.pinned(base, recipe.base_name))
