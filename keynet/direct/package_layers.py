"""The layers of a project's packages: those of the last time, or chosen and made now.

Choosing comes before the build, since what cannot be had costs no upload key then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from keynet.direct.base.base_source import Target
from keynet.direct.image_document import Added
from keynet.direct.layers import layering
from keynet.direct.layers.layer_compression import compression
from keynet.direct.layers.layer_store import LayerStore
from keynet.direct.packages import resolved_cache, wheel_choice
from keynet.direct.packages.byte_code import Compiler, find_compiler
from keynet.direct.packages.choice_errors import NoWheel, not_built, with_flag
from keynet.direct.packages.resolved_cache import PackageLayer
from keynet.direct.packages.source_builds import source_builds
from keynet.events import Emit, LogLine, Notice
from keynet.files import places
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe
from keynet.text import _, fill

__all__ = ["WantedPackages", "layer_store"]


def layer_store(plan: BuildPlan) -> LayerStore:
    """Return the layers kept in keynet's cache, compressed as the plan says."""
    return LayerStore(places.cache() / "direct" / "layers", compression(plan.compression))


@dataclass(frozen=True, slots=True)
class WantedPackages:
    """The packages of a recipe for one platform; ``most_big`` may have layers of their own."""

    plan: BuildPlan
    recipe: Recipe
    target: Target
    platform: Platform
    compiler: Compiler | None
    most_big: int
    emit: Emit = field(repr=False)

    @classmethod
    def of(
        cls,
        plan: BuildPlan,
        recipe: Recipe,
        target: Target,
        platform: Platform,
        base_layers: int,
        emit: Emit,
    ) -> "WantedPackages":
        """Return what is wanted on a base with so many layers."""
        compiler = find_compiler(target.python.minor)
        most = layering.most_big(base_layers, compiled=compiler is not None)
        return cls(plan, recipe, target, platform, compiler, most, emit)

    def choose(self) -> str | None:
        """Return the lock of the packages; None if their layers are as the last time.

        Raises:
            BuildFailed: A package has no wheel for the base's Python and platform, and building it
                is not allowed or not possible.
        """
        if self._kept() is not None:
            return None
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
        return wheel_choice.choose_lock(
            self.recipe.dependencies,
            self.plan.host_network,
            self.target.python,
            self.platform,
            self.emit,
            base=self.target.packages,
            builder=builder,
        )

    def layers(self) -> list[Added]:
        """Return the layers; what the plan has no lock of is chosen now.

        Raises:
            BuildFailed: A package cannot be fetched, or see ``choose``.
        """
        lock = self.plan.locks.get(self.platform)
        kept = self._kept() if lock is None else None
        if kept is not None:
            for each in kept:
                self.emit(LogLine(fill(_("as before: {names}"), names=each.created_by), "layers"))
            return kept
        wheels = wheel_choice.fetch_wheels(
            lock or self.choose() or "",
            self.recipe.dependencies,
            self.plan.host_network,
            self.target.python,
            self.platform,
            builder=self._builder(),
        )
        if self.compiler is None:
            self.emit(Notice(_no_compiler(self.target.python.minor), "note"))
        made = list(
            layering.package_layers(
                layer_store(self.plan),
                self.target.python,
                wheels,
                self.compiler,
                self.emit,
                most=self.most_big,
                anew=self.plan.no_cache,
            )
        )
        resolved_cache.keep_layers(self._key(), [layer for _added, layer in made])
        return [added for added, _layer in made]

    def _builder(self) -> str:
        if not self.plan.build_sdist:
            return ""
        return source_builds(self.target.python, self.platform).program

    def _kept(self) -> list[Added] | None:
        if self.plan.no_cache:
            return None
        known: list[PackageLayer] | None = resolved_cache.kept_layers(self._key())
        if known is None:
            return None
        return layering.kept_package_layers(layer_store(self.plan), known)

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
