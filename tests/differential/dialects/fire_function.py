"""A function."""

# ruff: noqa
import fire


def train(
    data, epochs=3, lr: float = 0.1, name: str = "run", layers=(1, 2), dry=False, *rest, **more
):
    """Train."""


if __name__ == "__main__":
    fire.Fire(train)
