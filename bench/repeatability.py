"""How much the total of one patient varies when only the scan is repeated, beside what repeated scans of patients vary.

Phantom patients are scanned twice: turned and shifted on the table, with other slice positions and other noise. Their
calcium is counted by mask in tissue of one attenuation, so that neither anatomy nor judgement plays a part. Published:
the mean difference of repeats by size, and the 95 % limit of Chung et al., AJR 2008 (6,742 pairs), at a body mass index
of 27.

    python bench/repeatability.py [--patients 40] [--first-seed 100000] [--spacing 2.5 3 5] [--noise 20] [--motion 0]
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from evaluation.deposits import Patient, as_volume, find_calcium
from evaluation.table import number, percent, table
from scipy import ndimage as ndi

from scoring.judgement.integrated import integrate
from scoring.phantom import population
from scoring.phantom.motion import Motion
from scoring.phantom.scan import Scan
from scoring.phantom.spec import PhantomSpec
from scoring.risk.comparison import USUAL_BMI
from scoring.risk.limits import agatston_limit
from scoring.risk.spread import estimate_spread

FIRST_SEED: Final = 100_000
THRESHOLD_HU: Final = 130.0
TISSUE_HU: Final = 0.0
"""What lies where the calcium is, without it: the wall of an artery, blurred with the fat around it."""

RANGES: Final = (
    (1, 30, 0.61),
    (31, 100, 0.23),
    (101, 400, 0.16),
    (401, 100_000, 0.08),
)
"""Scores from and to, and the published mean difference of repeats."""

TURN_DEG: Final = 3.0
SHIFT_MM: Final = 5.0
MARGIN_MM: Final = 8.0


@dataclass(frozen=True)
class Pair:
    """Agatston score, mass above the threshold and integrated mass (both in HU times mm3) of two scans."""

    agatston: tuple[float, float]
    above: tuple[float, float]
    whole: tuple[float, float]


def main() -> None:
    """Print a table for each slice spacing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patients", type=int, default=40, metavar="N", help="number of patients [default: 40]")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, metavar="SEED", help="[default: 100000]")
    parser.add_argument("--spacing", type=float, nargs="+", default=[2.5, 3.0, 5.0], metavar="MM")
    parser.add_argument("--noise", type=float, default=20.0, metavar="HU", help="[default: 20]")
    parser.add_argument("--motion", type=float, default=0.0, metavar="MM", help="motion within a slice [default: 0]")
    options = parser.parse_args()
    patients = draw(options.first_seed, options.patients)
    for spacing in options.spacing:
        pairs = [scan_twice(patient, spacing, options.noise, options.motion) for patient in patients]
        print(f"Slices of {spacing:g} mm, noise {options.noise:g} HU, motion {options.motion:g} mm:\n")
        print(markdown(pairs, spacing), flush=True)


def draw(first_seed: int, count: int) -> list[Patient]:
    """Return the first patients with calcium from a seed on."""
    found: list[Patient] = []
    seed = first_seed
    while len(found) < count:
        spec = population.draw(seed)
        if spec.lesions:
            found.append(Patient.of(spec))
        seed += 1
    return found


def scan_twice(patient: Patient, spacing: float, noise_hu: float, motion_mm: float) -> Pair:
    """Scan a patient twice by the calcium protocol."""
    rng = np.random.default_rng(patient.spec.seed)
    one, other = (measure(patient, spacing, noise_hu, motion_mm, rng) for _ in range(2))
    return Pair(*zip(one, other, strict=True))


def measure(
    patient: Patient, spacing: float, noise_hu: float, motion_mm: float, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return the measures of one scan in a position and with a noise of its own."""
    scan = position(patient, spacing, motion_mm, rng)
    rendered = patient.render(scan)
    if rendered is None:
        return 0.0, 0.0, 0.0
    margin = [(1, 1), *((math.ceil(MARGIN_MM / size),) * 2 for size in scan.spacing_mm[1:])]
    added = np.pad(rendered[1], margin)
    grain = ndi.gaussian_filter(rng.standard_normal(added.shape, dtype=np.float32), (0, 1, 1))
    hu = np.rint(TISSUE_HU + added + grain * np.float32(noise_hu / grain.std()))
    found = find_calcium(hu, added, scan.spacing_mm)
    volume = as_volume(hu, scan.spacing_mm)
    return (
        sum(part.agatston for part in found),
        sum(part.mean_hu * part.volume_mm3 for part in found),
        sum(integrate(volume, part.voxels, THRESHOLD_HU) for part in found),
    )


def position(patient: Patient, spacing: float, motion_mm: float, rng: np.random.Generator) -> Scan:
    """Lay the patient on the table again."""
    spec = PhantomSpec(
        seed=patient.spec.seed,
        slice_thickness_mm=spacing,
        slice_increment_mm=spacing,
        z_offset_mm=float(rng.uniform(0, spacing)),
        above_left_main_mm=60.0,
        below_left_main_mm=130.0,
    )
    pose = patient.thorax.pose
    turn = pose.turn + math.radians(float(rng.uniform(-TURN_DEG, TURN_DEG)))
    shift = [place + float(rng.uniform(-SHIFT_MM, SHIFT_MM)) for place in pose.shift]
    lying = dataclasses.replace(pose, turn=turn, shift=(shift[0], shift[1]))
    motion = Motion(motion_mm, int(rng.integers(2**31)))
    return dataclasses.replace(Scan.of(spec, lying), motion=motion)


def markdown(pairs: Sequence[Pair], spacing: float) -> str:
    """Return the table of one slice spacing."""
    head = ["Score", "Pairs", "Mean difference", "Published", "Mass", "Integrated mass"]
    head += ["SD / sqrt(score)", "As estimated", "Within the 95 % limit"]
    return table(head, [row for low, high, published in RANGES if (row := _row(pairs, spacing, low, high, published))])


def _row(pairs: Sequence[Pair], spacing: float, low: int, high: int, published: float) -> list[str]:
    chosen = [pair for pair in pairs if low <= round(sum(pair.agatston) / 2) <= high]
    if not chosen:
        return []
    # half the squared difference of two values is an estimate of their variance
    variances = [(pair.agatston[0] - pair.agatston[1]) ** 2 / sum(pair.agatston) for pair in chosen]
    within = [abs(a - b) <= agatston_limit(a, USUAL_BMI, (spacing, spacing)) for a, b in (p.agatston for p in chosen)]
    return [
        f"{low}-{high}" if high < RANGES[-1][1] else f"over {low - 1}",
        str(len(chosen)),
        *(percent(_mean_difference([pair.agatston for pair in chosen])), percent(published, 0)),
        percent(_mean_difference([pair.above for pair in chosen])),
        percent(_mean_difference([pair.whole for pair in chosen])),
        number(math.sqrt(float(np.mean(variances))), 2),
        number(estimate_spread(1.0, spacing), 2),
        f"{sum(within)} of {len(within)}",
    ]


def _mean_difference(values: Sequence[tuple[float, float]]) -> float:
    """Return the mean of the differences, each in proportion to the mean of its two values."""
    parts: list[Any] = [2 * abs(a - b) / (a + b) for a, b in values if a + b > 0]
    return float(np.mean(parts)) if parts else math.nan


if __name__ == "__main__":
    main()
