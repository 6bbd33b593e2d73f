"""`python -m training`: bodies, then weights, then the models that are shipped."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import click

from scoring.anatomy.network import KINDS, Kind
from training import body
from training.judgement import judgement
from training.regression import phantoms

_KINDS = click.Choice(KINDS)
_PATH = click.Path(path_type=Path)
_FOLDER = click.option("--folder", type=_PATH, default=Path("training-data"), show_default=True)


@click.group()
def main() -> None:
    """Train the nets from synthetic thoraxes."""


@main.command(name="all")
@_FOLDER
@click.option("--out", type=_PATH, help="Where models, weights, log and measures go; the folder by default.")
@click.option("--minutes", default=60.0, show_default=True, help="When all is over, whatever happens.")
@click.option("--seeds", default="1,2", show_default=True, help="One heart net for each.")
@click.option("--jobs", default=max(1, (os.cpu_count() or 2) - 1), show_default=True, help="Processes that paint.")
@click.option("--bodies", default=6000, show_default=True, help="Most bodies of both kinds.")
@click.option("--held-out", default=24, show_default=True, help="Bodies for the measurement.")
@click.option("--start-from", type=_PATH, help="A folder with the averages (NAME.pt) of an earlier run.")
@click.option("--batch", type=int, help="Views per step: 16 on a GPU, 2 without by default.")
@click.option("--steps", type=int, help="End when the heart nets have taken so many steps, if time allows.")
def everything(
    folder: Path,
    out: Path | None,
    minutes: float,
    seeds: str,
    jobs: int,
    bodies: int,
    held_out: int,
    start_from: Path | None,
    batch: int | None,
    steps: int | None,
) -> None:
    """Paint, train, export and measure within MINUTES; checkpoints in FOLDER are continued."""
    # Large arrays come and go with every step: returning them to the system each time costs as much as the step.
    os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")
    from training.run import Plan, run  # noqa: PLC0415 - painting needs no PyTorch

    numbers = tuple(int(seed) for seed in seeds.split(","))
    run(Plan(folder, out or folder, minutes, numbers, jobs, bodies, held_out, start_from, batch, steps))


main.add_command(judgement)
main.add_command(phantoms)


@main.command()
@click.argument("kind", type=_KINDS)
@_FOLDER
@click.option("--first", default=0, show_default=True, help="First seed; those from 90000 on are held out.")
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
@click.option("--bodies", "count", default=40, show_default=True, help="Number of held-out bodies.")
def measure(kind: Kind, count: int) -> None:
    """Print the metrics of the shipped models on bodies that were not trained on, as Markdown."""
    from scoring.anatomy.network import network  # noqa: PLC0415
    from training import metrics  # noqa: PLC0415

    seeds = range(body.HELD_OUT, body.HELD_OUT + count)
    measured = metrics.measure(network(kind), kind, (body.Body.paint(seed, kind) for seed in seeds))
    click.echo(metrics.table(measured, kind))


if __name__ == "__main__":
    main()
