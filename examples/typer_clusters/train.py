"""Find clusters with k-means; the command line is typer's."""

from enum import StrEnum
from typing import Annotated

import numpy as np
import typer

app = typer.Typer()


class Start(StrEnum):
    random = "random"
    spread = "spread"


@app.command()
def main(
    clusters: Annotated[int, typer.Option(min=1, help="how many to look for")] = 4,
    rounds: Annotated[int, typer.Option(help="at most so many rounds")] = 50,
    tolerance: Annotated[float, typer.Option(help="stop when no centre moves further")] = 1e-4,
    start: Annotated[Start, typer.Option(help="how the first centres are chosen")] = Start.spread,
    seed: Annotated[int, typer.Option(help="of the points and of a random start")] = 7,
) -> None:
    random = np.random.default_rng(seed)
    true = random.uniform(-5, 5, (clusters, 2))
    points = np.concatenate([random.normal(centre, 0.3, (200, 2)) for centre in true])
    centres = _first(points, clusters, start, random)
    for turn in range(1, rounds + 1):
        nearest = np.linalg.norm(points[:, None] - centres[None], axis=2).argmin(axis=1)
        moved = np.array(
            [
                points[nearest == index].mean(axis=0) if (nearest == index).any() else centre
                for index, centre in enumerate(centres)
            ]
        )
        shift = float(np.abs(moved - centres).max())
        centres = moved
        typer.echo(f"round {turn:2}  largest shift {shift:.5f}")
        if shift < tolerance:
            break
    for centre in sorted(map(tuple, centres.round(2))):
        typer.echo(f"centre {centre[0]:6.2f} {centre[1]:6.2f}")


def _first(
    points: np.ndarray, clusters: int, start: Start, random: np.random.Generator
) -> np.ndarray:
    if start is Start.random:
        return random.choice(points, clusters, replace=False)
    chosen = [points[0]]
    while len(chosen) < clusters:
        gaps = np.min([np.linalg.norm(points - centre, axis=1) for centre in chosen], axis=0)
        chosen.append(points[gaps.argmax()])
    return np.array(chosen)


if __name__ == "__main__":
    app()
