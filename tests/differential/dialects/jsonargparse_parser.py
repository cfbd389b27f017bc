"""Arguments of a function and of classes."""

# ruff: noqa
from typing import List, Optional, Literal
from dataclasses import dataclass

from jsonargparse import ActionConfigFile, ArgumentParser
from jsonargparse.typing import PositiveInt


@dataclass
class Optim:
    lr: float = 0.1
    momentum: Optional[float] = None


class Model:
    def __init__(
        self, hidden: int = 3, activation: Literal["relu", "tanh"] = "relu", bias: bool = True
    ):
        """Make it.

        Args:
            hidden: Units.
        """


def train(data: str, optim: Optim, epochs: int = 3, tags: List[str] = ["a"]) -> None:
    """Train.

    Args:
        data: Where it is.
    """


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--config", action=ActionConfigFile)
    parser.add_argument("--seed", type=PositiveInt, default=1)
    parser.add_argument("--widths", type=Optional[List[int]], default=None)
    parser.add_argument("--inner.size", type=int, default=2)
    parser.add_function_arguments(train, "train")
    parser.add_class_arguments(Model, "model")
    args = parser.parse_args()
