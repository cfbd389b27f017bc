"""A generated recipe in one stage, for engines whose RUN can mount a folder of the context.

Two stages need ``COPY --from``, which writes the whole environment once more, seconds and the
disk's room for each gigabyte; podman and buildah read it again for each build, even when all of
it is cached. One stage has to return to the base image's user, for which the engine is asked.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from keynet.plan import BuildPlan, GeneratedContainerfile
from keynet.process import shell

__all__ = ["is_offered", "taken"]

_TIMEOUT_S: Final = 120.0


def is_offered(plan: BuildPlan) -> bool:
    """Tell whether the plan's recipe has such a form."""
    return isinstance(plan.recipe, GeneratedContainerfile) and bool(plan.recipe.mounting)


def taken(
    plan: BuildPlan,
    question: shell.Command,
    pull: Callable[[], object],
    asked: shell.Running | None = None,
) -> BuildPlan:
    """Take that form of an offered recipe; the plan as it is where the user cannot be had.

    The build will then say in its own words what is wrong with the base image.

    Args:
        question: Prints the user that the base image runs as, "" for root; fails where the
            engine has no such image.
        pull: Gets it, as the build would; its failure is no error.
        asked: The question, where it is under way already.
    """
    user = _user(question, pull, asked)
    if user is None:
        return plan
    recipe = plan.recipe
    assert isinstance(recipe, GeneratedContainerfile)
    arguments = {**plan.build_args, recipe.USER_ARGUMENT: user} if user else plan.build_args
    return replace(plan, recipe=replace(recipe, text=recipe.mounting), build_args=arguments)


def _user(
    question: shell.Command, pull: Callable[[], object], asked: shell.Running | None
) -> str | None:
    with shell.start(question) if asked is None else asked as running:
        found = running.finish(_TIMEOUT_S)
    if found.status != 0:
        pull()
        found = shell.run(question, timeout_s=_TIMEOUT_S)
    return found.stdout.strip() if found.status == 0 else None
