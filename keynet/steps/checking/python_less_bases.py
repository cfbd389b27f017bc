"""Well-known base images without Python: nothing can be installed on them, and no script starts.

Source: the Dockerfiles of the images on Docker Hub (alpine, busybox, debian, ubuntu, nvidia/cuda).
"""

from typing import Final

from keynet.errors import ValidationError
from keynet.events import Emit, Notice
from keynet.oci.reference import DOCKER_HUB
from keynet.plan import BuildPlan, Recipe
from keynet.text import Block, _, fill, stacked

__all__ = ["check"]

_WITHOUT: Final = (
    *("library/alpine", "library/busybox", "library/debian", "library/ubuntu"),
    "nvidia/cuda",
)
# nvidia/cuda: those on other systems bring the Python of their package manager.
_SYSTEMS: Final = {"nvidia/cuda": "ubuntu"}


def check(plan: BuildPlan, emit: Emit, *, strict: bool) -> None:
    """Refuse a base image of Docker Hub that has no Python, or warn of one of that name.

    A mirror's image may have been extended, and an image of this machine may be another one.

    Raises:
        ValidationError: The base has no Python.
    """
    recipe, facts = plan.recipe, plan.base_facts
    if not isinstance(recipe, Recipe) or (facts is not None and facts.python is not None):
        return
    repository = f"/{recipe.base.repository}"
    name = next((each for each in _WITHOUT if repository.endswith(f"/{each}")), "")
    if not name or _SYSTEMS.get(name, "") not in (recipe.base.tag or ""):
        return
    message = fill(_("The base image {base} has no Python."), base=recipe.from_name)
    hint = _(
        "Choose a base with Python, such as python:3.11-slim, with --base-image. The wheels of "
        "torch bring CUDA along. A base of your own that installs Python: --dockerfile FILE"
    )
    is_known = facts is not None and facts.digest is not None
    if strict or (is_known and recipe.base.registry == DOCKER_HUB and name not in _SYSTEMS):
        raise ValidationError(message, hint)
    emit(Notice(Block(stacked(message, hint))))
