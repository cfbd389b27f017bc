"""A command line for one function."""

# ruff: noqa
from jsonargparse import CLI


def main(name: str, epochs: int = 3, lr: float = 0.1, dry: bool = False) -> None:
    """Do it."""


if __name__ == "__main__":
    CLI(main)
