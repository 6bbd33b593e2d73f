"""Both masses of phantoms against the mineral that was put in: above the threshold, and by integrated intensity.

Calcium is counted by mask: what the anatomy finds or refuses plays no part. The true mass is that of the deposits of
which something was counted. Gated scans at 120 kVp with slices of 2 to 3 mm and at least 10 mg, no metal in the heart.

    python bench/mass.py [--phantoms 20] [--first-seed 100000]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from evaluation.deposits import Patient, as_volume, find_calcium
from evaluation.table import number, percent, table
from numpy.typing import NDArray

from scoring.judgement.integrated import integrate
from scoring.phantom import population
from scoring.phantom.calcium import Deposit, render_deposit
from scoring.phantom.phantom import make_phantom
from scoring.phantom.scan import Scan
from scoring.phantom.spec import PhantomSpec

FIRST_SEED: Final = 100_000
THRESHOLD_HU: Final = 130.0
LEAST_MG: Final = 10.0
KVP: Final = 120
ITS_OWN_HU: Final = 50.0
"""What a deposit must add to a counted voxel to have a part in it."""
THICKNESS_MM: Final = (2.0, 3.0)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=20, metavar="N", help="number of phantoms [default: 20]")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, metavar="SEED", help="[default: 100000]")
    options = parser.parse_args()
    rows = []
    for spec in specs(options.first_seed):
        true, above, whole = weigh(spec)
        if true < LEAST_MG or above == 0:
            continue
        rows.append((true, above / true - 1, whole / true - 1))
        print(f"seed {spec.seed}: {true:.1f} mg, {above / true - 1:+.1%}, {whole / true - 1:+.1%}", flush=True)
        if len(rows) == options.phantoms:
            break
    names = ("above the threshold", "integrated intensity")
    print(
        table(
            ["Mass", "p10", "median", "p90"], [_row(name, [row[1 + k] for row in rows]) for k, name in enumerate(names)]
        )
    )
    print(f"{len(rows)} phantoms of {number(min(r[0] for r in rows))} to {number(max(r[0] for r in rows))} mg")


def specs(first_seed: int) -> Iterator[PhantomSpec]:
    """Yield the specs of the population in which both masses can be right."""
    seed = first_seed
    while True:
        spec = population.draw(seed)
        seed += 1
        low, high = THICKNESS_MM
        usual = spec.gated and spec.kvp == KVP and low <= spec.slice_thickness_mm <= high
        if usual and spec.lesions and not spec.has_metal_in_heart:
            yield spec


def weigh(spec: PhantomSpec) -> tuple[float, float, float]:
    """Return the true mass, that above the threshold and the integrated one, mg."""
    phantom = make_phantom(spec)
    patient = Patient.of(spec)
    scan = Scan.of(spec, patient.thorax.pose)
    rendered = patient.render(scan)
    if rendered is None:
        return 0.0, 0.0, 0.0
    box, added = rendered
    whole = np.zeros(phantom.hu.shape, dtype=np.float32)
    whole[box] = added
    volume = as_volume(phantom.hu, phantom.spacing_mm)
    found = find_calcium(phantom.hu, whole, phantom.spacing_mm)
    counted = np.zeros(phantom.hu.shape, dtype=bool)
    for part in found:
        counted[tuple(part.voxels.T)] = True
    true = sum(one.mass_mg for one in patient.deposits if is_counted(one, scan, counted))
    factor = phantom.truth.mass_factor / 1000
    above = sum(part.mean_hu * part.volume_mm3 for part in found) * factor
    return true, above, sum(integrate(volume, part.voxels, THRESHOLD_HU) for part in found) * factor


def is_counted(deposit: Deposit, scan: Scan, counted: NDArray[np.bool_]) -> bool:
    """Return whether something of a deposit is counted."""
    part = render_deposit(deposit, scan)
    return part is not None and bool((counted[part[0]] & (part[1] >= ITS_OWN_HU)).any())


def _row(name: str, errors: Sequence[float]) -> list[str]:
    return [name, *(percent(float(value), sign=True) for value in np.percentile(errors, (10, 50, 90)))]


if __name__ == "__main__":
    main()
