"""What the builder without an engine can build, known without importing it."""

from typing import Final

from keynet.oci import platform as platforms
from keynet.plan import BuildPlan, Recipe
from keynet.text import _, fill

__all__ = ["NAME", "unsupported"]

NAME: Final = "direct"


def unsupported(plan: BuildPlan) -> list[str]:
    """Explain which parts of a plan need an engine; empty if none does."""
    recipe = plan.recipe
    if not isinstance(recipe, Recipe):
        return [_("a Containerfile is built by an engine")]
    reasons = []
    if recipe.installer == "pip":
        reasons.append(_("the setting installer is pip, which runs in an engine"))
    reasons += recipe.dependencies.pip_only
    if plan.secrets:
        reasons.append(_("secrets are for the RUN steps of a Containerfile"))
    wanted = plan.platforms or (platforms.host(),)
    reasons += [
        fill(_("it has no packages for {platform}"), platform=each)
        for each in wanted
        if each.os != "linux"
    ]
    return reasons
