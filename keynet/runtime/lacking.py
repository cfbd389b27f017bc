"""What of a plan an engine cannot do, in words; see ``Builder.unsupported``."""

from keynet.plan import BuildPlan, Recipe
from keynet.runtime.engine import WorkingEngine
from keynet.runtime.probing import emulation
from keynet.text import _, fill, printable

__all__ = ["cannot_emulate", "cannot_run", "heredocs", "several_platforms"]


def cannot_run(engine: WorkingEngine, plan: BuildPlan) -> list[str]:
    """Explain that RUN does not work here; empty if the plan needs no RUN."""
    if engine.can_run or not plan.needs_run:
        return []
    return [
        fill(
            _("{how} cannot run the RUN steps of the Containerfile here ({tried})"),
            how=engine.how,
            tried=engine.no_run_reason,
        )
    ]


def cannot_emulate(engine: WorkingEngine, plan: BuildPlan, *, own_kernel: bool) -> list[str]:
    """Explain that programs of the plan's platform do not run here; empty if none must.

    Args:
        own_kernel: Whether the engine runs on this machine's kernel, and not on another host or
            in a virtual machine, of which nothing is known here.
    """
    if not (plan.needs_run and own_kernel and len(plan.platforms) == 1 and engine.architecture):
        return []
    wanted = plan.platforms[0]
    if emulation.runs(wanted.architecture, engine.architecture):
        return []
    return [
        fill(
            _(
                "it cannot run programs for {wanted} on this machine ({machine}): install "
                "qemu-user-static, or choose another platform with --platform"
            ),
            wanted=wanted,
            machine=f"linux/{engine.architecture}",
        )
    ]


def several_platforms(plan: BuildPlan) -> list[str]:
    """Explain that the plan has several platforms; empty for one platform or none."""
    if len(plan.platforms) < 2:
        return []
    return [_("it builds for one platform at a time")]


def heredocs(plan: BuildPlan, version: tuple[int, ...], since: tuple[int, ...]) -> list[str]:
    """Explain that the plan's Containerfile has heredocs and the engine does not know them.

    Args:
        version: The version of what reads the Containerfile, (major, minor).
        since: The first version that knows them.
    """
    recipe = plan.recipe
    if isinstance(recipe, Recipe) or version >= since:
        return []
    return [
        fill(
            _(
                "line {line} of the Containerfile has a heredoc ({name} {written}); heredocs need "
                "buildah 1.33, podman 5 (or 4.8), docker 23 with BuildKit, or BuildKit 0.10"
            ),
            line=each.line,
            name=each.name,
            written=printable(each.heredoc, 100),
        )
        for each in recipe.instructions
        if each.heredoc
    ][:1]
