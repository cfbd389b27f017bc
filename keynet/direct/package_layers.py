"""The layers of a project's packages: those of the last time, or chosen and made now.

Choosing comes before the build, since what cannot be had costs no upload key then. What chooses
and fetches packages is imported for that alone: most pushes find the layers of the last time.
"""

from collections.abc import Sequence
from dataclasses import field
from functools import partial

from keynet.direct.base.base_source import Target
from keynet.direct.caching.registry_cache import RegistryCache, Stored
from keynet.direct.early_sending import EarlySending
from keynet.direct.image_document import Added
from keynet.direct.installed.byte_code import Compiler, find_compiler
from keynet.direct.layers import layering
from keynet.direct.layers.layer_compression import LAYOUT, compression
from keynet.direct.layers.layer_store import LayerStore
from keynet.direct.packages import resolved_cache
from keynet.direct.packages.resolved_cache import Resolved
from keynet.events import Emit, LogLine, Notice
from keynet.files import places
from keynet.frozen import frozen
from keynet.oci.image import Layer
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe
from keynet.process.background import background
from keynet.text import _, fill

__all__ = ["Packages", "WantedPackages", "layer_store"]


def layer_store(plan: BuildPlan) -> LayerStore:
    """Return the layers kept in keynet's cache, compressed as the plan says."""
    return LayerStore(places.cache() / "direct" / "layers", compression(plan.compression))


@frozen
class Packages:
    """The layers of an image's packages, and the documents about them, "" without packages."""

    layers: tuple[Added, ...] = ()
    lock: str = field(default="", repr=False)
    sbom: str = field(default="", repr=False)
    stored: Stored | None = field(default=None, repr=False)


@frozen
class WantedPackages:
    """The packages of a recipe for one platform.

    ``most_big`` may have layers of their own, and ``cache`` is a registry's, if one is named.
    """

    plan: BuildPlan
    recipe: Recipe
    target: Target
    platform: Platform
    compiler: Compiler | None
    most_big: int
    emit: Emit = field(repr=False)
    cache: RegistryCache | None = field(default=None, repr=False)
    base: Sequence[Layer] = field(default=(), repr=False)

    @classmethod
    def of(
        cls,
        plan: BuildPlan,
        recipe: Recipe,
        target: Target,
        platform: Platform,
        base: Sequence[Layer],
        emit: Emit,
        cache: RegistryCache | None,
    ) -> "WantedPackages":
        """Return what is wanted on a base with these layers."""
        compiler = find_compiler(target.python.minor)
        most = layering.most_big(len(base), compiled=compiler is not None)
        return cls(plan, recipe, target, platform, compiler, most, emit, cache, base)

    def choose(self) -> str | None:
        """Return the lock of the packages; None if their layers are as the last time.

        Raises:
            BuildFailed: A package has no wheel for the base's Python and platform, and building it
                is not allowed or not possible.
        """
        if self._kept() is not None:
            return None
        from keynet.direct.packages.choice_errors import NoWheel, not_built, with_flag
        from keynet.direct.packages.source_builds import source_builds

        try:
            return self._chosen()
        except NoWheel as error:
            builds = source_builds(self.target.python, self.platform)
            if not self.plan.build_sdist:
                raise (with_flag(error) if builds.program else error) from error
            if not builds.program:
                raise not_built(error, builds.why) from error
            self.emit(Notice(_building(error.names, builds.program), "note"))
            return self._chosen(builds.program)

    def _chosen(self, builder: str = "") -> str:
        from keynet.direct.packages import wheel_choice

        return wheel_choice.choose_lock(
            self.recipe.dependencies,
            self.plan.host_network,
            self.target.python,
            self.platform,
            self.emit,
            base=self.target.packages,
            builder=builder,
        )

    def made(self, early: EarlySending | None = None) -> Packages:
        """Return the layers and documents; what the plan has no lock of is chosen now.

        Args:
            early: Is offered the base's layers and each that is made.

        Raises:
            BuildFailed: A package cannot be fetched, or see ``choose``.
        """
        lock = self.plan.locks.get(self.platform)
        kept = self._kept() if lock is None else None
        if kept is not None:
            for each in kept.layers:
                self.emit(LogLine(fill(_("as before: {names}"), names=each.created_by), "layers"))
            return kept
        return self._made_now(lock or self.choose() or "", early)

    def _made_now(self, lock: str, early: EarlySending | None) -> Packages:
        from keynet.direct.packages import wheel_choice
        from keynet.direct.packages.bill_of_materials import cyclonedx
        from keynet.direct.packages.package_lock import Recorded, rendered

        if early is not None:
            early.offer(self.base)
        chosen = wheel_choice.fetch_wheels(
            lock,
            self.recipe.dependencies,
            self.plan.host_network,
            self.target.python,
            self.platform,
            builder=self._builder(),
        )
        if self.compiler is None:
            self.emit(Notice(_no_compiler(self.target.python.minor), "note"))
        made = []
        parts = layering.package_parts(
            self.target.python, chosen.wheels, self.compiler, self.emit, most=self.most_big
        )
        store = layer_store(self.plan)
        # Its library takes a while to import, which nothing waits for meanwhile.
        with background(partial(cyclonedx, chosen.packages)) as sbom:
            for added, layer in layering.package_layers(store, parts, anew=self.plan.no_cache):
                made.append((added, layer))
                if early is not None:
                    early.offer([added.layer])
        version = self.compiler.version.partition(" ")[0] if self.compiler else ""
        recorded = Recorded(self.target.python.minor, str(self.platform), version, LAYOUT)
        resolved = Resolved(
            tuple(layer for _added, layer in made),
            rendered(chosen.packages, recorded),
            sbom.result(),
        )
        resolved_cache.keep(self._key(), resolved)
        return self._packages(resolved, [added for added, _layer in made])

    def _builder(self) -> str:
        if not self.plan.build_sdist:
            return ""
        from keynet.direct.packages.source_builds import source_builds

        return source_builds(self.target.python, self.platform).program

    def _kept(self) -> Packages | None:
        """Return the result of the last time: of this machine, else of the registry's cache."""
        if self.plan.no_cache:
            return None
        key, cache = self._key(), self.cache
        cached_layer = cache.layer if cache else _nowhere
        for known in (resolved_cache.kept(key), cache.resolved(key) if cache else None):
            if known is not None:
                layers = layering.kept_package_layers(
                    layer_store(self.plan), known.layers, cached_layer
                )
                if layers is not None:
                    return self._packages(known, layers)
        return None

    def _packages(self, resolved: Resolved, layers: list[Added]) -> Packages:
        tag = layer_store(self.plan).how.tag
        keyed = [
            (f"{tag}{kept.key}", added.layer)
            for kept, added in zip(resolved.layers, layers, strict=True)
        ]
        stored = Stored(self._key(), resolved, keyed)
        return Packages(tuple(layers), resolved.lock, resolved.sbom, stored)

    def _key(self) -> str:
        return resolved_cache.resolution_key(
            self.recipe.dependencies,
            self.plan.host_network,
            self.target.python,
            self.platform,
            self.compiler.version if self.compiler else "",
            self.most_big,
            self.target.packages.key,
            built=self.plan.build_sdist,
        )


def _nowhere(_key: str) -> None:
    """Return nothing: no other cache is named."""


def _building(names: Sequence[str], program: str) -> str:
    return fill(
        _("{names} is built on this machine by {program}: its code runs here."),
        names=", ".join(names) or _("A package"),
        program=program,
    )


def _no_compiler(version: str) -> str:
    return fill(
        _(
            "The packages are not compiled: this machine has no Python {version}. Imports take "
            "longer at each start of a container; with python{version} on the PATH they do not."
        ),
        version=version,
    )
