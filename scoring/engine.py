"""From the files of a CT series to its `Score`: the only entry to scoring."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset

from config.errors import NotScorable
from config.settings import ScoringSettings, SelectionSettings
from dicom import elements
from dicom.process import configure_process
from scoring import plugins
from scoring.candidates import conventions
from scoring.candidates.conventions import Convention
from scoring.images import acquisition, geometry, series, slabbing, slices
from scoring.images.acquisition import Acquisition
from scoring.images.gate import fitness
from scoring.images.gate.slabs import check_slabs
from scoring.images.geometry import Stack
from scoring.images.selection import LeftOut, check_geometry, select_images
from scoring.images.volume import Volume
from scoring.judgement import integrated, mass, totals
from scoring.judgement.calibration import Calibration
from scoring.judgement.category import categorise, format_cac_drs
from scoring.judgement.flags import flag_result, flag_scan
from scoring.judgement.mass import MassFactor
from scoring.report.common.catalogue import in_language
from scoring.report.common.header_flags import add_header_flags
from scoring.report.common.texts import load_english
from scoring.result import Flag, Provenance, Score, SeriesInfo
from scoring.risk import patient
from scoring.risk.context import Context, add_context
from scoring.way import ByAnatomy, ByMask, Finder, Judged, Way

SOFTWARE: Final = "coronode"

_SCORING: Final = ScoringSettings()
_SELECTION: Final = SelectionSettings()
_CONTEXT: Final = Context()


def score(
    files: Sequence[Path],
    settings: ScoringSettings = _SCORING,
    selection: SelectionSettings = _SELECTION,
    *,
    context: Context = _CONTEXT,
    mask: Path | None = None,
    finder: Finder | None = None,
    calibration: Calibration | None = None,
    version: str | None = None,
) -> Score:
    """Score one series, given as files and folders in any order; files without an image are ignored.

    With `mask` (DICOM SEG or NIfTI) every voxel at or above the threshold inside it counts, artery by artery,
    and no anatomy is located; `finder` replaces the configured anatomy engine. `context` is what the images do not say
    about the patient, `calibration` the site's own weights of the judgement. A series that cannot be scored gives a
    `Score` that says why. `version` is the software's, by default that of the installed distribution.

    The first call makes pydicom's settings for the whole process, if its own start has not (see `dicom.process`).

    Raises ConfigurationError when the mask, the configured engine or the site's own population cannot be used,
    OSError when a path does not exist or cannot be read.
    """
    configure_process()
    way = _choose_way(settings, mask, finder, calibration)
    known = _Known(_provenance(conventions.named(settings.convention), way, version))
    try:
        result = _measure(_read(files, known), settings, selection, way, known)
    except NotScorable as verdict:
        result = _refuse(verdict, known)
    except MemoryError:
        result = _refuse(NotScorable("out_of_memory"), known)
    told = add_header_flags(result, known.header)
    standing = add_context(told, patient.read_patient(known.header, context.settings, context.patient), context)
    return in_language(standing, load_english())


@dataclass(slots=True)
class _Known:
    """Everything known about a series so far, which a refusal includes."""

    provenance: Provenance
    info: SeriesInfo = series.UNKNOWN
    header: Dataset = field(default_factory=Dataset)
    flags: list[Flag] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Scan:
    """A series in geometrical order, the facts of its header, and the images that do not belong to it."""

    stack: Stack
    facts: Acquisition
    left_out: tuple[LeftOut, ...]


def _choose_way(
    settings: ScoringSettings, mask: Path | None, finder: Finder | None, calibration: Calibration | None
) -> Way:
    if mask is not None:
        return ByMask(mask)
    chosen = finder if finder is not None else plugins.finder(settings.engine)
    return ByAnatomy(settings.engine, chosen, calibration=calibration)


def _read(files: Sequence[Path], known: _Known) -> _Scan:
    """Read and order the images. Raises NotScorable."""
    images = [item for path in elements.find(files) for item in slices.read(path)]
    if images:
        known.info = series.describe(images)
    selection = select_images(images)
    known.info = series.describe(selection.slices)
    slices.check_frames(selection.slices)
    stack = geometry.stack_slices(selection.slices)
    facts = acquisition.read_acquisition(stack.slices[len(stack.slices) // 2])
    known.info, known.header = series.describe(stack.slices, stack, facts), facts.header
    slices.check_conversion(stack.slices)
    return _Scan(stack, facts, selection.left_out)


def _measure(scan: _Scan, settings: ScoringSettings, limits: SelectionSettings, way: Way, known: _Known) -> Score:
    """Judge the candidates of a scan that can be scored. Raises NotScorable."""
    stack, facts = scan.stack, scan.facts
    convention = conventions.named(settings.convention, facts.kvp, facts.kernel)
    factor = mass.find_factor(facts, settings)
    pixel_mm2 = stack.spacing_mm[1] * stack.spacing_mm[2]
    known.provenance = _provenance(convention, way, known.provenance.version, factor, pixel_mm2)
    count = slabbing.count_slices(stack)
    known.flags += flag_scan(stack, facts, convention, factor, scan.left_out, slab_slices=count)
    way.check(facts)
    check_geometry(stack, limits, whole_heart=way.whole_heart)
    volume = geometry.decode(stack)
    fitness.check_pixels(volume)
    check_slabs(volume)
    volume = slabbing.average_slices(volume, count)
    if volume.slabs is not None:
        known.provenance = replace(known.provenance, slab_slices=count, slab_mm=volume.spacing_mm[0])
    located = way.locate(volume, known.info.frame_of_reference_uid or "")
    known.flags += located.flags
    known.provenance = replace(known.provenance, weights=located.weights, calibration=located.calibration)
    return _sum_up(volume, located.judge(convention), factor, known)


def _sum_up(volume: Volume, judged: Judged, factor: MassFactor | None, known: _Known) -> Score:
    lesions = totals.build_lesions(volume, judged.findings, factor, known.provenance.threshold_hu)
    total = totals.sum_by_artery(lesions, "agatston", digits=4)
    ends = totals.compute_range(judged.findings, volume.spacing_mm[0])
    rejected, left_out = totals.list_rejected(volume, judged.findings, judged.near)
    return Score(
        status="scored",
        reason=None,
        series=known.info,
        agatston=total,
        agatston_range=(ends.low, ends.high),
        volume_mm3=totals.sum_by_artery(lesions, "volume_mm3", digits=3),
        mass_mg=None if factor is None else totals.sum_by_artery(lesions, "mass_mg", digits=4),
        mass_integrated_mg=None if factor is None else totals.sum_by_artery(lesions, "mass_integrated_mg", digits=4),
        lesions=lesions,
        category=categorise(total.total, any_lesion=bool(lesions)),
        cac_drs=format_cac_drs(total.total, [item.artery for item in lesions]),
        percentile=None,
        change=None,
        flags=(
            *known.flags,
            *flag_result(total, lesions, ends, cut=any(flag.code == "heart_cut" for flag in known.flags)),
        ),
        provenance=known.provenance,
        rejected=rejected,
        rejected_left_out=left_out,
    )


def _refuse(verdict: NotScorable, known: _Known) -> Score:
    """The answer without numbers: what is known, and the verdict as the last flag."""
    others = (flag for flag in known.flags if flag.code != verdict.code)
    return Score(
        status="not_scorable",
        reason=None,
        reason_code=verdict.code,
        series=known.info,
        agatston=None,
        agatston_range=None,
        volume_mm3=None,
        mass_mg=None,
        lesions=(),
        category=None,
        cac_drs=None,
        percentile=None,
        change=None,
        flags=(*others, Flag(verdict.code, "reject", values=verdict.values)),
        provenance=known.provenance,
    )


def _provenance(
    convention: Convention, way: Way, version: str | None, factor: MassFactor | None = None, pixel_mm2: float = 0.0
) -> Provenance:
    return Provenance(
        software=SOFTWARE,
        version=version if version is not None else importlib.metadata.version(SOFTWARE),
        engine=way.engine,
        convention=convention.name,
        threshold_hu=convention.threshold_hu,
        minimum_area_mm2=round(convention.minimum_mm2(pixel_mm2), 6),
        connectivity=convention.connectivity,
        volume_definition=convention.volume,
        mass_factor=None if factor is None or not math.isfinite(factor.value) else factor.value,
        mass_factor_origin=None if factor is None else factor.origin,
        mass_integrated_method=None if factor is None else integrated.METHOD,
    )
