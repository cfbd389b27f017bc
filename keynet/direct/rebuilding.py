"""What the layers of an image would be if it were built again from its lock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from functools import partial

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.byte_code import find_compiler
from keynet.direct.installed.environment_layer import (
    environment_entries,
    import_paths,
    program_entries,
)
from keynet.direct.layers import layering
from keynet.direct.layers.code_layer import copied_context
from keynet.direct.layers.tar_stream import tar_blocks
from keynet.direct.packages.package_lock import Recorded
from keynet.direct.packages.wheel_choice import fetch_wheels
from keynet.events import Emit
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Dependencies, HostNetwork, Recipe
from keynet.text import _, fill

__all__ = ["Again", "Unknown", "context_again", "environment_again", "packages_again"]


@frozen
class Unknown:
    """Why a layer cannot be made again here."""

    why: str


@frozen
class Again:
    """A layer as it would be made now: what is in it, and its tar, or why that is not known."""

    names: str
    make: Callable[[], Iterator[bytes]] | Unknown = field(repr=False)


def environment_again(python: TargetPython | None, recipe: Recipe | None) -> Again:
    """Return the first layer: of the environment, or of an image without packages.

    Args:
        python: The base's; None for an image without packages.
        recipe: Of the script; None if it is not known: no folder is on the import path then.
    """
    if python is None:
        return Again("python", lambda: tar_blocks(program_entries()))
    paths = import_paths(recipe) if recipe else []
    return Again("environment", partial(tar_blocks, environment_entries(python, paths)))


def packages_again(
    lock: str,
    recorded: Recorded,
    network: HostNetwork,
    python: TargetPython,
    platform: Platform,
    base_layers: int,
    emit: Emit,
) -> list[Again]:
    """Return the layers of the packages that a lock names, fetched anew.

    Args:
        base_layers: How many layers the base has.

    Raises:
        BuildFailed: A wheel cannot be fetched, or it is not the one that was locked.
    """
    # The lock's own addresses and hashes; nothing is chosen.
    nothing = Dependencies(files={"requirements.txt": b""})
    chosen = fetch_wheels(lock, nothing, network, python, platform)
    compiler = find_compiler(python.minor)
    most = layering.most_big(base_layers, compiled=bool(recorded.compiler))
    same = compiler is not None and compiler.version.partition(" ")[0] == recorded.compiler
    layers = []
    for part in layering.package_parts(
        python, chosen.wheels, compiler if same else None, emit, most=most
    ):
        layers.append(Again(part.names, part.make))
        if recorded.compiler and not same:
            why = fill(
                _("it was compiled by Python {version}, which this machine does not have"),
                version=recorded.compiler,
            )
            layers.append(Again(f"byte code of {part.names}", Unknown(why)))
    return layers


@contextmanager
def context_again(plan: BuildPlan | None, workdir: str, time_s: int, emit: Emit) -> Iterator[Again]:
    """Yield the last layer: the context as it is now.

    Args:
        plan: Of the script; None if it is not known.
        time_s: The time of its files, in seconds since 1970.

    Raises:
        ContextInvalid: A file cannot be read.
    """
    if plan is None:
        yield Again("context", Unknown(_("name the script to compare it")))
        return
    with copied_context(plan, workdir, emit) as entries:
        yield Again("context", lambda: tar_blocks(entries, time_s=time_s))
