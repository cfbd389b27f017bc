"""One class, parsed at once."""

# ruff: noqa
from dataclasses import dataclass
from typing import Literal

import simple_parsing


@dataclass
class Base:
    name: str = "run"


@dataclass
class Config(Base):
    lr: float = 0.1
    epochs: int = 3
    mode: Literal["train", "eval"] = "train"


if __name__ == "__main__":
    config = simple_parsing.parse(Config)
