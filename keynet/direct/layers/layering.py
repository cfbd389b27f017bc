"""Make the layers of an image: environment, packages, code."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field
from functools import partial
from typing import Final

from keynet.direct.base.target_python import TargetPython
from keynet.direct.image_document import Added
from keynet.direct.installed.byte_code import ByteCode, Compiler
from keynet.direct.installed.environment_layer import (
    environment_entries,
    import_paths,
    program_entries,
)
from keynet.direct.installed.wheel import Wheel
from keynet.direct.installed.wheel_files import (
    PREFIX,
    PlacedWheel,
    place_wheel,
    shared_files,
    wheel_entries,
)
from keynet.direct.layers.code_layer import content_key, copied_context
from keynet.direct.layers.layer_store import LayerStore, layer_key
from keynet.direct.layers.tar_stream import Entry, folders_above, tar_blocks
from keynet.direct.packages.resolved_cache import PackageLayer
from keynet.errors import UsageError
from keynet.events import Emit, LogLine, Notice
from keynet.frozen import frozen
from keynet.oci.image import Layer
from keynet.plan import BuildPlan, Recipe
from keynet.text import _, fill, ngettext, printable

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
# Of the parts, from the one that is made: its own byte code and that of the next wheels.
_AHEAD: Final = 4
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
    """A layer that can be made: its key, its packages in words, and what yields its tar.

    ``byte_code`` is what it has, if it has any: that can be begun before.
    """

    key: str
    names: str
    make: Callable[[], Iterator[bytes]] = field(repr=False)
    byte_code: ByteCode | None = field(default=None, repr=False)


def package_layers(
    store: LayerStore, parts: Sequence[Part], *, anew: bool
) -> Iterator[tuple[Added, PackageLayer]]:
    """Yield the layers of packages with their keys.

    While one is made, the byte code of the next ones is compiled: compressing and compiling
    together use all processors.

    Args:
        anew: Make layers that are in the cache, too.
    """
    with ExitStack() as running:
        for number, part in enumerate(parts):
            for ahead in parts[number : number + _AHEAD]:
                if ahead.byte_code is not None and (anew or store.kept(ahead.key) is None):
                    running.callback(ahead.byte_code.end)
                    ahead.byte_code.begin()
            layer = store.layer(part.key, part.make, anew=anew)
            yield Added(layer, part.names), PackageLayer(part.key, part.names)


def package_parts(
    python: TargetPython,
    wheels: Sequence[Wheel],
    compiler: Compiler | None,
    emit: Emit,
    *,
    most: int,
) -> list[Part]:
    """Return what the layers of the packages are made from.

    The same wheels for the same Python give the same layers, in every project.

    Args:
        compiler: Makes the byte code, a layer after each; None for none.
        most: How many wheels may have layers of their own, see ``most_big``.

    Raises:
        BuildFailed: A wheel has what no wheel may have.
    """
    all_placed = [place_wheel(wheel, python.minor) for wheel in wheels]
    by_size = sorted(all_placed, key=lambda placed: (-placed.size, placed.wheel.name))
    big = {placed.wheel.name for placed in by_size[:most] if placed.size >= _BIG}
    small = [placed for placed in all_placed if placed.wheel.name not in big]
    groups = [small] if small else []
    groups += [[placed] for placed in all_placed if placed.wheel.name in big]
    shared = shared_files([placed for group in groups for placed in group])
    if shared:
        emit(Notice(_shared(shared)))
    parts = []
    for group in groups:
        names = ", ".join(f"{placed.wheel.name} {placed.wheel.version}" for placed in group)
        key = layer_key("wheels 2", python.minor, *(placed.wheel.key for placed in group))
        parts.append(Part(key, names, partial(_wheels_tar, python, group, names, emit)))
        if compiler is not None:
            text = f"byte code of {names}"
            key = layer_key("byte code", python.minor, compiler.version, key)
            code = ByteCode([entry for each in group for entry in each.entries.values()], compiler)
            parts.append(Part(key, text, partial(_byte_code_tar, code, text, emit), code))
    return parts


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

    Raises:
        UsageError: It is set, and no number of seconds.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise UsageError(
            fill(
                _("SOURCE_DATE_EPOCH is {text!r}, which is not a time in seconds since 1970."),
                text=printable(text, 50),
            ),
            _("Set it to a whole number, as of date +%s, or remove it."),
        )
    return int(text)


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
    python: TargetPython, group: Sequence[PlacedWheel], names: str, emit: Emit
) -> Iterator[bytes]:
    emit(LogLine(f"layer: {names}", "layers"))
    entries: list[Entry] = []
    for placed in group:
        entries += wheel_entries(placed, python.minor)
    yield from tar_blocks([*folders_above((each.path for each in entries), PREFIX), *entries])


def _byte_code_tar(code: ByteCode, text: str, emit: Emit) -> Iterator[bytes]:
    emit(LogLine(f"layer: {text}", "layers"))
    try:
        entries = code.entries()
        yield from tar_blocks([*folders_above((each.path for each in entries), PREFIX), *entries])
    finally:
        code.end()
