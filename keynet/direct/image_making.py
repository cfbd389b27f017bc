"""Put the images of a plan together: the base's layers, those made here, and a config."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from keynet.direct.base.base_source import find_target, read_base
from keynet.direct.base.target_python import TargetPython
from keynet.direct.image_document import Added, make_image
from keynet.direct.image_origin import origin_of
from keynet.direct.layers import layering
from keynet.direct.layers.layer_compression import LAYOUT, compression
from keynet.direct.layers.layer_store import LayerStore
from keynet.direct.packages import resolved_cache
from keynet.direct.packages.bill_of_materials import cyclonedx
from keynet.direct.packages.byte_code import find_compiler
from keynet.direct.packages.package_lock import Recorded, rendered
from keynet.direct.packages.resolved_cache import Resolved
from keynet.direct.packages.wheel_choice import choose_wheels
from keynet.events import Emit, LogLine, Notice
from keynet.files import places
from keynet.oci import platform as platforms
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe
from keynet.process.event_loop import EventLoop
from keynet.registry.client import RegistryClient
from keynet.text import _, fill

__all__ = ["Made", "Packages", "layer_store", "make_images"]

_PATH: Final = "/opt/keynet/bin:{path}"
_PATH_WITHOUT_PACKAGES: Final = "{path}:/opt/keynet/bin:/opt/keynet/scripts"


@dataclass(frozen=True, slots=True)
class Packages:
    """The layers of an image's packages, and the documents about them, "" without packages."""

    layers: tuple[Added, ...] = ()
    lock: str = ""
    sbom: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """One image of a plan, for one platform; ``lock`` and ``sbom`` tell of its packages."""

    platform: Platform
    image: Image
    lock: str = field(default="", repr=False)
    sbom: str = field(default="", repr=False)


def layer_store(plan: BuildPlan) -> LayerStore:
    """Return the layers kept in keynet's cache, compressed as the plan says."""
    return LayerStore(places.cache() / "direct" / "layers", compression(plan.compression))


def make_images(
    plan: BuildPlan, recipe: Recipe, client: RegistryClient, loop: EventLoop, emit: Emit
) -> Iterator[Made]:
    """Yield an image for each platform, on the same base.

    Args:
        client: Of the base's registry.

    Raises:
        BuildFailed: A package has no wheel for the base's Python and platform.
        ContextInvalid: A file of the context cannot be read.
        RegistryError: The base image cannot be read.
        ValidationError: Its Python is not understood.
    """
    facts = plan.base_facts
    base = recipe.base
    if facts is not None and facts.digest is not None:
        # What was checked, also if the tag has moved since.
        base = base.with_digest(facts.digest)
    elif base.digest is None:
        found = loop.run(client.head_manifest(base.repository, base.identifier))
        base = base if found is None else base.with_digest(found.digest)
    wanted = plan.platforms or (platforms.host(),)
    images = [loop.run(read_base(client, base, platform)) for platform in wanted]
    origin = origin_of(plan, recipe.base)
    # Last in the image, and the same for every platform.
    code = layering.code_layer(layer_store(plan), plan, recipe.workdir, emit)
    for platform, image in zip(wanted, images, strict=True):
        emit(LogLine(fill(_("base {base} for {platform}"), base=base, platform=platform), "base"))
        packages = Packages()
        if recipe.dependencies.files:
            python = find_target(image, base, loop, emit)
            emit(LogLine(fill(_("Python {version}"), version=python.minor), "base"))
            environment = layering.environment_layer(layer_store(plan), python, recipe)
            packages = _packages(plan, recipe, python, platform, len(image.layers), emit)
            added = [environment, *packages.layers, code]
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
        yield Made(platform, made, packages.lock, packages.sbom)


def _packages(
    plan: BuildPlan,
    recipe: Recipe,
    python: TargetPython,
    platform: Platform,
    base_layers: int,
    emit: Emit,
) -> Packages:
    """Return the layers of the packages: those of the last time, or chosen now."""
    network = plan.host_network
    compiler = find_compiler(python.minor)
    most = layering.most_big(base_layers, compiled=compiler is not None)
    version = compiler.version if compiler else ""
    key = resolved_cache.resolution_key(
        recipe.dependencies, network, python, platform, version, most
    )
    known = None if plan.no_cache else resolved_cache.kept(key)
    if known is not None:
        kept = layering.kept_package_layers(layer_store(plan), known.layers)
        if kept is not None:
            for each in known.layers:
                emit(LogLine(fill(_("as before: {names}"), names=each.names), "layers"))
            return Packages(tuple(kept), known.lock, known.sbom)
    chosen = choose_wheels(recipe.dependencies, network, python, platform, emit)
    if compiler is None:
        emit(Notice(_no_compiler(python), "note"))
    made = list(
        layering.package_layers(
            layer_store(plan),
            layering.package_parts(python, chosen.wheels, compiler, emit, most=most),
            anew=plan.no_cache,
        )
    )
    recorded = Recorded(python.minor, str(platform), version.partition(" ")[0], LAYOUT)
    lock = rendered(chosen.packages, recorded)
    resolved = Resolved(tuple(layer for _added, layer in made), lock, cyclonedx(chosen.packages))
    resolved_cache.keep(key, resolved)
    return Packages(tuple(added for added, _layer in made), resolved.lock, resolved.sbom)


def _no_compiler(python: TargetPython) -> str:
    return fill(
        _(
            "The packages are not compiled: this machine has no Python {version}. Imports take "
            "longer at each start of a container; with python{version} on the PATH they do not."
        ),
        version=python.minor,
    )
