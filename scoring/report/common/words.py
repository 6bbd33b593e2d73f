"""The summary that a reader sees first: the whole answer in plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from scoring.report.common.context import context
from scoring.report.common.request import ReportRequest
from scoring.result import ARTERIES, Artery, Category, Score, SeriesInfo

CATEGORY_WORDS: Final[dict[Category, str]] = {
    "0": "none, low risk",
    "1-100": "mild",
    "101-400": "moderate",
    ">400": "severe, high risk",
}
ARTERY_NAMES: Final[dict[Artery, str]] = {
    "LM": "Left main",
    "LAD": "Left anterior descending",
    "LCX": "Circumflex",
    "RCA": "Right coronary",
}
NO_ARTERY: Final = "no artery named"
CONFIRM: Final = "Found automatically, to be confirmed by a physician."


def headline(total: float) -> str:
    """Total as it is spoken: a whole number, one decimal below 1 so that a small score never reads 0."""
    if total <= 0:
        return "0"
    if total < 0.1:
        return "<0.1"
    return f"{total:.1f}" if total < 1 else f"{total:.0f}"


def lesion_count(score: Score, artery: Artery | None = None) -> int:
    """Number of lesions of one artery, or of all, with those that have no artery."""
    return sum(artery is None or lesion.artery == artery for lesion in score.lesions)


def without_artery(score: Score) -> float:
    """Agatston of the lesions that no artery is named for; they count in the total alone."""
    return sum(lesion.agatston for lesion in score.lesions if lesion.artery is None)


def technique(series: SeriesInfo) -> str:
    """How the series was made: what is known of scanner, tube, kernel and geometry, in one line."""
    parts = [" ".join(word for word in (series.manufacturer, series.model) if word)]
    parts.append(f"{series.kvp:g} kVp" if series.kvp is not None else "")
    parts.append(f"{series.exposure_mas:g} mAs" if series.exposure_mas is not None else "")
    parts.append(f"kernel {series.kernel}" if series.kernel else "")
    parts.append(f"{series.slices} slices")
    if series.slice_thickness_mm is not None:
        parts.append(f"thickness {series.slice_thickness_mm:g} mm")
    if series.field_of_view_mm is not None:
        parts.append(f"field of view {series.field_of_view_mm:.4g} mm")
    if series.spacing_mm is not None:
        z, y, x = series.spacing_mm
        parts.append(f"spacing {z:.4g} mm, pixel {y:.3g} x {x:.3g} mm")
    return ", ".join(part for part in parts if part)


def method(score: Score) -> tuple[str, ...]:
    """Parameters of the measurement, one a line, as they stand in the algorithm identification (TID 4019)."""
    origin = score.provenance
    mass = "none known, no mass"
    if origin.mass_factor is not None:
        mass = f"{origin.mass_factor:.4g} mg/cm3 per HU, from {origin.mass_factor_origin or 'unknown'}"
    return (
        f"Convention: {origin.convention}",
        f"Threshold: {origin.threshold_hu:g} HU",
        f"Minimum area: {origin.minimum_area_mm2:g} mm2",
        f"Connectivity: {origin.connectivity}",
        "Slice weighting: spacing of the slice positions / 3 mm",
        f"Volume: {origin.volume_definition}",
        f"Mass factor: {mass}",
        f"Anatomy engine: {origin.engine}" + (f" (weights {origin.weights})" if origin.weights else ""),
    )


def summary(score: Score, request: ReportRequest) -> str:
    """The report in lines of plain text, warning first, that stands on its own in any viewer."""
    return "\n".join(_lines(score, request))


def _lines(score: Score, request: ReportRequest) -> Iterator[str]:
    yield request.warning_text
    yield CONFIRM
    yield ""
    if score.status == "scored":
        yield from _result(score)
        yield ""
        yield from context(score)
    else:
        yield "Coronary artery calcium: no score, the series cannot be scored"
        yield f"Reason: {score.reason}"
    yield ""
    if score.flags:
        yield "To be noted:"
        yield from (f"- {flag.severity}: {flag.message}" for flag in score.flags)
    else:
        yield "Nothing was noted about the images."
    yield ""
    yield f"Technique: {technique(score.series)}"
    yield f"Method: {'; '.join(method(score))}"
    yield f"Software: {score.provenance.software} {score.provenance.version}"


def _result(score: Score) -> Iterator[str]:
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no result to tell")
    yield f"Coronary artery calcium, Agatston score: {headline(score.agatston.total)}"
    yield f"Category: {score.category} ({CATEGORY_WORDS[score.category]})"
    if score.cac_drs:
        yield f"CAC-DRS: {score.cac_drs}"
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        low, high = score.agatston_range
        yield f"Interval of the total: {low:.1f} to {high:.1f}"
    yield ""
    for artery in ARTERIES:
        yield f"{artery} ({ARTERY_NAMES[artery]}): {_values(score, artery)}"
    if any(lesion.artery is None for lesion in score.lesions):
        yield f"{NO_ARTERY.capitalize()}: Agatston {without_artery(score):.1f}"
    yield f"All coronary arteries: {_values(score, None)}"


def _values(score: Score, artery: Artery | None) -> str:
    def of(values: object) -> float:
        return float(getattr(values, artery or "total"))

    count = lesion_count(score, artery)
    parts = [f"Agatston {of(score.agatston):.1f}"]
    if score.volume_mm3 is not None:
        parts.append(f"volume {of(score.volume_mm3):.1f} mm3")
    if score.mass_mg is not None:
        parts.append(f"mass {of(score.mass_mg):.1f} mg")
    parts.append(f"{count} lesion" if count == 1 else f"{count} lesions")
    return ", ".join(parts)
