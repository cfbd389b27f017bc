"""Requirements from git repositories on a base image that has no git.

Source: docker-library/python: the variants slim and alpine are not made on buildpack-deps.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from keynet.errors import BuildFailed
from keynet.events import Emit, Notice
from keynet.oci.reference import DOCKER_HUB
from keynet.plan import BuildPlan, Recipe
from keynet.steps.checking import plain_base
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["check"]

_WITHOUT_GIT: Final = ("slim", "alpine")
_FROM_GIT: Final = "git+"


def check(plan: BuildPlan, emit: Emit) -> None:
    """Refuse what only git can fetch on those of Python's own images that have none.

    A mirror's image may have been extended: there it is a warning.

    Raises:
        BuildFailed: A requirement comes from a git repository.
    """
    recipe, facts = plan.recipe, plan.base_facts
    if not isinstance(recipe, Recipe) or not plain_base.is_plain(recipe.base, facts):
        return
    if not any(word in (recipe.base.tag or "") for word in _WITHOUT_GIT):
        return
    lines = list(_from_git(recipe.dependencies.files))
    if not lines:
        return
    # Names what it finds; most requirements have none.
    from keynet.direct.packages.vcs_requirements import from_version_control

    names = from_version_control(lines)
    if not names:
        return
    python = plain_base.python(recipe, facts)
    message = fill(
        _(
            "The dependencies could not be installed: {name} comes from a git repository, and the "
            "base image has no git.\nBase image: {base}, with Python {python}"
        ),
        name=printable(names[0], 100),
        base=recipe.from_name,
        python="{}.{}".format(*python) if python else "3",
    )
    hint = _(
        "Choose a base image that has git (--base-image python:3.11), or list the URL of an "
        "archive: NAME @ https://example.com/NAME-1.0.tar.gz"
    )
    if recipe.base.registry == DOCKER_HUB or (facts is not None and facts.plain):
        raise BuildFailed(message, hint)
    emit(Notice(Block(stacked(message, hint))))


def _from_git(files: Mapping[str, bytes | Path]) -> Iterator[str]:
    if not any(isinstance(it, bytes) and _FROM_GIT.encode() in it for it in files.values()):
        return
    from keynet.steps.checking.listed_lines import listed_lines

    # A marker may leave it out.
    yield from (line for line in listed_lines(files) if _FROM_GIT in line and ";" not in line)
