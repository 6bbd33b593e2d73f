"""`python -m training`: bodies, then weights, then the model that is shipped."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import click

from scoring.anatomy.network import Kind
from training import body
from training.classes import NAMES
from training.judgement import judgement

_KINDS = click.Choice(sorted(NAMES))
_FOLDER = click.option("--folder", type=click.Path(path_type=Path), default=Path("training-data"), show_default=True)


@click.group()
def main() -> None:
    """Train the nets from synthetic thoraxes: bodies, then train, then export."""


main.add_command(judgement)


@main.command()
@click.argument("kind", type=_KINDS)
@_FOLDER
@click.option(
    "--first", default=0, show_default=True, help="First seed; seeds from 100000 on are reserved for measuring."
)
@click.option("--count", default=700, show_default=True)
@click.option("--jobs", default=1, show_default=True)
def bodies(kind: Kind, folder: Path, first: int, count: int, jobs: int) -> None:
    """Paint the bodies of COUNT seeds; existing ones are kept."""
    # Each process paints on one core: linear algebra threads would only wait for each other.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    seeds = range(first, first + count)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        pool.starmap(body.paint_if_missing, [(kind, folder, seed) for seed in seeds], chunksize=1)


@main.command()
@click.argument("kind", type=_KINDS)
@_FOLDER
@click.option("--steps", default=6000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--threads", default=1, show_default=True)
def train(kind: Kind, folder: Path, steps: int, seed: int, threads: int) -> None:
    """Train one net; an interrupted run continues from its checkpoint."""
    from training.loop import train as run  # noqa: PLC0415 - painting needs no PyTorch

    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    run(kind, folder, folder / f"{kind}.pt", steps=steps, seed=seed, log=folder / f"{kind}.log", threads=threads)


@main.command()
@click.argument("kind", type=_KINDS)
@_FOLDER
@click.option("--out", type=click.Path(path_type=Path), default=Path("scoring/anatomy/weights"), show_default=True)
def export(kind: Kind, folder: Path, out: Path) -> None:
    """Write the shipped model from the weights in FOLDER."""
    import torch  # noqa: PLC0415

    from training import export as model  # noqa: PLC0415
    from training.model import SLOPE, WINDOWS  # noqa: PLC0415

    saved = torch.load(folder / f"{kind}.pt", weights_only=True)
    weights = {name: value.float().numpy() for name, value in saved.items()}
    out.mkdir(parents=True, exist_ok=True)
    click.echo(model.write(kind, weights, out / f"{kind}.onnx", windows=WINDOWS, slope=SLOPE))


@main.command()
@click.argument("kind", type=_KINDS)
@click.option("--bodies", "count", default=40, show_default=True, help="Number of held-out bodies.")
def measure(kind: Kind, count: int) -> None:
    """Print the metrics of the shipped model on bodies that were not trained on, as Markdown."""
    from scoring.anatomy.network import network  # noqa: PLC0415
    from training.metrics import FIRST_SEED  # noqa: PLC0415
    from training.metrics import measure as run  # noqa: PLC0415

    metrics = run(network(kind), kind, range(FIRST_SEED, FIRST_SEED + count))
    click.echo("| class | Dice |\n| --- | --- |")
    for name, value in metrics.dice.items():
        click.echo(f"| {name} | {value:.2f} |")
    for name, value in (metrics.landmark_mm | metrics.course_mm).items():
        click.echo(f"| {name} (mm off) | {value:.1f} |")


if __name__ == "__main__":
    main()
