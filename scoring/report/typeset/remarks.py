"""Remarks that belong to the numbers: what is to be noted, how the scan and the measurement were made, sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from scoring.report.common.context import ARTERIAL_AGE_SOURCE, TEN_YEAR_SOURCE, finish_sentence
from scoring.report.common.texts import Texts
from scoring.result import Score, SeriesInfo

AGATSTON_SOURCE: Final = "Agatston et al., J Am Coll Cardiol 1990;15:827"
CAC_DRS_SOURCE: Final = "CAC-DRS: Hecht et al., J Cardiovasc Comput Tomogr 2018;12:185"

_SEVERITIES: Final = ("reject", "warning", "info")


def flags(score: Score, texts: Texts) -> dict[str, Any]:
    """Flags as sentences, those that matter most first."""
    ordered = sorted(score.flags, key=lambda flag: _SEVERITIES.index(flag.severity))
    items = [
        {
            "kind": texts(f"report.{flag.severity}"),
            "alarm": flag.severity != "info",
            "words": finish_sentence(flag.message),
        }
        for flag in ordered
    ]
    return {"title": texts("report.flags"), "nothing": texts("report.no_flags"), "items": items}


def technique(series: SeriesInfo, texts: Texts) -> dict[str, Any]:
    """Labels and values of the scan, those alone that are known."""
    rows = (
        ("scanner", " ".join(word for word in (series.manufacturer, series.model) if word)),
        ("tube", ", ".join(_tube(series, texts))),
        ("kernel", (series.kernel or "").replace("\\", ", ")),
        ("slices", ", ".join(_slices(series, texts))),
        ("pixel", ", ".join(_pixel(series, texts))),
        ("gating", texts("report.gated" if series.gated else "report.not_gated")),
    )
    known = [[texts(f"report.{key}"), value] for key, value in rows if value]
    return {"title": texts("report.technique"), "rows": known}


def method(score: Score, texts: Texts) -> dict[str, Any]:
    """Parameters of the measurement in one sentence."""
    return {"title": texts("report.method"), "words": ", ".join(_method(score, texts)) + "."}


def sources(score: Score, texts: Texts) -> dict[str, Any]:
    """The publications of the method and of every table that was used."""
    named = [AGATSTON_SOURCE]
    if score.cac_drs:
        named.append(CAC_DRS_SOURCE)
    if score.percentile is not None:
        named.append(f"{score.percentile.population}: {score.percentile.citation}")
    if score.risk is not None and score.risk.arterial_age_years is not None:
        named.append(ARTERIAL_AGE_SOURCE)
    if score.risk is not None and score.risk.ten_year_percent is not None:
        named.append(TEN_YEAR_SOURCE)
    if score.change is not None:
        named += [citation.text for citation in score.change.citations]
    return {"title": texts("report.sources"), "lines": [f"{source}." for source in named]}


def _tube(series: SeriesInfo, texts: Texts) -> Iterator[str]:
    if series.kvp is not None:
        yield texts("report.tube_kvp", kvp=texts.short(series.kvp))
    if series.exposure_mas is not None:
        yield texts("report.tube_mas", mas=texts.short(series.exposure_mas))


def _slices(series: SeriesInfo, texts: Texts) -> Iterator[str]:
    yield str(series.slices)
    if series.slice_thickness_mm is not None:
        yield texts("report.slices_thickness", thickness=texts.short(series.slice_thickness_mm))
    if series.spacing_mm is not None:
        yield texts("report.slices_spacing", spacing=texts.short(series.spacing_mm[0]))


def _pixel(series: SeriesInfo, texts: Texts) -> Iterator[str]:
    if series.spacing_mm is not None:
        _, row, column = series.spacing_mm
        yield texts("report.pixel_size", rows=texts.short(row, 3), columns=texts.short(column, 3))
    if series.field_of_view_mm is not None:
        yield texts("report.field", field=texts.short(series.field_of_view_mm))


def _method(score: Score, texts: Texts) -> Iterator[str]:
    provenance = score.provenance
    yield texts("report.convention", convention=provenance.convention)
    yield texts(
        "report.threshold",
        threshold=texts.short(provenance.threshold_hu),
        area=texts.short(provenance.minimum_area_mm2),
        connectivity=provenance.connectivity,
    )
    yield texts("report.weighting")
    if provenance.slab_mm is not None:
        yield texts("report.slabs", count=provenance.slab_slices, slab=texts.short(provenance.slab_mm))
    yield texts("report.volume_definition", definition=texts.term(provenance.volume_definition))
    if provenance.mass_factor is None:
        yield texts("report.no_mass_factor")
    else:
        origin = provenance.mass_factor_origin
        source = texts("report.not_known") if origin is None else origin.text
        yield texts("report.mass_factor", factor=texts.short(provenance.mass_factor), origin=source)
    if score.mass_integrated_mg is not None:
        yield texts("report.mass_integrated", mass=texts.number(score.mass_integrated_mg.total))
    yield texts("report.engine", engine=provenance.engine)
    if provenance.weights:
        yield texts("report.weights", weights=provenance.weights)
    if provenance.calibration:
        yield texts("report.calibration", calibration=provenance.calibration)
