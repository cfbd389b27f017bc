"""Check the base images of a plan before an upload key is spent on it.

What a build would use decides: the engine's own copy, else the registry's image. What nobody
knows stops nothing.
"""

import re
from dataclasses import replace
from typing import Final

from keynet.errors import EngineError, ValidationError
from keynet.events import Emit, Notice
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from keynet.oci.reference import DOCKER_HUB, Reference
from keynet.plan import BaseFacts, BuildPlan, Recipe, RegistryAccess, UserContainerfile
from keynet.runtime.engine import AnyBuilder, Inspecting
from keynet.steps.checking import plain_base
from keynet.steps.preparing import remembered_bases
from keynet.steps.preparing.background_lookup import (
    UNKNOWN,
    Answer,
    BackgroundLookup,
    Unknown,
)
from keynet.text import Block, _, fill, stacked

__all__ = ["check", "describe", "start"]

# A Containerfile with more bases than this is checked by the build.
_MOST: Final = 8
_IMAGE_ID: Final = re.compile("(?:sha256:)?[0-9a-f]{12,64}")
_ABSENT: Final = (
    r"(?i)manifest unknown|name unknown|manifest for .* not found|repository does not exist"
    r"|: not found\b|no such image|image not known|does not exist"
)


@frozen
class _Base:
    """One base image: as the user wrote it, and in full; ``reference`` is None for an id."""

    name: str
    reference: Reference | None
    is_recipe: bool


def start(plan: BuildPlan, lookup: BackgroundLookup) -> None:
    """Begin to ask registries, except for images of which the engine had its own copy."""
    wanted = plan.platforms[0] if plan.platforms else platforms.host()
    for base in _bases(plan):
        if base.reference is not None and not remembered_bases.has_own_copy(base.name):
            lookup.start(base.reference, wanted)


def check(
    plan: BuildPlan,
    builder: AnyBuilder | None,
    lookup: BackgroundLookup,
    access: RegistryAccess | None,
    emit: Emit,
    *,
    pulls: bool = True,
) -> BuildPlan:
    """Return the plan with the facts of its base image, and with the platform where it counts.

    Args:
        builder: None where no engine's store is asked: what it may have makes a warning of what
            would be an error.
        pulls: Let the engine pull what no registry is known to have; else that is a warning.

    Raises:
        ValidationError: A base image does not exist for the platform.
        EngineError: It does not exist at all, or the engine cannot pull it.
    """
    checked = plan
    for base in _bases(plan):
        checked = _Check(checked, builder, lookup, access, emit, pulls).of(base)
    return checked


def describe(plan: BuildPlan, builder: AnyBuilder | None) -> str:
    """Return the base image, its Python, and the platform if it is not this machine's."""
    parts = [plan.recipe.from_name] if isinstance(plan.recipe, Recipe) else []
    facts = plan.base_facts
    if facts is not None and facts.python is not None and isinstance(plan.recipe, Recipe):
        python = plain_base.python(plan.recipe, facts)
        if python is not None:
            parts.append(fill(_("Python {version}"), version=".".join(map(str, python))))
    own = _own_platform(builder)
    if plan.platforms and plan.platforms != (own,):
        parts.append(
            fill(
                _("for {platform} (this machine: {own})"),
                platform=",".join(map(str, plan.platforms)),
                own=own,
            )
        )
    return ", ".join(parts)


@frozen
class _Check:
    plan: BuildPlan
    builder: AnyBuilder | None
    lookup: BackgroundLookup
    access: RegistryAccess | None
    emit: Emit
    pulls: bool

    def of(self, base: _Base) -> BuildPlan:
        """Check one base image of the plan."""
        copy = self._copy(base)
        if copy is not None and copy.platform.matches(self._wanted):
            remembered_bases.keep_own_copy(base.name)
            return self._with(base, copy)
        looked = self._looked(base)
        if looked is not None and not isinstance(looked, Unknown):
            if looked.facts is not None:
                return self._of_registry(base, looked.facts, copy)
            if looked.platforms:
                there = (*looked.platforms, *((copy.platform,) if copy else ()))
                error = _other_platform(base, there, self._wanted)
                if self.builder is not None:
                    raise error
                self.emit(Notice(Block(stacked(error.message, error.hint))))
                return self.plan
        return self._of_engine(base, copy, absent=looked is None)

    @property
    def _wanted(self) -> Platform:
        if self.plan.platforms:
            return self.plan.platforms[0]
        return _own_platform(self.builder)

    def _looked(self, base: _Base) -> Answer:
        if base.reference is None:
            return UNKNOWN
        return self.lookup.result(base.reference, self._wanted)

    def _copy(self, base: _Base) -> BaseFacts | None:
        return self.builder.inspect(base.name) if isinstance(self.builder, Inspecting) else None

    def _of_registry(self, base: _Base, facts: BaseFacts, copy: BaseFacts | None) -> BuildPlan:
        """Use the registry's image; by its digest where a name could mean another platform's."""
        foreign = self._wanted != _own_platform(self.builder)
        if copy is None and not foreign:
            return self._with(base, facts)
        plan = replace(self.plan, platforms=(self._wanted,))
        recipe = plan.recipe
        if base.is_recipe and isinstance(recipe, Recipe):
            if base.reference is not None and facts.digest is not None:
                pinned = str(base.reference.with_digest(facts.digest))
                plan = replace(plan, recipe=replace(recipe, base_name=pinned))
            return replace(plan, base_facts=facts)
        builder = self.builder
        if builder is not None and self.pulls and isinstance(builder, Inspecting):
            # The user's own file names it by its tag.
            builder.fetch(plan, base.name, self._wanted, self.access, self.emit)
        return plan

    def _of_engine(self, base: _Base, copy: BaseFacts | None, *, absent: bool) -> BuildPlan:
        """Let the engine pull it as the build would: it may know mirrors, names and logins."""
        if not (base.is_recipe or absent or copy):
            # The build may not need it: BuildKit skips stages that nothing uses.
            return self.plan
        builder = self.builder
        if builder is None or not self.pulls:
            if absent:
                self.emit(_not_in_registry(base))
            return self.plan
        why = ""
        pulled = None
        if isinstance(builder, Inspecting):
            why = builder.fetch(self.plan, base.name, self._wanted, self.access, self.emit)
            pulled = self._copy(base)
        if pulled is not None:
            if pulled.platform.matches(self._wanted):
                return self._with(base, pulled, explicit=copy is not None)
            raise _other_platform(base, (pulled.platform,), self._wanted)
        if absent or re.search(_ABSENT, why):
            raise _does_not_exist(base, builder, why)
        if why:
            raise _not_pulled(base, builder, why)
        return self.plan

    def _with(self, base: _Base, facts: BaseFacts, *, explicit: bool = False) -> BuildPlan:
        plan = self.plan
        if explicit:
            plan = replace(plan, platforms=(self._wanted,))
        return replace(plan, base_facts=facts) if base.is_recipe else plan


def _bases(plan: BuildPlan) -> list[_Base]:
    if len(plan.platforms) > 1:
        # Builders that take several platforms check each one themselves.
        return []
    recipe = plan.recipe
    if isinstance(recipe, UserContainerfile):
        from keynet.recipe import instructions

        names = instructions.bases(recipe.instructions)[:_MOST]
        return [_Base(name, _reference(name), is_recipe=False) for name in names]
    return [_Base(recipe.from_name, _reference(recipe.from_name), is_recipe=True)]


def _reference(name: str) -> Reference | None:
    """Return the full name; None for an image's id, and for what only the engine understands."""
    if _IMAGE_ID.fullmatch(name):
        return None
    try:
        return Reference.parse(name)
    except ValidationError:
        return None


def _own_platform(builder: AnyBuilder | None) -> Platform:
    architecture = "" if builder is None else builder.engine.architecture
    return Platform("linux", architecture) if architecture else platforms.host()


def _other_platform(base: _Base, there: tuple[Platform, ...], wanted: Platform) -> ValidationError:
    return ValidationError(
        fill(
            _("The base image {base} is for {there} only, not for {wanted}."),
            base=base.name,
            there=", ".join(dict.fromkeys(map(str, there))),
            wanted=wanted,
        ),
        _(
            "Choose one of its platforms with --platform (KEYNET_PLATFORM, platform in "
            "[tool.keynet]), or another base image with --base-image."
        )
        if base.is_recipe
        else _("Choose one of its platforms with --platform, or change FROM."),
    )


def _does_not_exist(base: _Base, builder: AnyBuilder, why: str) -> EngineError:
    from keynet.runtime.probing.reasons import error_line

    reference = base.reference
    registry = reference.registry if reference is not None else DOCKER_HUB
    return EngineError(
        fill(
            _(
                "The base image {base} does not exist: {registry} has no such image or tag, and "
                "{engine} has no copy of it.{why}"
            ),
            base=base.name,
            registry=registry,
            engine=builder.engine.name,
            why=f" ({error_line(why)})" if why else "",
        ),
        _how_to_name(base),
    )


def _not_in_registry(base: _Base) -> Notice:
    registry = DOCKER_HUB if base.reference is None else base.reference.registry
    message = fill(
        _(
            "{registry} has no base image {base}: the build fails unless the engine has a copy or "
            "a mirror that has one."
        ),
        registry=registry,
        base=base.name,
    )
    return Notice(Block(stacked(message, _how_to_name(base))))


def _how_to_name(base: _Base) -> str:
    if base.is_recipe:
        return _("Check its name and tag, and choose one that exists with --base-image.")
    return _("Check the name and tag after FROM in your Containerfile.")


def _not_pulled(base: _Base, builder: AnyBuilder, why: str) -> EngineError:
    from keynet.runtime.probing.reasons import error_line

    return EngineError(
        fill(
            _("{engine} could not read the base image {base}: {why}"),
            engine=builder.engine.name,
            base=base.name,
            why=error_line(why),
        ),
        _(
            "Check its name (--base-image) and the network. A private image needs a login at its "
            "registry, for example with docker login or podman login."
        ),
    )
