"""`python -m training phantoms`: the phantoms by which a site's calibration is checked, measured and shipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import numpy as np

from config.errors import NotScorable
from scoring import anatomy
from scoring.calibration.basis import Basis
from scoring.calibration.case import Case
from scoring.calibration.observation import measure_case
from scoring.calibration.phantoms import FILE, write_phantoms
from scoring.candidates import conventions
from scoring.judgement import features
from training import lookalikes
from training.scans import Scanned

SHIPPED: Final = Path("scoring/calibration") / FILE
CONVENTION: Final = "standard"


@click.command("phantoms")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("training-data"), show_default=True)
@click.option("--seeds", default="100000-100029", show_default=True, help="First and last seed; none that taught.")
@click.option("--out", type=click.Path(path_type=Path), default=SHIPPED, show_default=True)
def phantoms(folder: Path, seeds: str, out: Path) -> None:
    """Scan hard patients that taught nothing, and keep what a refit needs; again when nets or judgement change."""
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    first, _, last = seeds.partition("-")
    write_phantoms(out, Basis.of_shipped(), _measure_all(folder, range(int(first), int(last or first) + 1)))


def measure(scanned: Scanned, seed: int) -> tuple[Case, tuple[int, ...]]:
    """The case of a scan, and its candidates that are coronary calcium. Raises NotScorable."""
    place = anatomy.find(scanned.volume)
    case, kept = measure_case(scanned.volume, place, conventions.named(CONVENTION), f"phantom {seed}")
    if not kept:
        return case, ()
    kinds = lookalikes.name_all(scanned, kept, features.measure(scanned.volume, place, kept))
    return case, tuple(np.flatnonzero(kinds == lookalikes.CORONARY).tolist())


def _measure_all(folder: Path, seeds: range) -> Iterator[tuple[int, Case, tuple[int, ...]]]:
    for seed in seeds:
        try:
            yield seed, *measure(Scanned.load(folder, seed), seed)
        except NotScorable as verdict:
            click.echo(f"{seed}: {verdict.code}")
