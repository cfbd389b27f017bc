"""Names of the images that keynet leaves in an engine's store: one a project, as layer cache."""

import hashlib
import re
import secrets
from typing import Final

from keynet.plan import BuildPlan, UserContainerfile

__all__ = ["PREFIX", "build_name", "project_name", "stage_name"]

# ``localhost`` keeps every engine from reading it as a name on Docker Hub.
PREFIX: Final = "localhost/keynet/"
_LONGEST: Final = 40


def project_name(plan: BuildPlan) -> str:
    """Name the project of this plan: its folder's name, and a hash of where it lies."""
    path = plan.context.resolve()
    slug = re.sub("[^a-z0-9]+", "-", path.name.lower())[:_LONGEST].strip("-") or "project"
    key = f"{path}\0{_own_file(plan)}\0{plan.platform or ''}"
    return f"{PREFIX}{slug}-{hashlib.sha256(key.encode(errors='surrogateescape')).hexdigest()[:10]}"


def _own_file(plan: BuildPlan) -> str:
    if not isinstance(plan.recipe, UserContainerfile):
        return ""
    path = plan.recipe.path
    # A pipe (``-f <(...)``) has another real path each time.
    return str(path.resolve() if path.is_file() else path.absolute())


def build_name(project: str) -> str:
    """Name one build of a project; two at the same time do not share it."""
    return f"{project}:build-{secrets.token_hex(6)}"


def stage_name(project: str, number: int) -> str:
    """Name the last image of an earlier stage, counted from 1, which nothing else names."""
    return f"{project}:stage-{number}"
