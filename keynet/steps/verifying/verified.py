"""The result of a verification, as values."""

from dataclasses import asdict
from typing import Any, Literal

from keynet.explain.layer_difference import FileDifference
from keynet.frozen import frozen

__all__ = ["ComparedLayer", "Verified"]


@frozen
class ComparedLayer:
    """One layer above the base.

    ``verdict`` is ``equal``, ``differs`` or ``unknown``, and ``why`` the reason of the last one.
    ``number`` counts all layers of the image from 1.
    """

    number: int
    digest: str
    names: str
    verdict: Literal["equal", "differs", "unknown"]
    why: str = ""
    differences: tuple[FileDifference, ...] = ()


@frozen
class Verified:
    """What a verification found: the base by name and digest, and the layers above it."""

    image: str
    platform: str
    base: str
    base_layers: int
    layers: tuple[ComparedLayer, ...]

    @property
    def equal(self) -> bool:
        """Report whether no layer differs; those that could not be compared do not count."""
        return all(layer.verdict != "differs" for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``keynet verify --json`` (docs/commands/verify.md)."""
        return {"equal": self.equal, **asdict(self)}
