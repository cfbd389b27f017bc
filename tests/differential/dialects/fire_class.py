"""A class with commands."""

# ruff: noqa
import fire


class Trainer:
    def __init__(self, model="resnet", width: int = 64):
        self.model = model

    def train(self, data: str, epochs: int = 3):
        pass

    def evaluate(self, checkpoint, batch_size=32):
        pass

    def _private(self, x=1):
        pass


if __name__ == "__main__":
    fire.Fire(Trainer)
