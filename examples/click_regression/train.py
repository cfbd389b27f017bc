"""Fit a straight line to noisy points by gradient descent; the command line is click's."""

import click
import numpy as np


@click.command()
@click.option("--learning-rate", type=float, default=0.1, show_default=True, help="step size")
@click.option("--steps", type=click.IntRange(min=1), default=200, help="gradient steps")
@click.option("--noise", default=0.05, help="standard deviation of the noise")
@click.option(
    "--loss", type=click.Choice(["squared", "absolute"]), default="squared", help="what to minimise"
)
@click.option("--verbose/--quiet", default=False, help="print every twentieth step")
def main(learning_rate: float, steps: int, noise: float, loss: str, verbose: bool) -> None:
    random = np.random.default_rng(7)
    x = random.uniform(-1, 1, 500)
    y = 3.0 * x - 0.5 + random.normal(0, noise, x.size)
    slope = offset = 0.0
    for step in range(1, steps + 1):
        error = slope * x + offset - y
        pull = error if loss == "squared" else np.sign(error)
        slope -= learning_rate * float(np.mean(pull * x))
        offset -= learning_rate * float(np.mean(pull))
        if verbose and step % 20 == 0:
            click.echo(f"step {step:4}  mean absolute error {np.mean(np.abs(error)):.4f}")
    click.echo(f"y = {slope:.3f} x + {offset:.3f}  (true: 3.000 x - 0.500)")


if __name__ == "__main__":
    main()
