"""Compare script, packages and base image before the upload key: will it train?

What cannot be known is not guessed: a base image other than Python's own may bring any package,
and where the index does not answer nothing is said.
"""

from collections.abc import Iterator

from keynet.errors import ContextInvalid
from keynet.events import Emit, Notice
from keynet.plan import BuildPlan, Recipe
from keynet.recipe.packages import package_names
from keynet.script import imports
from keynet.script.training_script import TrainingScript
from keynet.steps.checking import (
    cuda_check,
    imports_check,
    left_out_check,
    notebook_check,
    plain_base,
    python_check,
)
from keynet.steps.checking.doubt import Doubt
from keynet.steps.checking.imports_check import ImageContents
from keynet.steps.checking.installable.package_trial import PackageTrial
from keynet.text import Block, _, fill, ngettext

__all__ = ["check"]


def check(
    plan: BuildPlan, script: TrainingScript, trial: PackageTrial, emit: Emit, *, strict: bool
) -> None:
    """Emit a warning for everything that will fail when the image starts.

    Args:
        trial: Finds out which packages will be installed.
        strict: Raise an error instead.

    Raises:
        ContextInvalid: There is something to warn of, and ``strict``.
    """
    doubts = tuple(dict.fromkeys(_doubts(plan, script, trial)))
    if strict and doubts:
        count = len(doubts)
        raise ContextInvalid(
            fill(
                ngettext(
                    "The image would not train ({count} reason):\n{reasons}",
                    "The image would not train ({count} reasons):\n{reasons}",
                    count,
                ),
                count=count,
                reasons=Block("\n".join(doubt.text for doubt in doubts)),
            ),
            _("Without --strict these are warnings."),
        )
    for doubt in doubts:
        emit(Notice(doubt.text))


def _doubts(plan: BuildPlan, script: TrainingScript, trial: PackageTrial) -> Iterator[Doubt]:
    recipe = plan.recipe
    if not isinstance(recipe, Recipe):
        # What the user's own Containerfile installs is known to the engine alone.
        return
    found = imports.read(script)
    yield from notebook_check.check(script)
    yield from left_out_check.check(plan, found)
    image = recipe.from_name.removeprefix("docker.io/library/")
    facts = plan.base_facts
    python = plain_base.python(recipe, facts)
    dependencies = recipe.dependencies
    if python is not None:
        yield from python_check.check(
            script.path,
            script.source.text,
            found,
            dependencies.requires_python,
            python,
            image,
        )
    is_plain = plain_base.is_plain(recipe.base, facts)
    if facts is not None and (is_plain or facts.cuda):
        yield from cuda_check.check(
            dependencies.lines, dependencies.files, dependencies.source, facts.cuda, image
        )
    if is_plain and python is not None:
        contents = ImageContents(
            named=package_names.named(dependencies.files) | plain_base.BROUGHT,
            resolve=_resolver(plan, recipe, trial),
            source=dependencies.source,
            own_names=_own_names(plan),
        )
        yield from imports_check.check(found, contents)


def _resolver(plan: BuildPlan, recipe: Recipe, trial: PackageTrial) -> imports_check.Resolve:
    def resolve() -> frozenset[str] | None:
        if not recipe.dependencies.files:
            return plain_base.BROUGHT
        names = trial.names(plan)
        return None if names is None else names | plain_base.BROUGHT

    return resolve


def _own_names(plan: BuildPlan) -> frozenset[str]:
    """Return every name in the context that an import may mean, wherever it lies."""
    return frozenset(
        part.partition(".")[0]
        for file in plan.files
        if file.path.endswith((".py", ".so", ".pyx", ".ipynb")) or "." not in file.path
        for part in file.path.split("/")
    )
