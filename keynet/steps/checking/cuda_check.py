"""Packages that need CUDA on a base without it, and the other way round."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from keynet.recipe.packages import cuda
from keynet.steps.checking.doubt import Doubt
from keynet.text import _, fill

__all__ = ["check"]


def check(
    lines: Iterable[str],
    files: Mapping[str, bytes | Path],
    source: Path | None,
    base_cuda: str,
    image: str,
) -> Iterator[Doubt]:
    """Compare the requirements with a base image of which it is known what it brings.

    Args:
        lines: The requirements.
        files: The requirements files.
        base_cuda: The base image's CUDA version, "" if it has none.
        image: The base image, as it is shown.
    """
    shown = source.name if source is not None else "requirements.txt"
    required = tuple(lines)
    if not base_cuda:
        for name in filter(None, map(cuda.needs_toolkit, required)):
            yield Doubt(
                fill(
                    _("{source}: {name} needs CUDA, and the base image {image} has none."),
                    source=shown,
                    name=name,
                    image=image,
                ),
                _("Choose a base that has it with --base-image, such as pytorch/pytorch."),
            )
        return
    for name in filter(None, map(cuda.without_gpu, required)):
        yield _without_gpu(shown, name, image, base_cuda)
        return
    if any(cuda.names_cpu_index(_text(content)) for content in files.values()):
        yield _without_gpu(shown, "torch", image, base_cuda)


def _without_gpu(source: str, name: str, image: str, base_cuda: str) -> Doubt:
    return Doubt(
        fill(
            _(
                "{source}: {name} is a build without GPU support; the base image {image} has CUDA "
                "{cuda}, which would stay unused."
            ),
            source=source,
            name=name,
            image=image,
            cuda=base_cuda,
        ),
        _("Require the build for CUDA, or choose a smaller base with --base-image."),
    )


def _text(content: bytes | Path) -> str:
    return "" if isinstance(content, Path) else content.decode("utf-8", "replace")
