"""From judged candidates to lesions, totals, the range in which the total lies, and what was not counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.candidates import components
from scoring.candidates.agatston import Candidate
from scoring.images.volume import StoredOrder, Volume
from scoring.judgement import doubt, integrated, mass
from scoring.judgement.doubt import Doubtful
from scoring.judgement.mass import MassFactor
from scoring.result import (
    ARTERIES,
    POSSIBLE,
    SURE,
    Artery,
    ArteryValues,
    Lesion,
    Range,
    RejectedCandidate,
    Statement,
)
from scoring.risk.spread import estimate_spread

# a longer list would hide what matters in it
MOST_REJECTED: Final = 50


@dataclass(frozen=True, slots=True)
class Finding:
    """A candidate with the decision about it; `confidence` (0 to 1, to three digits) is that it is coronary.

    `reason` is the code of what speaks against it, empty where there is no doubt; `alternative` is the code of what it
    would be otherwise.
    """

    candidate: Candidate
    counted: bool
    artery: Artery | None
    confidence: float
    reason: str = ""
    alternative: str = ""


def build_lesions(
    volume: Volume, findings: Sequence[Finding], factor: MassFactor | None, threshold_hu: float
) -> tuple[Lesion, ...]:
    """The counted findings as lesions, numbered from 1 in the order of their first voxel.

    `threshold_hu` is the one that the candidates were found with.
    """
    counted = sorted(
        (item for item in findings if item.counted), key=lambda item: tuple(item.candidate.voxels[0].tolist())
    )
    return tuple(
        build_lesion(number, volume, item, factor, threshold_hu) for number, item in enumerate(counted, start=1)
    )


def sum_by_artery(lesions: Sequence[Lesion], quantity: str, digits: int) -> ArteryValues:
    """Total and share of each artery of one quantity of the lesions, a field's name; None counts as 0."""
    total = math.fsum(getattr(item, quantity) or 0.0 for item in lesions)
    shares = {
        artery: math.fsum(getattr(item, quantity) or 0.0 for item in lesions if item.artery == artery)
        for artery in ARTERIES
    }
    return ArteryValues(round(total, digits), **{artery: round(share, digits) for artery, share in shares.items()})


def compute_range(findings: Sequence[Finding], spacing_mm: float) -> Range:
    """The range that holds nine of ten totals, and how many findings are uncertain.

    Uncertain is what is counted but not certain, or possible but not counted. `spacing_mm` is that of the slices.
    """
    return bound_total(
        [
            Doubtful(
                round(item.candidate.agatston, 4), item.confidence, item.counted, f"{item.artery} {item.alternative}"
            )
            for item in findings
        ],
        spacing_mm,
    )


def bound_total(items: Sequence[Doubtful], spacing_mm: float) -> Range:
    """`compute_range` of candidates that are known only as far as the range is concerned."""
    low, high = doubt.find_range(items, lambda agatston: estimate_spread(agatston, spacing_mm))
    # of rounded scores, as the sum of the lesions is
    total = round(math.fsum(item.agatston for item in items if item.counted), 4)
    return Range(
        low=min(round(low, 1), total),
        high=max(round(high, 1), total),
        doubtful=sum(item.counted and item.confidence < SURE for item in items),
        left_out=sum(not item.counted and item.confidence >= POSSIBLE for item in items),
    )


def list_rejected(
    volume: Volume, findings: Sequence[Finding], near: Sequence[bool], most: int = MOST_REJECTED
) -> tuple[tuple[RejectedCandidate, ...], int]:
    """The findings not counted though possible or `near` the heart, largest Agatston first, and the number left out.

    `near` has one value a finding. Beyond `most`, those that the range does not include are left out first.
    """
    matter = [
        item
        for item, close in zip(findings, near, strict=True)
        if not item.counted and (close or item.confidence >= POSSIBLE)
    ]
    matter.sort(key=lambda item: (-item.candidate.agatston, tuple(item.candidate.voxels[0].tolist())))
    kept = sorted(range(len(matter)), key=lambda index: (matter[index].confidence < POSSIBLE, index))[:most]
    listed = tuple(_build_rejected(volume, number, matter[index]) for number, index in enumerate(sorted(kept), start=1))
    return listed, len(matter) - len(listed)


def build_lesion(
    number: int, volume: Volume, finding: Finding, factor: MassFactor | None, threshold_hu: float
) -> Lesion:
    """One finding as a lesion, its values rounded as in every result; `threshold_hu` as in `build_lesions`."""
    candidate = finding.candidate
    own_mass = whole_mass = None
    if factor is not None:
        own_mass = round(mass.compute_mass_mg(factor, candidate.mean_hu * candidate.volume_mm3), 4)
        excess = integrated.integrate(volume, candidate.voxels, threshold_hu)
        whole_mass = round(mass.compute_mass_mg(factor, excess), 4)
    sections = _slices(volume, candidate)
    return Lesion(
        id=number,
        artery=finding.artery,
        confidence=finding.confidence,
        agatston=round(candidate.agatston, 4),
        volume_mm3=round(candidate.volume_mm3, 3),
        mass_mg=own_mass,
        mass_integrated_mg=whole_mass,
        max_hu=candidate.max_hu,
        mean_hu=round(candidate.mean_hu, 2),
        centroid_mm=_centroid(candidate),
        slices=sections,
        images=tuple(volume.source.images[z] for z in sections),
        runs=find_stored_runs(volume, candidate),
    )


def _build_rejected(volume: Volume, number: int, finding: Finding) -> RejectedCandidate:
    candidate = finding.candidate
    sections = _slices(volume, candidate)
    return RejectedCandidate(
        id=number,
        agatston=round(candidate.agatston, 4),
        volume_mm3=round(candidate.volume_mm3, 3),
        max_hu=candidate.max_hu,
        centroid_mm=_centroid(candidate),
        slices=sections,
        confidence=finding.confidence,
        reason=Statement(finding.reason),
        artery=finding.artery,
        images=tuple(volume.source.images[z] for z in sections),
        runs=find_stored_runs(volume, candidate),
    )


def _slices(volume: Volume, candidate: Candidate) -> tuple[int, ...]:
    return tuple(image for z in np.unique(candidate.voxels[:, 0]).tolist() for image in volume.sources(z))


def _centroid(candidate: Candidate) -> tuple[float, float, float]:
    # no negative zero in the JSON
    x, y, z = (round(coordinate, 2) + 0.0 for coordinate in candidate.centroid_mm)
    return x, y, z


def find_stored_runs(volume: Volume, candidate: Candidate) -> tuple[tuple[int, int, int, int], ...]:
    """The voxels of a candidate as (slice, stored row, first stored column, length), as in `Lesion.runs`."""
    depth, height, width = volume.hu.shape
    order = volume.stored or StoredOrder(height, width)
    stored = order.to_stored(candidate.voxels)
    shape = (depth, order.rows, order.columns)
    flat = np.sort(np.ravel_multi_index((stored[:, 0], stored[:, 1], stored[:, 2]), shape))
    runs = components.find_runs(flat, shape)
    found = zip(runs.z.tolist(), runs.y.tolist(), runs.start.tolist(), runs.length.tolist(), strict=True)
    if volume.slabs is None:
        return tuple(found)
    return tuple(sorted((image, *run) for z, *run in found for image in volume.sources(z)))
