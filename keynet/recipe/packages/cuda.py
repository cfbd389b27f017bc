"""Which distributions need CUDA in the base image, and which do not use the one there.

Source: the installation pages of each project, November 2026.
"""

import re
from typing import TYPE_CHECKING, Final

from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.lines.plain_lines import plain_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

__all__ = ["names_cpu_index", "needs_toolkit", "without_gpu"]

# Their wheels load CUDA's libraries, or their builds its compiler, from the system. PyTorch's bring
# their own.
_NEED: Final = frozenset(
    ["apex", "flash-attn", "onnxruntime-gpu", "paddlepaddle-gpu", "pycuda", "tensorflow-gpu"]
)
_CUPY: Final = re.compile(r"cupy-cuda\d+x?")
_LOCAL_CUDA: Final = re.compile(r"cuda\d*-local")
_CPU_INDEX: Final = r"https?://[^\s\"']*/whl/cpu(?:[/\s\"']|$)"
_CPU_ONLY: Final = frozenset(["tensorflow-cpu"])


def needs_toolkit(line: str) -> str:
    """Return the name of a required distribution that needs CUDA in the base, else ``""``."""
    if name := plain_name(line):
        return name if name in _NEED or _CUPY.fullmatch(name) else ""
    requirement = _parse(line)
    if requirement is None or (requirement.marker and not requirement.marker.evaluate()):
        return ""
    name = canonical(requirement.name)
    local = name in ("jax", "jaxlib") and any(map(_LOCAL_CUDA.fullmatch, requirement.extras))
    return name if name in _NEED or _CUPY.fullmatch(name) or local else ""


def without_gpu(line: str) -> str:
    """Return the name of a distribution of which a build without GPU is required, else ``""``."""
    if name := plain_name(line):
        return name if name in _CPU_ONLY else ""
    requirement = _parse(line)
    if requirement is None:
        return ""
    name = canonical(requirement.name)
    is_local_cpu = any(
        specifier.operator in ("==", "===") and specifier.version.endswith("+cpu")
        for specifier in requirement.specifier
    )
    return name if is_local_cpu or name in _CPU_ONLY else ""


def names_cpu_index(text: str) -> bool:
    """Report whether a requirements file names PyTorch's index of builds without GPU."""
    return any(
        re.search(_CPU_INDEX, line)
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
    )


def _parse(line: str) -> "Requirement | None":
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(line)
    except InvalidRequirement:
        return None
