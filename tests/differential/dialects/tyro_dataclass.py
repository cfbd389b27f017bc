"""Nested dataclasses."""

# ruff: noqa
from typing import Annotated, List, Literal, Optional, Tuple, Union
import dataclasses
import enum

import tyro


class Kind(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass(frozen=True)
class Optim:
    lr: float = 1e-3
    """Learning rate."""
    betas: Tuple[float, float] = (0.9, 0.999)


@dataclasses.dataclass
class Adam:
    beta: float = 1.0


@dataclasses.dataclass
class Sgd:
    momentum: float


@dataclasses.dataclass
class Args:
    name: str
    optim: Optim
    second: Union[Adam, Sgd] = dataclasses.field(default_factory=Adam)
    steps: int = 3  # How many.
    kind: Kind = Kind.RED
    mode: Literal["a", "b"] = "a"
    fast: bool = False
    safe: bool = True
    seed: Optional[int] = None
    widths: List[int] = dataclasses.field(default_factory=lambda: [1, 2])
    depth: Annotated[int, tyro.conf.arg(help="How deep.")] = 5
    hidden: tyro.conf.Suppress[int] = 0
    last: Optim = dataclasses.field(default_factory=lambda: Optim(lr=0.5))


if __name__ == "__main__":
    args = tyro.cli(Args)
