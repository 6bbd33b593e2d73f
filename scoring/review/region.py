"""A region: voxels that count, or do not, as one lesion, and what they measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from scoring.candidates.agatston import Candidate
from scoring.judgement import totals
from scoring.judgement.naming.parts import weigh
from scoring.judgement.naming.pieces import label_components
from scoring.judgement.totals import Finding
from scoring.result import Artery, Lesion, RejectedCandidate, Score, Statement
from scoring.review.scan import Scan

Origin = Literal["automatic", "candidate", "added", "split"]

REVIEWED: Final = 1.0
"""Confidence of a lesion that a reader has reviewed."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One lesion, or one candidate that does not count.

    `id` is its name in the review: the number of an automatic lesion, C and the number of an automatic candidate, A and
    the number of the edit that added it, and for a part of one that was split (its `parent`) a letter more.
    `confidence` and `reason` are the automatic ones. `voxels` are indices (z, y, x), (n, 3), sorted; `shares` (n,) the
    Agatston score that each contributes; `whole` is what they measure. `trimmed` are the slices of the volume whose
    voxels a reader has taken out; `measured` is what the rest measures. An automatic lesion that nobody cut measures
    what it did.
    """

    id: str
    origin: Origin
    counted: bool
    artery: Artery | None
    confidence: float | None
    reason: Statement | None
    voxels: NDArray[np.int32]
    shares: NDArray[np.float64]
    voxel_mm3: float
    whole: Lesion
    measured: Lesion
    trimmed: frozenset[int] = frozenset()
    parent: str = ""

    @property
    def root(self) -> str:
        """Name of the region that this one is, or of which it is a part."""
        return self.id.rstrip("ab")

    @property
    def is_drawable(self) -> bool:
        """False for a candidate of an earlier version's result, which says no voxels."""
        return len(self.voxels) > 0

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which voxels a reader has not taken out, (n,)."""
        return ~np.isin(self.voxels[:, 0], sorted(self.trimmed))


Regions: TypeAlias = tuple[Region, ...]


def list_regions(scan: Scan, automatic: Score) -> Regions:
    """The regions of an automatic result, before any edit: its lesions, then its uncounted candidates."""
    lesions = [_take_lesion(scan, item) for item in automatic.lesions]
    return (*lesions, *(_take_candidate(scan, item) for item in automatic.rejected))


def add_region(scan: Scan, name: str, candidate: Candidate, artery: Artery) -> Region:
    """A region that was not in the result, from a candidate of the volume or a part of one."""
    measured = _describe(scan, candidate, artery)
    return Region(
        name,
        "added",
        counted=True,
        artery=artery,
        confidence=None,
        reason=None,
        voxels=candidate.voxels,
        shares=share_out(scan, candidate.voxels, candidate.agatston),
        voxel_mm3=candidate.volume_mm3 / len(candidate.voxels),
        whole=measured,
        measured=measured,
    )


def divide_region(scan: Scan, region: Region, number: NDArray[np.intp], names: Sequence[str]) -> list[Region]:
    """The parts of a region by `number` (n,), from 0, still to be measured; their scores add up to its own.

    A component of a slice that is cut keeps its score; its parts share that in proportion to their own area x weight of
    their own maximum, as where a lesion lies in two arteries (`judgement.naming.parts`).
    """
    shares = divide_shares(scan, region.voxels, region.shares, number)
    parts = []
    for index, name in enumerate(names):
        chosen = number == index
        voxels = region.voxels[chosen]
        part = replace(
            region,
            id=name,
            origin="split",
            voxels=voxels,
            shares=shares[chosen],
            trimmed=region.trimmed & frozenset(np.unique(voxels[:, 0]).tolist()),
            parent=region.id,
        )
        parts.append(replace(part, whole=_measure(scan, part, np.ones(len(voxels), dtype=bool))))
    return parts


def measure_again(scan: Scan, region: Region) -> Region:
    """The region with the values of what is left of it, which must be something."""
    if not region.trimmed:
        return replace(region, measured=region.whole)
    return replace(region, measured=_measure(scan, region, region.kept))


def _measure(scan: Scan, region: Region, chosen: NDArray[np.bool_]) -> Lesion:
    voxels, score = region.voxels[chosen], float(region.shares[chosen].sum())
    return _describe(scan, build_candidate(scan, voxels, score, region.voxel_mm3), region.artery)


def _describe(scan: Scan, candidate: Candidate, artery: Artery | None) -> Lesion:
    finding = Finding(candidate, counted=True, artery=artery, confidence=REVIEWED)
    return totals.build_lesion(0, scan.volume, finding, scan.factor, scan.convention.threshold_hu)


def build_candidate(scan: Scan, voxels: NDArray[np.int32], agatston: float, voxel_mm3: float) -> Candidate:
    """A candidate of these voxels (n, 3), whose score is known."""
    hu = scan.volume.hu[tuple(voxels.T)]
    x, y, z = scan.volume.to_patient(voxels.astype(np.float64)).mean(axis=0).tolist()
    return Candidate(
        id=0,
        voxels=voxels,
        agatston=agatston,
        volume_mm3=voxel_mm3 * len(voxels),
        max_hu=float(hu.max()),
        mean_hu=float(hu.mean()),
        centroid_mm=(x, y, z),
    )


def share_out(scan: Scan, voxels: NDArray[np.int32], agatston: float) -> NDArray[np.float64]:
    """The score that each voxel (n, 3) of a lesion contributes: its component's, shared equally."""
    component = label_components(scan.convention, voxels)
    count = int(component.max()) + 1
    pixels = np.bincount(component, minlength=count)
    own = weigh(scan.convention, scan.volume.hu[tuple(voxels.T)], component, count)
    return np.asarray((own / own.sum() * agatston / pixels)[component])


def divide_shares(
    scan: Scan, voxels: NDArray[np.int32], shares: NDArray[np.float64], number: NDArray[np.intp]
) -> NDArray[np.float64]:
    """The score that each voxel (n, 3) contributes once the parts `number` (n,) are lesions of their own."""
    component = label_components(scan.convention, voxels)
    whole = np.bincount(component, weights=shares)
    parts = int(number.max()) + 1
    place = component * parts + number
    count = len(whole) * parts
    own = weigh(scan.convention, scan.volume.hu[tuple(voxels.T)], place, count).reshape(-1, parts)
    pixels = np.maximum(np.bincount(place, minlength=count), 1)
    each = own / own.sum(axis=1, keepdims=True) * whole[:, None]
    return np.asarray((each.reshape(-1) / pixels)[place])


def _take_lesion(scan: Scan, lesion: Lesion) -> Region:
    voxels = scan.expand(lesion.runs)
    return Region(
        str(lesion.id),
        "automatic",
        counted=True,
        artery=lesion.artery,
        confidence=lesion.confidence,
        reason=None,
        voxels=voxels,
        shares=share_out(scan, voxels, lesion.agatston),
        voxel_mm3=lesion.volume_mm3 / len(voxels),
        whole=lesion,
        measured=lesion,
    )


def _take_candidate(scan: Scan, item: RejectedCandidate) -> Region:
    voxels = scan.expand(item.runs)
    if len(voxels):
        candidate = build_candidate(scan, voxels, item.agatston, item.volume_mm3 / len(voxels))
        measured = _describe(scan, candidate, item.artery)
        shares = share_out(scan, voxels, item.agatston)
    else:
        measured = Lesion(
            0, None, item.confidence, item.agatston, item.volume_mm3, None, item.max_hu, item.max_hu, item.centroid_mm,
            item.slices,
        )  # fmt: skip
        shares = np.zeros(0)
    return Region(
        f"C{item.id}",
        "candidate",
        counted=False,
        artery=item.artery,
        confidence=item.confidence,
        reason=item.reason,
        voxels=voxels,
        shares=shares,
        voxel_mm3=item.volume_mm3 / max(len(voxels), 1),
        whole=measured,
        measured=measured,
    )
