"""Requirements from git repositories that no build can fetch on one of Python's own images.

Source: docker-library/python: the variants slim and alpine are not made on buildpack-deps, which
brings git.
"""

import re
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
_OVER_SSH: Final = r"git\+(?:ssh://|[\w.-]+@[\w.-]+:)"


def check(plan: BuildPlan, emit: Emit) -> None:
    """Refuse what only git can fetch on those of Python's own images that have none.

    What needs a key of ssh is refused on all of them. A mirror's image may have been extended:
    there it is a warning.

    Raises:
        BuildFailed: A requirement comes from a git repository.
    """
    recipe, facts = plan.recipe, plan.base_facts
    if not isinstance(recipe, Recipe) or not plain_base.is_plain(recipe.base, facts):
        return
    lines = list(_from_git(recipe.dependencies.files))
    has_git = not any(word in (recipe.base.tag or "") for word in _WITHOUT_GIT)
    if has_git:
        lines = [line for line in lines if re.search(_OVER_SSH, line)]
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
            "The dependencies could not be installed: {why}\n"
            "Base image: {base}, with Python {python}"
        ),
        why=_over_ssh(names[0]) if has_git else _without_git(names[0]),
        base=recipe.from_name,
        python="{}.{}".format(*python) if python else "3",
    )
    hint = _(
        "Choose a base image that has git (--base-image python:3.11), or list the URL of an "
        "archive: NAME @ https://example.com/NAME-1.0.tar.gz"
    )
    if has_git:
        hint = _("List its address with https (git+https://…), or bring a wheel of it.")
    if recipe.base.registry == DOCKER_HUB or (facts is not None and facts.plain):
        raise BuildFailed(message, hint)
    emit(Notice(Block(stacked(message, hint))))


def _without_git(name: str) -> str:
    return fill(
        _("{name} comes from a git repository, and the base image has no git."),
        name=printable(name, 100),
    )


def _over_ssh(name: str) -> str:
    return fill(
        _("{name} comes from a git repository over ssh, and a build has no key for it."),
        name=printable(name, 100),
    )


def _from_git(files: Mapping[str, bytes | Path]) -> Iterator[str]:
    if not any(isinstance(it, bytes) and _FROM_GIT.encode() in it for it in files.values()):
        return
    from keynet.steps.checking.listed_lines import listed_lines

    # A marker may leave it out.
    yield from (line for line in listed_lines(files) if _FROM_GIT in line and ";" not in line)
