"""Train a small neural network on handwritten digits (8 x 8 pixels, shipped with scikit-learn)."""

import argparse
import time

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learning-rate", type=float, default=0.003, help="step size of Adam")
    parser.add_argument("--epochs", type=int, default=12, help="passes over the training images")
    parser.add_argument("--hidden", type=int, default=64, help="units of the hidden layer")
    parser.add_argument(
        "--activation",
        choices=["relu", "tanh", "logistic"],
        default="relu",
        help="activation of the hidden layer",
    )
    parser.add_argument("--shuffle", action="store_true", help="another split on every run")
    options = parser.parse_args()

    digits = load_digits()
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data,
        digits.target,
        test_size=0.25,
        stratify=digits.target,
        random_state=None if options.shuffle else 7,
    )
    scaler = StandardScaler().fit(train_x)
    train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)

    network = MLPClassifier(
        hidden_layer_sizes=(options.hidden,),
        activation=options.activation,
        learning_rate_init=options.learning_rate,
        random_state=7,
    )
    print(f"{len(train_x)} images to learn from, {len(test_x)} to test on", flush=True)
    started = time.monotonic()
    for epoch in range(1, options.epochs + 1):
        network.partial_fit(train_x, train_y, classes=range(10))
        accuracy = network.score(test_x, test_y)
        print(f"epoch {epoch:2}  loss {network.loss_:.4f}  accuracy {accuracy:.3f}", flush=True)
    print(f"trained in {time.monotonic() - started:.1f} s, accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
