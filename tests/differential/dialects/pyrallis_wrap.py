"""A decorated main function."""

# ruff: noqa
from dataclasses import dataclass, field

import pyrallis


@dataclass
class Model:
    width: int = 64
    dropout: float = 0.1


@dataclass
class Config:
    name: str = "run"
    seed: int | None = None
    sizes: list[int] = field(default_factory=lambda: [1, 2])
    amp: bool = False
    model: Model = field(default_factory=Model)


@pyrallis.wrap()
def main(config: Config) -> None:
    print(config)


if __name__ == "__main__":
    main()
