"""A class of typed arguments."""

# ruff: noqa
from typing import List, Optional, Literal
from tap import Tap


class Arguments(Tap):
    data: str
    """Where the data is."""
    lr: float = 1e-3
    epochs: int = 10
    cuda: bool = False
    sizes: List[int] = [1, 2]
    name: Optional[str] = None
    mode: Literal["a", "b"] = "a"

    def configure(self) -> None:
        self.add_argument("--epochs", "-e", help="Passes.")


if __name__ == "__main__":
    arguments = Arguments().parse_args()
