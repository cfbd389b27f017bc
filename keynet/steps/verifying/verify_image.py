"""Build the layers of an image again from its lock, and compare them with those it has.

The base's layers are only compared by digest. Nothing that is in the image is executed.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager
from dataclasses import field, replace
from datetime import datetime
from typing import Any, Final

from keynet.archive.layers import layer_blocks
from keynet.archive.listing.layer_tar import read_members
from keynet.direct.base import registries_files
from keynet.direct.base.base_registries import BaseRegistries
from keynet.direct.base.base_source import config_of, find_python_alone
from keynet.direct.image_origin import BASE_DIGEST, BASE_NAME
from keynet.direct.packages import package_lock
from keynet.direct.rebuilding import (
    Again,
    Unknown,
    context_again,
    environment_again,
    packages_again,
)
from keynet.errors import KeynetError, ValidationError
from keynet.events import Emit
from keynet.explain.layer_difference import FileDifference, differing_files
from keynet.files import places
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.oci.attachment import LOCK
from keynet.oci.descriptor import Digest
from keynet.oci.image import Image, Layer
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, HostNetwork, Recipe, RegistryAccess
from keynet.process.event_loop import EventLoop
from keynet.recipe import hostnetwork
from keynet.registry import artifact
from keynet.registry.client import RegistryClient
from keynet.registry.config import RegistryConfig
from keynet.registry.transfer.pull_image import fetch_image
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing.planning import plan_build
from keynet.steps.preparing.request import Request
from keynet.steps.stages import Stages
from keynet.steps.verifying.verified import ComparedLayer, Verified
from keynet.text import _, fill, printable

__all__ = ["Asked", "verify_image"]

_BY_DIRECT: Final = re.compile(r"keynet: (?:python|environment|context)")
_PREFIX: Final = "keynet: "
_LONGEST_NAMES: Final = 300


@frozen
class Asked:
    """Which image to verify, and how to reach its registry.

    ``access`` is keynet's own login, for a base in the same registry as the platform.
    """

    image: Reference
    config: RegistryConfig
    platform: Platform | None = None
    access: RegistryAccess | None = field(default=None, repr=False)


@frozen
class _Opened:
    """The image, its base, and its lock, "" if nothing was installed."""

    platform: Platform
    image: Image
    base_name: Reference
    base: Image
    lock: str

    @property
    def above(self) -> tuple[Layer, ...]:
        return self.image.layers[len(self.base.layers) :]


def verify_image(asked: Asked, request: Request | None, emit: Emit) -> Verified:
    """Build an image's layers again, and compare them one by one.

    Args:
        request: Of the script, to compare the context, too; None compares packages alone. Its
            base image does not count: the image's own is used.

    Raises:
        NotFound: There is no such image, or none of its base.
        ValidationError: It was not built without an engine, or its base is another one now.
        BuildFailed: A wheel of the lock cannot be fetched.
        KeynetError: Anything else that cannot be read.
    """
    with ExitStack() as opened:
        loop = opened.enter_context(closing(EventLoop()))
        stack = AsyncExitStack()
        opened.callback(lambda: loop.run(stack.aclose()))
        found = _open(asked, stack, loop, emit)
        plan = None if request is None else _plan(request, found, emit)
        names = _names(found)
        with _again(found, plan, loop, emit) as layers:
            if len(layers) != len(found.above):
                raise _other_layers(asked.image, len(layers), len(found.above))
            compared = [
                _compared(number, layer, stated, again, loop)
                for number, (layer, stated, again) in enumerate(
                    zip(found.above, names, layers, strict=True), len(found.base.layers) + 1
                )
            ]
    digest = Digest.of(found.image.manifest)
    return Verified(
        f"{asked.image.name}@{digest}",
        str(found.platform),
        str(found.base_name),
        len(found.base.layers),
        tuple(compared),
    )


def _open(asked: Asked, stack: AsyncExitStack, loop: EventLoop, emit: Emit) -> _Opened:
    client = asked.config.client(emit)
    stack.push_async_callback(client.aclose)
    platform = asked.platform or platforms.host()
    image = loop.run(fetch_image(client, asked.image, platform))
    if not _BY_DIRECT.match(_history(image)[-1] if _history(image) else ""):
        raise ValidationError(
            fill(_("{image} was not built by keynet without an engine."), image=asked.image),
            _("Only images of --builder direct can be built again to the same bytes."),
        )
    base_name = _base_of(asked.image, image)
    lock = loop.run(_lock(client, asked.image, image)) or ""
    registries = BaseRegistries(registries_files.load(), asked.access, emit)
    stack.push_async_callback(registries.aclose)
    base = loop.run(registries.image(base_name, "", platform))
    if [each.diff_id for each in base.layers] != [
        each.diff_id for each in image.layers[: len(base.layers)]
    ]:
        raise ValidationError(
            fill(
                _("{image} does not begin with the layers of {base}."),
                image=asked.image,
                base=base_name,
            ),
            _("Its annotations are wrong: somebody has changed the image after it was built."),
        )
    return _Opened(platform, image, base_name, base, lock)


async def _lock(client: RegistryClient, name: Reference, image: Image) -> str | None:
    digest = Digest.of(image.manifest)
    content = await artifact.read_attached(client, name, digest, LOCK)
    return None if content is None else content.decode("utf-8", "replace")


def _history(image: Image) -> list[str]:
    history = config_of(image).get("history")
    entries = history if isinstance(history, list) else []
    return [str(each.get("created_by", "")) for each in entries if isinstance(each, dict)]


def _base_of(name: Reference, image: Image) -> Reference:
    """Return the base by its digest, as the annotations name it."""
    annotations: dict[str, Any] = json.loads(image.manifest).get("annotations") or {}
    try:
        base = Reference.parse(str(annotations[BASE_NAME]))
        return base.with_digest(Digest.parse(str(annotations[BASE_DIGEST])))
    except (KeyError, KeynetError) as error:
        raise ValidationError(
            fill(_("The annotations of {image} do not name its base image."), image=name),
            _("It was pushed by an older keynet, or changed. Push it again."),
        ) from error


def _plan(request: Request, found: _Opened, emit: Emit) -> BuildPlan:
    """Return the plan of the script on the image's own base."""
    name = str(replace(found.base_name, tag=None))
    own = request.settings.model_copy(update={"base_image": name, "dockerfile": None})
    stages = Stages(emit)
    script = scripts.read(request.entrypoint, stages, emit)
    return plan_build(replace(request, settings=own), script, emit, found.platform)


@contextmanager
def _again(
    found: _Opened, plan: BuildPlan | None, loop: EventLoop, emit: Emit
) -> Iterator[list[Again]]:
    recipe = plan.recipe if plan is not None and isinstance(plan.recipe, Recipe) else None
    workdir = recipe.workdir if recipe else "/workspace"
    layers = []
    if found.lock:
        packages, recorded = package_lock.parsed(found.lock.encode())
        python = find_python_alone(found.base, found.base_name, loop, emit)
        layers.append(environment_again(python, recipe))
        network = plan.host_network if plan else _network()
        with Stages(emit).stage("packages", _("Fetching packages")):
            layers += packages_again(
                # Written anew: uv gets nothing that was not looked at.
                package_lock.rendered(packages, recorded),
                recorded,
                network,
                python,
                found.platform,
                len(found.base.layers),
                emit,
            )
    else:
        layers.append(environment_again(None, recipe))
    with context_again(plan, workdir, _time_s(found), emit) as code:
        yield [*layers, code]


def _network() -> HostNetwork:
    return hostnetwork.detect(os.environ, places.home()).network


def _time_s(found: _Opened) -> int:
    """Return the time of the context's files: the image's, where it is not that of its base."""
    own, base = (config_of(each).get("created") for each in (found.image, found.base))
    if own == base or not isinstance(own, str):
        return 0
    try:
        return int(datetime.fromisoformat(own).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0


def _names(found: _Opened) -> list[str]:
    """Return what the image says of its layers above the base."""
    stated = [each.removeprefix(_PREFIX) for each in _history(found.image)]
    count = len(found.above)
    shown = [printable(each, _LONGEST_NAMES) for each in stated[-count:]] if count else []
    return [""] * (count - len(shown)) + shown


def _compared(
    number: int, layer: Layer, stated: str, again: Again, loop: EventLoop
) -> ComparedLayer:
    digest = str(layer.descriptor.digest)
    names = again.names if stated == again.names else f"{again.names} ({stated})" if stated else ""
    if isinstance(again.make, Unknown):
        return ComparedLayer(number, digest, names or again.names, "unknown", again.make.why)
    whole = hashlib.sha256()
    for block in again.make():
        whole.update(block)
    if str(layer.diff_id) == f"sha256:{whole.hexdigest()}":
        return ComparedLayer(number, digest, names, "equal")
    return ComparedLayer(number, digest, names, "differs", "", _differences(layer, again, loop))


def _other_layers(image: Reference, now: int, there: int) -> ValidationError:
    return ValidationError(
        fill(
            _("{image} has {there} layers above its base, and would have {now} now."),
            image=image,
            there=there,
            now=now,
        ),
        _("Another version of keynet built it, or somebody has changed it after that."),
    )


def _differences(layer: Layer, again: Again, loop: EventLoop) -> tuple[FileDifference, ...]:
    assert not isinstance(again.make, Unknown)
    name = fill(_("Layer {name}"), name=layer.descriptor.digest.short)
    with closing(layer_blocks(layer, loop)) as blocks:
        there = read_members(blocks, name, _never, hashed=True)
        here = read_members(again.make(), name, _never, hashed=True)
        return tuple(differing_files(there, here))


def _never(_path: str, _size: int) -> bool:
    return False
