"""What of a plan an engine cannot do, in words; see ``Builder.unsupported``."""

import re
from typing import Final

from keynet.plan import BuildPlan, Recipe
from keynet.runtime.engine import WorkingEngine, version_numbers
from keynet.runtime.probing import emulation
from keynet.text import _, fill

__all__ = ["cannot_emulate", "cannot_run", "heredocs", "several_platforms"]

# As BuildKit reads it: a word of its own, but not a here-string (<<<) or a shift (1<<2).
_HEREDOC: Final = re.compile(r"(?:^|\s)\d*<<-?['\"]?[A-Za-z_]\w*['\"]?")


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


def heredocs(plan: BuildPlan, engine: WorkingEngine, since: tuple[int, ...]) -> list[str]:
    """Explain that the plan's Containerfile has heredocs and the engine does not know them.

    Args:
        since: The first version of the engine that knows them.
    """
    recipe = plan.recipe
    if isinstance(recipe, Recipe) or version_numbers(engine.version) >= since:
        return []
    for instruction in recipe.instructions:
        found = _HEREDOC.search(instruction.arguments)
        if instruction.name in ("RUN", "COPY", "ADD") and found:
            return [
                fill(
                    _(
                        "line {line} of the Containerfile has a heredoc ({name} {written}); "
                        "heredocs need buildah 1.33, podman 5 (or 4.8), or docker 23 with BuildKit"
                    ),
                    line=instruction.line,
                    name=instruction.name,
                    written=found[0].strip(),
                )
            ]
    return []
