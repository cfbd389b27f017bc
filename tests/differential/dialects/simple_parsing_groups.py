"""Dataclasses beside arguments of argparse."""

# ruff: noqa
from typing import List, Optional, Tuple
import enum
from dataclasses import dataclass, field

from simple_parsing import ArgumentParser, choice, list_field


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Optimizer:
    """How to optimise."""

    lr: float = 1e-3
    betas: Tuple[float, float] = (0.9, 0.999)


@dataclass
class Options:
    """Options."""

    log_dir: str  # Where the logs go.
    steps: int = 100
    verbose: bool = False
    layers: List[int] = list_field(64, 32)
    names: List[str] = field(default_factory=list)
    seed: Optional[int] = None
    color: Color = Color.RED
    kind: str = choice("small", "large", default="small")
    optimizer: Optimizer = field(default_factory=Optimizer)


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=32, help="Batch.")
    parser.add_arguments(Options, dest="options")
    args = parser.parse_args()
