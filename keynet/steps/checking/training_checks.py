"""Compare script, packages and base image before the upload key: will it train?

What cannot be known is not guessed: a base image other than Python's own may bring any package,
and where the index does not answer nothing is said.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Emit, Notice
from keynet.oci import platform as platforms
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, BuildPlan, HostNetwork, Recipe
from keynet.recipe.packages import resolution
from keynet.script import imports
from keynet.script.training_script import TrainingScript
from keynet.secret import Secret
from keynet.steps.checking import cuda_check, imports_check, python_check
from keynet.steps.checking.doubt import Doubt
from keynet.steps.checking.imports_check import ImageContents
from keynet.text import Block, _, fill, ngettext

__all__ = ["check"]

# Python's own images, of Docker Hub or a mirror that keeps its names, hold pip and, before 3.12,
# setuptools and wheel; nothing else. One that is called python in another place may hold anything.
_PLAIN_BASE: Final = "library/python"
_BROUGHT_BY_BASE: Final = frozenset(["pip", "setuptools", "wheel"])
_TAG: Final = re.compile(r"(\d+)\.(\d+)(?:[.-]|$)")
_VARIABLES: Final = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
}


def check(plan: BuildPlan, script: TrainingScript, emit: Emit, *, strict: bool) -> None:
    """Emit a warning for everything that will fail when the image starts.

    Args:
        strict: Raise an error instead.

    Raises:
        ContextInvalid: There is something to warn of, and ``strict``.
    """
    doubts = tuple(dict.fromkeys(_doubts(plan, script)))
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


def _doubts(plan: BuildPlan, script: TrainingScript) -> Iterator[Doubt]:
    recipe = plan.recipe
    if not isinstance(recipe, Recipe):
        # What the user's own Containerfile installs is known to the engine alone.
        return
    found = imports.read(script)
    image = recipe.from_name.removeprefix("docker.io/library/")
    facts = plan.base_facts
    python = _python(recipe, facts)
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
    is_plain = _is_plain(recipe.base)
    if facts is not None and (is_plain or facts.cuda):
        yield from cuda_check.check(
            dependencies.lines, dependencies.files, dependencies.source, facts.cuda, image
        )
    if is_plain and python is not None:
        contents = ImageContents(
            named=resolution.named(dependencies.files) | _BROUGHT_BY_BASE,
            resolve=_resolver(plan, recipe, python),
            source=dependencies.source,
            own_names=_own_names(plan),
        )
        yield from imports_check.check(found, contents)


def _python(recipe: Recipe, facts: BaseFacts | None) -> tuple[int, int] | None:
    """Return the base image's Python, by its config, else by its tag."""
    if facts is not None and facts.python is not None:
        return facts.python
    tag = _TAG.match(recipe.base.tag or "")
    return (int(tag[1]), int(tag[2])) if _is_plain(recipe.base) and tag is not None else None


def _is_plain(base: Reference) -> bool:
    return f"/{base.repository}".endswith(f"/{_PLAIN_BASE}")


def _resolver(plan: BuildPlan, recipe: Recipe, python: tuple[int, int]) -> imports_check.Resolve:
    def resolve() -> frozenset[str] | None:
        if not recipe.dependencies.files:
            return _BROUGHT_BY_BASE
        from keynet.runtime.build import uv_program

        program = uv_program.find()
        if program is None:
            return None
        platform = plan.platforms[0] if plan.platforms else platforms.host()
        brought = resolution.resolve(
            recipe.dependencies, python, platform, _indexes(plan.host_network), str(program)
        )
        return None if brought is None else brought | _BROUGHT_BY_BASE

    return resolve


def _own_names(plan: BuildPlan) -> frozenset[str]:
    """Return every name in the context that an import may mean, wherever it lies."""
    return frozenset(
        part.partition(".")[0]
        for file in plan.files
        if file.path.endswith((".py", ".so", ".pyx", ".ipynb")) or "." not in file.path
        for part in file.path.split("/")
    )


def _indexes(network: HostNetwork) -> Mapping[str, str | Secret]:
    """Return the host's package indexes as variables of uv, which does not read pip's files."""
    if network.pip_conf is None:
        return {}
    import configparser

    parser = configparser.RawConfigParser()
    parser.read_string(network.pip_conf.reveal())
    return {
        variable: Secret(" ".join(parser.get("global", key).split()))
        for key, variable in _VARIABLES.items()
        if parser.has_option("global", key)
    }
