"""`python -m training judgement`: candidates of hard synthetic patients, then the weights of the hypotheses."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
from typing import Final

import click

from training import lookalikes, odds

WEIGHTS: Final = Path("scoring/judgement/weights/hypotheses.toml")


@click.command("judgement")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("training-data"), show_default=True)
@click.option(
    "--seeds", default="0-160", show_default=True, help="First and last seed; from 100000 on: measuring only."
)
@click.option("--jobs", default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=WEIGHTS, show_default=True)
def judgement(folder: Path, seeds: str, jobs: int, out: Path) -> None:
    """Scan patients with much that resembles coronary calcium, and fit what the candidates are to their truth.

    Candidates found earlier are kept in FOLDER: delete them when the generator or the nets have changed.
    """
    # Each process works on one core: linear algebra threads would only wait for each other.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    first, _, last = seeds.partition("-")
    chosen = range(int(first), int(last or first) + 1)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        pool.starmap(lookalikes.collect_if_missing, [(folder, seed) for seed in chosen], chunksize=1)
    taught = [lookalikes.Taught.read(lookalikes.path_of(folder, seed)) for seed in chosen]
    weights = odds.correct(odds.fit(taught), lookalikes.find_rarity())
    odds.write(weights, out, f"python -m training judgement --seeds {seeds}")
    click.echo(odds.describe(taught, weights))
