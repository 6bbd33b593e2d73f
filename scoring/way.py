"""The two ways from a volume to findings: by the anatomy that an engine locates, or by a mask.

volume -> where calcium can be (flags, weights of the nets) -> + convention -> findings
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from config.errors import NotScorable
from scoring.anatomy import Anatomy
from scoring.candidates import agatston, masks
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.candidates.masks import ArteryMask
from scoring.images.acquisition import Acquisition
from scoring.images.selection import check_header
from scoring.images.slabbing import reduce_labels
from scoring.images.volume import Volume
from scoring.judgement import arteries, mixture, verdicts
from scoring.judgement.calibration import Calibration
from scoring.judgement.hypotheses import NOISE
from scoring.judgement.totals import Finding
from scoring.judgement.verdicts import Verdict
from scoring.result import Artery, Flag

Finder = Callable[[Volume], Anatomy]

# An uncounted candidate is listed where a reader would look for calcium: this close to the heart, this far from
# bone, and not skeleton; elsewhere only with some chance of being coronary.
_NEAR_HEART_MM: Final = 5.0
_OFF_BONE_MM: Final = 3.0
_NO_BONE_MM3: Final = 20_000.0
_FAINT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings of a volume; `near` has a value for each: whether a reader would look at it although not counted."""

    findings: list[Finding]
    near: list[bool]


@dataclass(frozen=True, slots=True)
class Located:
    """A volume with the places where calcium counts; `weights` names the nets' weights, None without nets.

    `calibration` names the site's own weights of the judgement, None where the shipped ones decide.
    `judge` finds and judges the candidates by a convention, and raises NotScorable.
    """

    judge: Callable[[Convention], Judged]
    flags: tuple[Flag, ...] = ()
    weights: str | None = None
    calibration: str | None = None


class Way(Protocol):
    """A way to judge a volume. `whole_heart` means that the scan must cover the heart."""

    @property
    def engine(self) -> str:
        """Name in the provenance."""

    @property
    def whole_heart(self) -> bool:
        """True if the scan must be long enough to contain a heart."""

    def check(self, facts: Acquisition) -> None:
        """Raise NotScorable when the header rules this way out."""

    def locate(self, volume: Volume, frame_of_reference_uid: str) -> Located:
        """Locate the places where calcium counts. Raises NotScorable."""


@dataclass(frozen=True, slots=True)
class ByAnatomy:
    """Candidates are judged by where they lie in the anatomy that `finder` locates, by a site's own weights if any."""

    engine: str
    finder: Finder
    whole_heart: bool = True
    calibration: Calibration | None = None

    def check(self, facts: Acquisition) -> None:
        """Refuse a scan that the header calls contrast-enhanced."""
        check_header(facts)

    def locate(self, volume: Volume, frame_of_reference_uid: str) -> Located:  # noqa: ARG002
        """Locate the anatomy. Raises NotScorable.

        A calibration for other nets, or for another version's judgement, is not used, and a flag says so.
        """
        anatomy = self.finder(volume)
        # third-party engines need not have weights
        weights = getattr(anatomy, "weights", "") or None
        own, flags = self.calibration, anatomy.flags
        if own is not None and not own.suits(weights):
            flags = (*flags, Flag.build("calibration_outdated", "warning", calibration=own.label))
            own = None
        judge = functools.partial(_judge_by_anatomy, volume, anatomy, own)
        return Located(judge, flags, weights, None if own is None else own.label)


@dataclass(frozen=True, slots=True)
class ByMask:
    """Every voxel at or above the threshold inside a mask counts, artery by artery."""

    path: Path
    engine: str = "mask"
    whole_heart: bool = False

    def check(self, facts: Acquisition) -> None:
        """Accept any header: the person who drew the mask saw the images."""

    def locate(self, volume: Volume, frame_of_reference_uid: str) -> Located:
        """Lay the mask onto the volume. Raises NotScorable, and ConfigurationError when it cannot be read."""
        drawn = masks.load(self.path, volume.source, frame_of_reference_uid)
        mask = ArteryMask(reduce_labels(drawn.labels, volume))
        return Located(functools.partial(_count_in_mask, volume, mask))


def _judge_by_anatomy(
    volume: Volume, anatomy: Anatomy, calibration: Calibration | None, convention: Convention
) -> Judged:
    _refuse_gap(volume, *anatomy.heart_slices)
    candidates = mixture.part(volume, convention, anatomy.heart, agatston.candidates(volume, convention))
    judged = verdicts.judge(volume, anatomy, candidates, calibration)
    findings = [
        # rounded first, and down, so that range and decision follow from the confidences of the result
        Finding(part, item.counted, artery, math.floor(item.confidence * 1000) / 1000, item.reason, item.alternative)
        for item, parts in zip(judged, _divide(volume, convention, anatomy, judged), strict=True)
        for artery, part in parts
    ]
    _refuse_zero_of_cut_heart(anatomy, findings)
    at_heart = _at_heart(volume, anatomy, findings)
    near = [
        item.reason != NOISE and (bool(place) or item.confidence >= _FAINT)
        for item, place in zip(findings, at_heart, strict=True)
    ]
    return Judged(findings, near)


def _count_in_mask(volume: Volume, mask: ArteryMask, convention: Convention) -> Judged:
    extent = mask.slices()
    if extent is not None:
        _refuse_gap(volume, *extent)
    findings = [
        Finding(candidate, counted=True, artery=artery, confidence=1.0)
        for artery, voxels in mask.parts()
        for candidate in agatston.candidates(volume, convention, voxels)
    ]
    return Judged(findings, [False] * len(findings))


def _divide(
    volume: Volume, convention: Convention, anatomy: Anatomy, judged: Sequence[Verdict]
) -> list[list[tuple[Artery, Candidate]]]:
    """The parts of the counted candidates by artery, which are named together; any other as it is."""
    counted = [item.candidate for item in judged if item.counted]
    parts = iter(arteries.divide(volume, convention, anatomy.heart, counted))
    return [next(parts) if item.counted else [(item.artery, item.candidate)] for item in judged]


def _at_heart(volume: Volume, anatomy: Anatomy, findings: Sequence[Finding]) -> NDArray[np.bool_]:
    if not findings:
        return np.zeros(0, dtype=bool)
    index = volume.to_index(np.asarray([item.candidate.centroid_mm for item in findings]))
    points = index * np.asarray(volume.spacing_mm)
    first, last = anatomy.heart_slices
    return np.asarray(
        (index[:, 0] >= first - 0.5)
        & (index[:, 0] <= last + 0.5)
        & (anatomy.chest.body.at(points) <= _NEAR_HEART_MM)
        & (anatomy.chest.bone.at(points) >= _OFF_BONE_MM)
        & (np.asarray([item.candidate.volume_mm3 for item in findings]) < _NO_BONE_MM3)
    )


def _refuse_zero_of_cut_heart(anatomy: Anatomy, findings: Sequence[Finding]) -> None:
    """Refuse (heart_not_covered) a score of 0 of a heart that reaches below the images."""
    # third-party engines need not measure it
    cut_mm = getattr(anatomy, "cut_mm", 0.0)
    if cut_mm > 0 and not any(item.counted for item in findings):
        raise NotScorable("heart_not_covered", variant="zero", cut_mm=max(1, round(cut_mm)))


def _refuse_gap(volume: Volume, first: int, last: int) -> None:
    """Refuse (gap) when images are missing between slices `first` and `last`, or directly beside them."""
    end = len(volume.hu) - 1
    lowest, highest = volume.sources(min(max(first, 0), end))[0], volume.sources(min(last, end))[-1]
    for gap in volume.source.gaps:
        if lowest - 1 <= gap.after <= highest:
            raise NotScorable("gap", count=gap.missing, after=gap.after + 1, before=gap.after + 2)
