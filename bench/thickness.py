"""The same patient in slices of other thicknesses: does the score stay the same?

Each phantom is scanned at 3 mm with slices that begin at three places, whose mean is the reference, and at other
thicknesses with the same dose: the noise is that of `--noise` at 3 mm, times the root of 3 mm / thickness. The spread
of the 3 mm scans is what the phase of the slices alone does. Each scan is scored in three ways:

    slabs       the calcium alone, known from the same scan without it, on the slices that are scored
    slices      the same on the slices as they are, as version 0.1.0 did
    whole       by the software, from files

    python bench/thickness.py --phantoms 20 --noise 12 --jobs 2

Rows give quantiles of the ratio to the reference over the patients with a reference of 10 and more, the share of
patients with the reference's category, and how many are refused. Seeds from 100,000 on are for measuring alone.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from evaluation import workers
from evaluation.table import number, share, table
from numpy.typing import NDArray

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

ADDED_HU: Final = 1
"""A voxel holds calcium where it adds this much."""


@dataclass(frozen=True)
class Scan:
    """Thickness and increment of a scan, and how far it is shifted, mm."""

    thickness: float
    increment: float
    shift: float = 0.0

    @property
    def is_reference(self) -> bool:
        """True for contiguous slices of 3 mm."""
        return self.thickness == self.increment == REFERENCE_MM

    def __str__(self) -> str:
        """Name in the table."""
        shifted = f", shifted by {self.shift:g} mm" if self.shift else ""
        return f"{self.thickness:g} mm every {self.increment:g} mm{shifted}"


REFERENCES: Final = tuple(Scan(REFERENCE_MM, REFERENCE_MM, shift) for shift in (0.0, 1.0, 2.0))
OTHERS: Final = (Scan(1.0, 1.0), Scan(1.5, 1.5), Scan(3.0, 1.5), Scan(2.0, 2.0), Scan(5.0, 5.0))


@dataclass(frozen=True)
class Measured:
    """One scan of one patient: Agatston in the three ways, NaN where refused, and the code of the reason."""

    slabs: float
    slices: float
    whole: float
    reason: str


def measure(seed: int, noise_hu: float, matrix: int) -> dict[Scan, Measured]:
    """Every scan of the patient of a seed."""
    return {scan: measure_scan(build_spec(seed, scan, noise_hu, matrix)) for scan in (*REFERENCES, *OTHERS)}


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
        noise_sd_hu=noise_hu * math.sqrt(REFERENCE_MM / scan.thickness),
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


def measure_scan(spec: PhantomSpec) -> Measured:
    """Score one scan in the three ways."""
    made, without = make_phantom(spec), make_phantom(replace(spec, calcifications=()))
    with tempfile.TemporaryDirectory(prefix="thickness-") as folder:
        score = engine.score([write_series(made, Path(folder))[0].parent])
    calcium = np.abs(made.hu.astype(np.int32) - without.hu) >= ADDED_HU
    volume = Volume(made.hu, made.spacing_mm, made.origin_mm, made.axes, (), thickness_mm=spec.slice_thickness_mm)
    slabs = average_slices(volume, choose_count(volume.spacing_mm[0], volume.thickness_mm))
    return Measured(
        slabs=sum_agatston(slabs, reduce_labels(calcium.astype(np.uint8), slabs) > 0),
        slices=sum_agatston(volume, calcium),
        whole=math.nan if score.agatston is None else score.agatston.total,
        reason=score.reason_code or "",
    )


def sum_agatston(volume: Volume, mask: NDArray[np.bool_]) -> float:
    """Agatston of everything inside a mask."""
    return math.fsum(item.agatston for item in agatston.candidates(volume, conventions.named("standard"), mask))


def describe(scan: Scan, patients: Sequence[dict[Scan, Measured]], way: str) -> list[str]:
    """Row of one scan in one way."""
    ratios, same, scored, refused = [], 0, 0, 0
    for patient in patients:
        value = getattr(patient[scan], way)
        usual = [known for item in REFERENCES if math.isfinite(known := getattr(patient[item], way))]
        if math.isnan(value) or not usual:
            refused += math.isnan(value)
            continue
        reference = float(np.mean(usual))
        scored += 1
        same += categorise(value, any_lesion=value > 0) == categorise(reference, any_lesion=reference > 0)
        if reference >= LEAST:
            ratios.append(value / reference)
    low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9)) if ratios else (math.nan,) * 3
    return [number(low, 2), number(middle, 2), number(high, 2), share(same, scored), str(refused)]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=20, metavar="N", help="number of patients [default: 20]")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, metavar="SEED", help="[default: 100000]")
    parser.add_argument("--noise", type=float, default=12.0, metavar="HU", help="at 3 mm [default: 12]")
    parser.add_argument("--matrix", type=int, default=256, metavar="M", help="rows and columns [default: 256]")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes [default: 1]")
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.phantoms)
    work = partial(measure, noise_hu=args.noise, matrix=args.matrix)
    patients: list[dict[Scan, Measured]] = []
    for seed, result in workers.results(work, seeds, args.jobs, "patients"):
        if isinstance(result, dict):
            patients.append(result)
        else:
            print(f"phantom {seed}: {type(result).__name__}: {result}")
    for way in ("slabs", "slices", "whole"):
        print(f"\n{way}\n")
        rows = [[str(scan), *describe(scan, patients, way)] for scan in (*REFERENCES, *OTHERS)]
        print(table(["Scan", "p10", "p50", "p90", "same category", "refused"], rows))


if __name__ == "__main__":
    main()
