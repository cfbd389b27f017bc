"""Make the layers of an image: environment, packages, code."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import partial
from typing import Final

from keynet.direct.base.target_python import TargetPython
from keynet.direct.image_document import Added
from keynet.direct.layers.code_layer import content_key, copied_context
from keynet.direct.layers.layer_store import LayerStore, layer_key
from keynet.direct.layers.tar_stream import Entry, folders_above, tar_blocks
from keynet.direct.packages.byte_code import Compiler, compiled_entries
from keynet.direct.packages.environment_layer import (
    environment_entries,
    import_paths,
    program_entries,
)
from keynet.direct.packages.resolved_cache import PackageLayer
from keynet.direct.packages.wheel import Wheel
from keynet.direct.packages.wheel_files import PREFIX, placed_entries, shared_files, wheel_entries
from keynet.events import Emit, LogLine, Notice
from keynet.frozen import frozen
from keynet.oci.image import Layer
from keynet.plan import BuildPlan, Recipe
from keynet.text import fill, ngettext, printable

__all__ = [
    "Part",
    "code_layer",
    "environment_layer",
    "kept_package_layers",
    "most_big",
    "package_layers",
    "package_parts",
    "programs_layer",
    "source_date_epoch",
]

# A wheel of this size is a layer of its own, so that other images share it.
_BIG: Final = 4 << 20
_MOST_BIG: Final = 20
# Of an image; docker's overlay2 stops at 127, and people build on these images.
_MOST_LAYERS: Final = 100


def programs_layer(store: LayerStore) -> Added:
    """Return the layer of images without packages, which has a ``python``."""
    key = layer_key("programs")
    return Added(store.layer(key, lambda: tar_blocks(program_entries())), "python")


def environment_layer(store: LayerStore, python: TargetPython, recipe: Recipe) -> Added:
    """Return the layer of the environment that the packages are in."""
    paths = import_paths(recipe)
    key = layer_key("environment", repr(python), *paths)
    entries = environment_entries(python, paths)
    return Added(store.layer(key, partial(tar_blocks, entries)), "environment")


def most_big(base_layers: int, *, compiled: bool) -> int:
    """Return how many wheels may have layers of their own on a base with so many layers.

    Args:
        compiled: Byte code is made, a second layer for each.
    """
    # Environment and context.
    room = _MOST_LAYERS - base_layers - 2
    groups = room // (2 if compiled else 1)
    # One is that of all other wheels.
    return min(_MOST_BIG, max(0, groups - 1))


def kept_package_layers(
    store: LayerStore, layers: Sequence[PackageLayer], cached_layer: Callable[[str], Layer | None]
) -> list[Added] | None:
    """Return the layers if all of them are in the cache.

    Args:
        cached_layer: Returns the layer of a key that another cache has.
    """
    found = [
        (store.kept(each.key) or cached_layer(f"{store.how.tag}{each.key}"), each.names)
        for each in layers
    ]
    added = [Added(layer, names) for layer, names in found if layer is not None]
    return added if len(added) == len(layers) else None


@frozen
class Part:
    """A layer that can be made: its key, its packages in words, and what yields its tar."""

    key: str
    names: str
    make: Callable[[], Iterator[bytes]] = field(repr=False)


def package_layers(
    store: LayerStore, parts: Iterable[Part], *, anew: bool
) -> Iterator[tuple[Added, PackageLayer]]:
    """Yield the layers of packages with their keys.

    Args:
        anew: Make layers that are in the cache, too.
    """
    for part in parts:
        layer = store.layer(part.key, part.make, anew=anew)
        yield Added(layer, part.names), PackageLayer(part.key, part.names)


def package_parts(
    python: TargetPython,
    wheels: Sequence[Wheel],
    compiler: Compiler | None,
    emit: Emit,
    *,
    most: int,
) -> Iterator[Part]:
    """Yield what the layers of the packages are made from.

    The same wheels for the same Python give the same layers, in every project.

    Args:
        compiler: Makes the byte code, a layer after each; None for none.
        most: How many wheels may have layers of their own, see ``most_big``.
    """
    sizes = {wheel.name: _size(wheel) for wheel in wheels}
    by_size = sorted(wheels, key=lambda wheel: (-sizes[wheel.name], wheel.name))
    big = {wheel.name for wheel in by_size[:most] if sizes[wheel.name] >= _BIG}
    small = [wheel for wheel in wheels if wheel.name not in big]
    groups = [small] if small else []
    groups += [[wheel] for wheel in wheels if wheel.name in big]
    shared = shared_files([wheel for group in groups for wheel in group], python.minor)
    if shared:
        emit(Notice(_shared(shared)))
    for group in groups:
        names = ", ".join(f"{wheel.name} {wheel.version}" for wheel in group)
        key = layer_key("wheels", python.minor, *(wheel.key for wheel in group))
        yield Part(key, names, partial(_wheels_tar, python, group, names, emit))
        if compiler is not None:
            text = f"byte code of {names}"
            key = layer_key("byte code", python.minor, compiler.version, key)
            yield Part(key, text, partial(_byte_code_tar, python, group, compiler, text, emit))


def code_layer(store: LayerStore, plan: BuildPlan, workdir: str, emit: Emit) -> Added:
    """Return the layer with the context.

    Raises:
        ContextInvalid: A file cannot be read.
    """
    time_s = source_date_epoch() or 0
    with copied_context(plan, workdir, emit) as entries:
        key = layer_key("code", str(time_s), content_key(entries))
        return Added(store.layer(key, lambda: tar_blocks(entries, time_s=time_s)), "context")


def source_date_epoch() -> int | None:
    """Return the time that reproducible builds are given; None without one.

    Source: reproducible-builds.org, "SOURCE_DATE_EPOCH".
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None


def _shared(shared: Mapping[str, Sequence[str]]) -> str:
    path, names = min(shared.items())
    return fill(
        ngettext(
            "{names} have {count} file in common ({path}): the one of {last} is used.",
            "{names} have {count} files in common (such as {path}): those of {last} are used.",
            len(shared),
        ),
        names=", ".join(names),
        count=len(shared),
        path=printable(path, 200),
        last=names[-1],
    )


def _wheels_tar(
    python: TargetPython, wheels: Sequence[Wheel], names: str, emit: Emit
) -> Iterator[bytes]:
    emit(LogLine(f"layer: {names}", "layers"))
    entries: list[Entry] = []
    for wheel in wheels:
        entries += wheel_entries(wheel, python.minor)
    yield from tar_blocks([*folders_above((each.path for each in entries), PREFIX), *entries])


def _byte_code_tar(
    python: TargetPython, wheels: Sequence[Wheel], compiler: Compiler, text: str, emit: Emit
) -> Iterator[bytes]:
    emit(LogLine(f"layer: {text}", "layers"))
    sources = [entry for wheel in wheels for entry in placed_entries(wheel, python.minor)]
    with compiled_entries(sources, compiler) as entries:
        yield from tar_blocks([*folders_above((each.path for each in entries), PREFIX), *entries])


def _size(wheel: Wheel) -> int:
    """Return the size of an unpacked wheel in bytes."""
    total = 0
    pending = [os.fspath(wheel.root)]
    while pending:
        with os.scandir(pending.pop()) as found:
            for each in found:
                if each.is_dir(follow_symlinks=False):
                    pending.append(each.path)
                else:
                    total += each.stat(follow_symlinks=False).st_size
    return total
