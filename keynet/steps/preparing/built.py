"""Build an image, and let its builder release it, whatever happens."""

import contextlib
from collections.abc import Iterator
from typing import Any

from keynet.events import Emit
from keynet.files.uninterrupted import uninterrupted
from keynet.runtime.engine import Builder
from keynet.steps.preparing.prepare import Prepared
from keynet.steps.stages import Stages
from keynet.text import _

__all__ = ["built_image"]


@contextlib.contextmanager
def built_image(
    builder: Builder[Any], prepared: Prepared, stages: Stages, emit: Emit
) -> Iterator[Any]:
    """Build the image of a plan without a target, for the time of the block.

    Afterwards it stays in the builder's cache alone.

    Raises:
        KeynetError: It cannot be built.
    """
    built: list[Any] = []
    try:
        with stages.stage("build", _("Building image"), builder.engine.how):
            built.append(builder.build(prepared.plan, prepared.access, emit, None))
        yield built[0]
    finally:
        for each in built:
            with uninterrupted():
                builder.release(each)
