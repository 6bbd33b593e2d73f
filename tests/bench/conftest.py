"""The package of the benchmarks, and hand-made truths and scores of phantoms."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scoring.phantom import Truth
from scoring.phantom.truth import DistractorTruth, LesionTruth
from scoring.result import (
    ArteryValues,
    Flag,
    ImageRef,
    Lesion,
    Provenance,
    RejectedCandidate,
    Score,
    SeriesInfo,
    Statement,
)

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="session")
def part() -> Iterator[Callable[[str], Any]]:
    """Import a module of bench/evaluation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        yield lambda name: importlib.import_module(f"evaluation.{name}")


def calcification(artery, centre, agatston, length=4.0, diameter=2.0) -> LesionTruth:
    return LesionTruth(artery, centre, diameter, length, 600.0, agatston, agatston, agatston, agatston / 4)


def values(items, name="agatston") -> ArteryValues:
    sums = {a: sum(getattr(x, name) for x in items if x.artery == a) for a in ("LM", "LAD", "LCX", "RCA")}
    return ArteryValues(sum(sums.values()), **sums)


def truth(*lesions, distractors=(), category="1-100", seed=100_000, refusal=None) -> Truth:
    masses = values(lesions, "mass_mg")
    total = values(lesions)
    foreign = tuple(DistractorTruth(kind, centre) for kind, centre in distractors)
    return Truth(seed, lesions, total, total, total, masses, category, 0.8, (0.0, 0.0, 0.0), foreign, refusal)


def counted(artery, centre, agatston, confidence=0.9, runs=()) -> Lesion:
    slices = tuple(sorted({run[0] for run in runs}))
    images = tuple(ImageRef(z, f"1.{z}") for z in slices)
    return Lesion(1, artery, confidence, agatston, agatston, agatston / 4, 500.0, 300.0, centre, slices, images, runs)


def not_counted(centre, agatston, confidence) -> RejectedCandidate:
    return RejectedCandidate(1, agatston, agatston, 300.0, centre, (0,), confidence, Statement("outside_heart"))


def score(*lesions, category="1-100", refused=None, rejected=(), span=None) -> Score:
    total = values(lesions)
    scored = refused is None
    return Score(
        status="scored" if scored else "not_scorable",
        reason=refused,
        reason_code=refused,
        series=SeriesInfo("1.2", "1.2.3", 40, 512, 512, (3.0, 0.5, 0.5)),
        agatston=total if scored else None,
        agatston_range=(span or (total.total, total.total)) if scored else None,
        volume_mm3=total if scored else None,
        mass_mg=values(lesions, "mass_mg") if scored else None,
        lesions=lesions,
        category=category if scored else None,
        cac_drs="A1/N1" if scored else None,
        percentile=None,
        change=None,
        flags=() if scored else (Flag(refused, "reject", "why"),),
        provenance=Provenance("coronode", "0", "default", "standard", 130.0, 1.0, 8, "voxels"),
        rejected=rejected,
    )
