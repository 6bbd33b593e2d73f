"""From the files of a CT series to its `Score`: the only entry to scoring."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from config.errors import NotScorable
from config.settings import ScoringSettings, SelectionSettings
from dicom import elements
from dicom.process import configure_process
from scoring import plugins
from scoring.anatomy import Anatomy
from scoring.candidates import agatston, conventions, masks
from scoring.candidates.agatston import Candidate
from scoring.candidates.conventions import Convention
from scoring.images import acquisition, geometry, series, slices
from scoring.images import selection as rules
from scoring.images.volume import Volume
from scoring.judgement import arteries, mass, totals, verdicts
from scoring.judgement import flags as quality
from scoring.judgement.mass import MassFactor
from scoring.judgement.totals import Finding
from scoring.result import Artery, Flag, Provenance, RejectedCandidate, Score, SeriesInfo
from scoring.risk import context as risk
from scoring.risk import patient
from scoring.risk.context import Context

SOFTWARE: Final = "coronode"

_SCORING: Final = ScoringSettings()
_SELECTION: Final = SelectionSettings()
_CONTEXT: Final = Context()
# what is not counted is told where a reader would look for calcium: this close to the heart, this far off bone, and
# no skeleton; elsewhere what is not quite hopeless
_NEAR_HEART_MM: Final = 5.0
_OFF_BONE_MM: Final = 3.0
_NO_BONE_MM3: Final = 20_000.0
_FAINT: Final = 0.1


def score(
    files: Sequence[Path],
    settings: ScoringSettings = _SCORING,
    selection: SelectionSettings = _SELECTION,
    *,
    context: Context = _CONTEXT,
    mask: Path | None = None,
    version: str | None = None,
) -> Score:
    """Score one series, given as files and folders in any order; what is no image is ignored.

    With `mask` (DICOM SEG or NIfTI) every voxel at or above the threshold inside it counts, artery by artery,
    and no anatomy is looked for. `context` is what images do not say of the patient. A series that cannot be scored
    gives a `Score` that says why. `version` is the software's, by default that of the installed distribution.

    The first call makes pydicom's settings for the whole process, if its own start has not (see `dicom.process`).

    Raises ConfigurationError when the mask, the configured engine or the site's own population cannot be used,
    FileNotFoundError when a path does not exist.
    """
    configure_process()
    engine = settings.engine if mask is None else "mask"
    made = _provenance(conventions.named(settings.convention), engine, version)
    finder = plugins.finder(settings.engine) if mask is None else None
    info, header = series.UNKNOWN, Dataset()
    flags: list[Flag] = []
    try:
        found = [item for path in elements.find(files) for item in slices.read(path)]
        info = series.info(found) if found else info
        kept, left_out = rules.images(found)
        info = series.info(kept)
        stack = geometry.stack(kept)
        facts = acquisition.of(stack.slices[len(stack.slices) // 2])
        info, header = series.info(stack.slices, stack, facts), facts.header
        convention = conventions.named(settings.convention, facts.kvp, facts.kernel)
        factor = mass.factor(facts, settings)
        made = _provenance(convention, engine, version, factor, stack.spacing_mm[1] * stack.spacing_mm[2])
        flags = quality.scan_flags(stack, facts, convention, factor, left_out)
        if finder is not None:
            rules.check_header(facts)
        rules.check_geometry(stack, selection, whole_heart=finder is not None)
        volume = geometry.volume(stack)
        if finder is not None:
            anatomy = finder(volume)
            # engines of others need no weights
            made = dataclasses.replace(made, weights=getattr(anatomy, "weights", "") or None)
            flags.extend(anatomy.flags)
            findings, near = _judged(volume, convention, anatomy)
        else:
            findings = _masked(
                volume, convention, masks.load(mask or Path(), volume, info.frame_of_reference_uid or "")
            )
            near = [False] * len(findings)
    except NotScorable as verdict:
        result = _refused(verdict, info, flags, made)
    else:
        told = totals.rejected(findings, near)
        result = _scored(volume, findings, factor, told, info=info, flags=flags, made=made)
    return risk.in_context(result, patient.of(header, context.settings, context.patient), context)


def _judged(volume: Volume, convention: Convention, anatomy: Anatomy) -> tuple[list[Finding], list[bool]]:
    """The findings, and which of them a reader would look at, noise not among them."""
    _refuse_gap(volume, *anatomy.heart_slices)
    judged = verdicts.judge(volume, anatomy, agatston.candidates(volume, convention))
    findings = [
        # rounded first, and down, so that range and decision follow from the confidences of the result
        Finding(part, item.counted, artery, math.floor(item.confidence * 1000) / 1000, item.reason)
        for item in judged
        for artery, part in _parted(volume, convention, anatomy, item)
    ]
    at_heart = _at_heart(volume, anatomy, findings)
    near = [
        item.reason != verdicts.NOISE and (bool(place) or item.confidence >= _FAINT)
        for item, place in zip(findings, at_heart, strict=True)
    ]
    return findings, near


def _parted(
    volume: Volume, convention: Convention, anatomy: Anatomy, verdict: verdicts.Verdict
) -> list[tuple[Artery, Candidate]]:
    if not verdict.counted:
        return [(verdict.artery, verdict.candidate)]
    return arteries.parts(volume, convention, anatomy.heart, verdict.candidate)


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


def _masked(volume: Volume, convention: Convention, mask: masks.ArteryMask) -> list[Finding]:
    extent = mask.slices()
    if extent is not None:
        _refuse_gap(volume, *extent)
    return [
        Finding(candidate, counted=True, artery=artery, confidence=1.0)
        for artery, voxels in mask.parts()
        for candidate in agatston.candidates(volume, convention, voxels)
    ]


def _refuse_gap(volume: Volume, first: int, last: int) -> None:
    for gap in volume.gaps:
        if first - 1 <= gap.after <= last:
            raise NotScorable(
                "gap",
                f"{gap.missing} slice(s) missing within the heart, between slices {gap.after + 1} and {gap.after + 2}: "
                "send the whole series",
            )


def _scored(
    volume: Volume,
    findings: list[Finding],
    factor: MassFactor | None,
    told: tuple[tuple[RejectedCandidate, ...], int],
    *,
    info: SeriesInfo,
    flags: list[Flag],
    made: Provenance,
) -> Score:
    lesions = totals.lesions(volume, findings, factor)
    total = totals.sums(lesions, "agatston", digits=4)
    found = totals.bounds(findings)
    return Score(
        status="scored",
        reason=None,
        series=info,
        agatston=total,
        agatston_range=(found.low, found.high),
        volume_mm3=totals.sums(lesions, "volume_mm3", digits=3),
        mass_mg=None if factor is None else totals.sums(lesions, "mass_mg", digits=4),
        lesions=lesions,
        category=risk.category(total.total, any_lesion=bool(lesions)),
        cac_drs=risk.cac_drs(total.total, [item.artery for item in lesions]),
        percentile=None,
        change=None,
        flags=(*flags, *quality.result_flags(total, lesions, found)),
        provenance=made,
        rejected=told[0],
        rejected_left_out=told[1],
    )


def _refused(verdict: NotScorable, info: SeriesInfo, flags: list[Flag], made: Provenance) -> Score:
    return Score(
        status="not_scorable",
        reason=verdict.reason,
        series=info,
        agatston=None,
        agatston_range=None,
        volume_mm3=None,
        mass_mg=None,
        lesions=(),
        category=None,
        cac_drs=None,
        percentile=None,
        change=None,
        flags=(*(flag for flag in flags if flag.code != verdict.code), Flag(verdict.code, "reject", verdict.reason)),
        provenance=made,
    )


def _provenance(
    convention: Convention, engine: str, version: str | None, factor: MassFactor | None = None, pixel_mm2: float = 0.0
) -> Provenance:
    return Provenance(
        software=SOFTWARE,
        version=version if version is not None else importlib.metadata.version(SOFTWARE),
        engine=engine,
        convention=convention.name,
        threshold_hu=convention.threshold_hu,
        minimum_area_mm2=round(convention.minimum_mm2(pixel_mm2), 6),
        connectivity=convention.connectivity,
        volume_definition=convention.volume,
        mass_factor=None if factor is None or not math.isfinite(factor.value) else factor.value,
        mass_factor_origin=None if factor is None else factor.origin,
    )
