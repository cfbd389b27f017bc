"""A function."""

# ruff: noqa
import tyro


def main(data: str, epochs: int = 3, lr: float = 0.1, amp: bool = False) -> None:
    """Train.

    Args:
        data: Where it is.
    """


if __name__ == "__main__":
    tyro.cli(main)
