"""The summary that a reader sees first: the whole answer in plain lines, in English unless other texts are given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.results import ResultsSettings
from scoring.report.common.context import context
from scoring.report.common.request import ReportRequest
from scoring.report.common.signature import changes, confirmation
from scoring.report.common.texts import Texts, load_english
from scoring.result import ARTERIES, Artery, Category, Score, SeriesInfo

CATEGORY_KEYS: Final[dict[Category, str]] = {"0": "none", "1-100": "mild", "101-400": "moderate", ">400": "severe"}
"""The category's part in the keys of texts."""

# Labels of segments and names of measurement groups: machines find them by these words, whatever the language.
ARTERY_NAMES: Final[dict[Artery, str]] = {
    "LM": "Left main",
    "LAD": "Left anterior descending",
    "LCX": "Circumflex",
    "RCA": "Right coronary",
}
NO_ARTERY: Final = "no artery named"


# the shipped warning is translated, a site's own is not
_SHIPPED_WARNING: Final = ResultsSettings().warning_text


def has_own_warning(request: ReportRequest) -> bool:
    """Whether the site has replaced the shipped warning."""
    return request.warning_text != _SHIPPED_WARNING


def headline(total: float) -> str:
    """Total as it is spoken: a whole number, one decimal below 1 so that a small score never reads 0."""
    if total <= 0:
        return "0"
    if total < 0.1:
        return "<0.1"
    return f"{total:.1f}" if total < 1 else f"{total:.0f}"


def category_words(category: Category, texts: Texts) -> str:
    """Meaning of a category."""
    return texts(f"categories.{CATEGORY_KEYS[category]}")


def has_warning(score: Score) -> bool:
    """Whether a flag warns of the images or the measurement; one on identifiers warns of the header."""
    return any(flag.severity == "warning" and flag.code != "identifiers_changed" for flag in score.flags)


def lesion_count(score: Score, artery: Artery | None = None) -> int:
    """Number of lesions of one artery, or of all, with those that have no artery."""
    return sum(artery is None or lesion.artery == artery for lesion in score.lesions)


def without_artery(score: Score) -> float:
    """Agatston of the lesions that no artery is named for; they count in the total alone."""
    return sum(lesion.agatston for lesion in score.lesions if lesion.artery is None)


def technique(series: SeriesInfo, texts: Texts | None = None) -> str:
    """The known facts about scanner, tube, kernel and geometry in one line."""
    return ", ".join(_technique(series, texts or load_english()))


def _technique(series: SeriesInfo, texts: Texts) -> Iterator[str]:
    scanner = " ".join(word for word in (series.manufacturer, series.model) if word)
    if scanner:
        yield scanner
    if series.kvp is not None:
        yield texts("technique.kvp", kvp=series.kvp)
    if series.exposure_mas is not None:
        yield texts("technique.exposure", exposure=series.exposure_mas)
    if series.kernel:
        yield texts("technique.kernel", kernel=series.kernel)
    yield texts("technique.slices", slices=series.slices)
    if series.slice_thickness_mm is not None:
        yield texts("technique.thickness", thickness=series.slice_thickness_mm)
    if series.field_of_view_mm is not None:
        yield texts("technique.field", field=series.field_of_view_mm)
    if series.spacing_mm is not None:
        z, y, x = series.spacing_mm
        yield texts("technique.spacing", z=z, y=y, x=x)


def method(score: Score, texts: Texts | None = None) -> tuple[str, ...]:
    """Parameters of the measurement, one a line, as they stand in the algorithm identification (TID 4019)."""
    return tuple(_method(score, texts or load_english()))


def _method(score: Score, texts: Texts) -> Iterator[str]:
    origin = score.provenance
    yield texts("method.convention", convention=origin.convention)
    yield texts("method.threshold", threshold=origin.threshold_hu)
    yield texts("method.area", area=origin.minimum_area_mm2)
    yield texts("method.connectivity", connectivity=origin.connectivity)
    yield texts("method.weighting")
    if origin.slab_mm is not None:
        yield texts("method.slabs", count=origin.slab_slices, slab=origin.slab_mm)
    yield texts("method.volume", definition=origin.volume_definition)
    if origin.mass_factor is None:
        yield texts("method.no_mass")
    else:
        source = origin.mass_factor_origin.text if origin.mass_factor_origin else texts("report.not_known")
        yield texts("method.mass", factor=origin.mass_factor, origin=source)
    if origin.mass_integrated_method:
        yield texts("method.mass_integrated")
    if origin.weights:
        yield texts("method.engine_weights", engine=origin.engine, weights=origin.weights)
    else:
        yield texts("method.engine", engine=origin.engine)
    if origin.calibration:
        yield texts("method.calibration", calibration=origin.calibration)


def summary(score: Score, request: ReportRequest, texts: Texts | None = None) -> str:
    """The report in lines of plain text, warning first, that stands on its own in any viewer."""
    return "\n".join(_lines(score, request, texts or load_english()))


def _lines(score: Score, request: ReportRequest, texts: Texts) -> Iterator[str]:
    yield request.warning_text if has_own_warning(request) else texts("report.research_use")
    yield confirmation(score, texts)
    if score.review is not None:
        yield changes(score.review, texts)
    yield ""
    if score.status == "scored":
        yield from _result(score, texts)
        yield ""
        yield from context(score, texts)
    else:
        yield texts("summary.no_score")
        yield texts("summary.reason", reason=score.reason or "")
    yield ""
    if score.flags:
        yield texts("summary.flags")
        yield from (texts("summary.flag", severity=flag.severity, message=flag.message) for flag in score.flags)
    else:
        yield texts("report.no_flags")
    yield ""
    yield texts("summary.technique", technique=technique(score.series, texts))
    yield texts("summary.method", method="; ".join(method(score, texts)))
    yield texts("summary.software", software=score.provenance.software, version=score.provenance.version)


def _result(score: Score, texts: Texts) -> Iterator[str]:
    if score.agatston is None or score.category is None:
        raise ValueError("a series that was not scored has no result to summarise")
    yield texts("summary.total", total=headline(score.agatston.total).replace(".", texts("format.decimal")))
    yield texts("summary.category", category=score.category, words=category_words(score.category, texts))
    if score.cac_drs:
        yield texts("summary.cac_drs", cac_drs=score.cac_drs)
    if score.agatston_range is not None and score.agatston_range[0] != score.agatston_range[1]:
        low, high = score.agatston_range
        yield texts("summary.interval", low=low, high=high)
    yield ""
    for artery in ARTERIES:
        name = texts(f"arteries.{artery}")
        yield texts("summary.artery", artery=artery, name=name, values=_values(score, artery, texts))
    if any(lesion.artery is None for lesion in score.lesions):
        yield texts("summary.no_artery", agatston=without_artery(score))
    yield texts("summary.all", values=_values(score, None, texts))


def _values(score: Score, artery: Artery | None, texts: Texts) -> str:
    def value_of(values: object) -> float:
        return float(getattr(values, artery or "total"))

    count = lesion_count(score, artery)
    parts = [texts("summary.agatston", agatston=value_of(score.agatston))]
    if score.volume_mm3 is not None:
        parts.append(texts("summary.volume", volume=value_of(score.volume_mm3)))
    if score.mass_mg is not None:
        parts.append(texts("summary.mass", mass=value_of(score.mass_mg)))
    if score.mass_integrated_mg is not None:
        parts.append(texts("summary.mass_integrated", mass=value_of(score.mass_integrated_mg)))
    parts.append(texts("summary.lesion" if count == 1 else "summary.lesions", count=count))
    return ", ".join(parts)
