"""The same calcium in slices of other thicknesses: does the score stay the same?

Every patient is scanned at 3 mm with slices that begin at several places, whose mean is the reference, and at other
thicknesses with the same dose: the noise is that of `--noise` at 3 mm, times the root of 3 mm / thickness. The spread
of the 3 mm scans is what the phase of the slices alone does.

    python bench/thickness.py --rods 150 --noise 12
    python bench/thickness.py --phantoms 20 --noise 12

With `--rods` a patient is two to six rods of calcium in fat, with `--phantoms` a synthetic patient whose calcium is
known from the same scan without it. The calcium alone is scored on slabs, as the software does, and on the slices, as
version 0.1.0 did; a synthetic patient by the software too, from files. Seeds from 100,000 on are for measuring alone.
Rows give quantiles of the ratio to the reference over the patients with a reference of 10 and more.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from evaluation import workers
from evaluation.table import number, share, table
from numpy.typing import NDArray
from scipy import ndimage

from scoring import engine
from scoring.candidates import agatston, conventions
from scoring.images.slabbing import average_slices, choose_count, reduce_labels
from scoring.images.volume import Volume
from scoring.judgement.category import categorise
from scoring.phantom import METAL, PhantomSpec, draw, make_phantom, write_series

FIRST_SEED: Final = 100_000
REFERENCE_MM: Final = 3.0
LEAST: Final = 10.0
"""Ratios of smaller scores say nothing."""

PIXEL_MM, FINE_MM, SIDE, DEPTH = 0.45, 0.25, 64, 160
KERNEL_FWHM_MM: Final = 1.0
FAT_HU: Final = -60.0
GRAIN: Final = 0.8
"""Standard deviation of the blur that gives the noise its grain, pixels."""

AXES: Final = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Scan:
    """Thickness and increment of a scan, and how far it is shifted, mm."""

    thickness: float
    increment: float
    shift: float = 0.0

    def __str__(self) -> str:
        """Name in the table."""
        shifted = f", shifted by {self.shift:g} mm" if self.shift else ""
        return f"{self.thickness:g} mm every {self.increment:g} mm{shifted}"

    def noise_hu(self, at_reference: float) -> float:
        """Noise of this thickness at the dose of a noise at 3 mm."""
        return at_reference * math.sqrt(REFERENCE_MM / self.thickness)


REFERENCES: Final = tuple(Scan(REFERENCE_MM, REFERENCE_MM, shift) for shift in (0.0, 1.0, 2.0))
THIN: Final = tuple(Scan(mm, mm) for mm in (0.75, 1.0, 1.25, 1.5))
OTHERS: Final = (*THIN, Scan(2.0, 1.0), Scan(3.0, 1.5), Scan(2.0, 2.0), Scan(2.5, 2.5), Scan(5.0, 5.0))
OF_PHANTOMS: Final = (Scan(1.0, 1.0), Scan(1.5, 1.5), Scan(3.0, 1.5), Scan(2.0, 2.0), Scan(5.0, 5.0))

Scores = dict[tuple[str, Scan], float]
"""Agatston by way and scan, NaN where there is none."""


def measure_rods(seed: int, noise_hu: float) -> Scores:
    """Every scan of a patient of rods, each rod with a phase of its own; of the reference the same for all."""
    rng = np.random.default_rng(seed)
    rods = [make_rod(rng) for _ in range(rng.integers(2, 7))]
    scores: Scores = {}
    for scan in (*REFERENCES, *OTHERS):
        shifts = [scan.shift if scan in REFERENCES else rng.uniform(0, scan.increment) for _ in rods]
        series = [
            slice_rod(rod, replace(scan, shift=shift), noise_hu, rng) for rod, shift in zip(rods, shifts, strict=True)
        ]
        scores["slabs", scan] = math.fsum(sum_agatston(as_slabs(volume)) for volume in series)
        scores["slices", scan] = math.fsum(sum_agatston(volume) for volume in series)
    return scores


def make_rod(rng: np.random.Generator) -> Floats:
    """HU that a rod of calcium adds, (z, y, x) in fine slices: 1.5 to 4.5 mm thick, of random length and direction."""
    diameter = rng.uniform(1.5, 4.5)
    half = rng.exponential(6.0) / 2
    peak, along = rng.uniform(350.0, 1200.0), rng.normal(size=3)
    along /= np.linalg.norm(along)
    line = (np.arange(SIDE) - SIDE / 2) * PIXEL_MM
    place = np.stack(np.meshgrid((np.arange(DEPTH) - DEPTH / 2) * FINE_MM, line, line, indexing="ij"))
    reach = np.clip(np.tensordot(along, place, 1), -half, half)
    away = np.linalg.norm(place - along[:, None, None, None] * reach, axis=0)
    solid = peak * np.clip((diameter / 2 - away) / FINE_MM + 0.5, 0, 1)
    blur = KERNEL_FWHM_MM / 2.3548 / PIXEL_MM
    return np.asarray(ndimage.gaussian_filter(solid, (0, blur, blur)), dtype=np.float32)


def slice_rod(rod: Floats, scan: Scan, noise_hu: float, rng: np.random.Generator) -> Volume:
    """The slices of a rod in fat, with noise."""
    thickness, step, first = (round(mm / FINE_MM) for mm in (scan.thickness, scan.increment, scan.shift))
    hu = FAT_HU + np.array([rod[low : low + thickness].mean(axis=0) for low in range(first, DEPTH - thickness, step)])
    grain = ndimage.gaussian_filter(rng.standard_normal(hu.shape), (0, GRAIN, GRAIN))
    # slices that overlap share noise: each is the mean of the grain of its parts
    shared = max(1, round(scan.thickness / scan.increment))
    grain = ndimage.uniform_filter1d(grain, shared, axis=0)
    hu = np.rint(hu + scan.noise_hu(noise_hu) * grain / grain.std()).astype(np.int16)
    spacing = (scan.increment, PIXEL_MM, PIXEL_MM)
    return Volume(hu, spacing, (0.0, 0.0, 0.0), AXES, (), thickness_mm=scan.thickness)


def as_slabs(volume: Volume) -> Volume:
    """The volume as it is scored."""
    return average_slices(volume, choose_count(volume.spacing_mm[0], volume.thickness_mm))


def sum_agatston(volume: Volume, mask: NDArray[np.bool_] | None = None) -> float:
    """Agatston of everything in a volume, or inside a mask."""
    return math.fsum(item.agatston for item in agatston.candidates(volume, conventions.named("standard"), mask))


def measure_phantom(seed: int, noise_hu: float, matrix: int) -> Scores:
    """Every scan of a synthetic patient."""
    scores: Scores = {}
    for scan in (*REFERENCES, *OF_PHANTOMS):
        spec = build_spec(seed, scan, noise_hu, matrix)
        made, without = make_phantom(spec), make_phantom(replace(spec, calcifications=()))
        with tempfile.TemporaryDirectory(prefix="thickness-") as folder:
            score = engine.score([write_series(made, Path(folder))[0].parent])
        scores["software", scan] = math.nan if score.agatston is None else score.agatston.total
        calcium = made.hu != without.hu
        volume = Volume(made.hu, made.spacing_mm, made.origin_mm, made.axes, (), thickness_mm=scan.thickness)
        slabs = as_slabs(volume)
        scores["slabs", scan] = sum_agatston(slabs, reduce_labels(calcium.astype(np.uint8), slabs) > 0)
        scores["slices", scan] = sum_agatston(volume, calcium)
    return scores


def build_spec(seed: int, scan: Scan, noise_hu: float, matrix: int) -> PhantomSpec:
    """A gated scan of the patient, without metal, tilt and motion, with the noise of the dose."""
    drawn = draw(seed, matrix)
    return replace(
        drawn,
        slice_thickness_mm=scan.thickness,
        slice_increment_mm=scan.increment,
        slice_profile="rectangular",
        z_offset_mm=scan.shift,
        above_left_main_mm=36.0,
        below_left_main_mm=114.0,
        field_of_view_mm=210.0,
        noise_sd_hu=scan.noise_hu(noise_hu),
        noise_texture="standard",
        streak_noise_hu=0.0,
        kvp=120,
        kernel_fwhm_mm=1.0,
        edge_enhancement=0.0,
        motion_mm=0.0,
        gantry_tilt_deg=0.0,
        gated=True,
        distractors=tuple(kind for kind in drawn.distractor_kinds if kind not in METAL),
    )


def describe(way: str, scan: Scan, patients: Sequence[Scores]) -> list[str]:
    """Row of one scan in one way."""
    ratios, same, refused = [], 0, 0
    for scores in patients:
        value = scores[way, scan]
        usual = [known for item in REFERENCES if math.isfinite(known := scores[way, item])]
        if math.isnan(value) or not usual:
            refused += 1
            continue
        reference = float(np.mean(usual))
        same += categorise(value, any_lesion=value > 0) == categorise(reference, any_lesion=reference > 0)
        if reference >= LEAST:
            ratios.append(value / reference)
    low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9)) if ratios else (math.nan,) * 3
    return [
        *(number(float(ratio), 2) for ratio in (low, middle, high)),
        share(same, len(patients) - refused),
        str(refused),
    ]


def collect(work: Callable[[int], Scores], seeds: range, jobs: int) -> list[Scores]:
    """The scores of every patient; a patient that fails is named and left out."""
    patients = []
    for seed, result in workers.results(work, seeds, jobs, "patients"):
        if isinstance(result, dict):
            patients.append(result)
        else:
            print(f"patient {seed}: {type(result).__name__}: {result}")
    return patients


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rods", type=int, default=0, metavar="N", help="number of patients of rods")
    parser.add_argument("--phantoms", type=int, default=0, metavar="N", help="number of synthetic patients")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, metavar="SEED", help="[default: 100000]")
    parser.add_argument("--noise", type=float, default=12.0, metavar="HU", help="at 3 mm [default: 12]")
    parser.add_argument("--matrix", type=int, default=256, metavar="M", help="rows and columns [default: 256]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes [default: 1]")
    args = parser.parse_args()
    first = args.first_seed
    rods = collect(partial(measure_rods, noise_hu=args.noise), range(first, first + args.rods), args.jobs)
    whole = partial(measure_phantom, noise_hu=args.noise, matrix=args.matrix)
    phantoms = collect(whole, range(first, first + args.phantoms), args.jobs)
    kinds = (
        ("rods", rods, OTHERS, ("slabs", "slices")),
        ("phantoms", phantoms, OF_PHANTOMS, ("slabs", "slices", "software")),
    )
    for kind, patients, scans, ways in kinds:
        for way in ways if patients else ():
            rows = [[str(scan), *describe(way, scan, patients)] for scan in (*REFERENCES, *scans)]
            print(f"\n{way}, {len(patients)} {kind}\n")
            print(table(["Scan", "p10", "p50", "p90", "same category", "refused"], rows))


if __name__ == "__main__":
    main()
