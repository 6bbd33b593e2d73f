"""The whole assessment as a PDF, for the file of whoever decides on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from scoring.report.agreement import words
from scoring.report.agreement.charts import draw_differences, draw_totals
from scoring.report.common.colours import PAPER
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import Texts
from scoring.report.typeset import typesetter
from scoring.report.typeset.site import load_site
from scoring.validation.assessment import Assessment
from scoring.validation.pair import Pair

_MOST_WORST: Final = 30
_FIGURES: Final = ("figure", "value", "interval", "cases")


def assessment_pdf(
    assessment: Assessment,
    pairs: Sequence[Pair],
    request: ReportRequest,
    *,
    created: datetime,
    remarks: Sequence[str] = (),
) -> bytes:
    """Every figure with its interval, the charts, the worst cases by UID; no name and no ID of a patient.

    `remarks` stand under the title: whether results are held back, who decided. Raises ConfigurationError when the
    site's words, logo or fonts cannot be used.
    """
    site = load_site(request)
    texts = site.texts
    charts = [
        draw_totals(pairs, texts, PAPER),
        draw_differences(pairs, assessment.total.roots, texts, PAPER),
    ]
    values = {
        **site.common(texts("validation.title")),
        "subtitle": texts("validation.subtitle"),
        "made": texts("validation.made", date=texts.date(created.date().isoformat())),
        "research": texts("validation.research"),
        "remarks": [*remarks, *_summarise(assessment, texts)],
        "tables": [_build_table(table) for table in words.list_tables(assessment.total, texts)],
        "figures": [texts(f"validation.{key}") for key in _FIGURES],
        "matrix": _build_matrix(assessment, texts),
        "charts": [
            {"file": f"chart-{number}", "alt": chart.alt, "title": chart.title} for number, chart in enumerate(charts)
        ],
        "expected": _build_expected(assessment, texts),
        "parts": list(_build_parts(assessment, texts)),
        "sources": texts("validation.sources_statistics"),
        "empty": "" if assessment.total.n else texts("validation.no_pairs"),
    }
    files = {f"chart-{number}": chart.svg.encode() for number, chart in enumerate(charts)} | site.files()
    return typesetter.set_pdf("validation.typ", values, files, faces=site.faces, palette=PAPER, created=created)


def _summarise(assessment: Assessment, texts: Texts) -> Iterator[str]:
    yield texts("validation.pairs", n=assessment.total.n)
    origins = [f"{count} {texts(f'validation.origin_{origin}')}" for origin, count in assessment.origins.items()]
    if origins:
        yield f"{texts('validation.origins')}: {', '.join(origins)}."
    if "review" in assessment.origins:
        yield texts("validation.origin_review_note")
    left_out = [f"{count} {reason}" for reason, count in words.list_left_out(assessment, texts)]
    if left_out:
        yield f"{texts('validation.left_out')}: {', '.join(left_out)}. {texts('validation.left_out_note')}"


def _build_table(table: words.Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "rows": [[row.name, row.value, row.interval, row.cases, row.meaning] for row in table.rows],
    }


def _build_matrix(assessment: Assessment, texts: Texts) -> dict[str, Any]:
    names = words.name_categories(texts)
    rows = words.list_matrix(assessment.total)
    return {
        "title": texts("validation.matrix"),
        "caption": texts("validation.matrix_caption"),
        "corner": f"{texts('validation.reader')} / {texts('validation.ours')}",
        "head": names,
        "rows": [[name, *map(str, row)] for name, row in zip(names, rows, strict=True)],
    }


def _build_expected(assessment: Assessment, texts: Texts) -> dict[str, Any]:
    head = [texts("validation.expected_reader"), texts("validation.expected_ours")]
    return {
        "title": texts("validation.expected"),
        "head": head,
        "rows": [list(row) for row in words.list_expected(assessment.total, texts)],
    }


def _build_parts(assessment: Assessment, texts: Texts) -> Iterator[dict[str, Any]]:
    """The tables below the figures: arteries, groups of scans, the worst cases, and what is still needed."""
    head, rows = words.list_artery_cells(assessment.arteries, texts)
    yield {"title": texts("validation.arteries"), "head": head, "rows": rows, "note": ""}
    for by in dict.fromkeys(stratum.by for stratum in assessment.strata):
        head, rows = words.list_stratum_cells([one for one in assessment.strata if one.by == by], texts)
        yield {"title": texts(f"validation.stratum_{by}"), "head": head, "rows": rows, "note": ""}
    worst = words.list_worst_cells(assessment.worst[:_MOST_WORST], texts)
    more = len(assessment.worst) - len(worst)
    yield {
        "title": texts("validation.worst"),
        "head": [texts(f"validation.{key}") for key in ("why", "reader", "ours", "series")],
        "rows": worst,
        "note": texts("validation.more_cases", count=more) if more else "" if worst else texts("validation.worst_none"),
    }
    yield {
        "title": texts("validation.needed"),
        "head": [],
        "rows": [[row.name, row.value, row.interval, row.meaning] for row in words.list_needed(assessment, texts)],
        "note": texts("validation.needed_note"),
    }
