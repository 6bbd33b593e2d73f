"""The page with the figures, and the same as a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from scoring.report.agreement import words
from scoring.report.agreement.charts import draw_differences, draw_months, draw_totals
from scoring.report.agreement.document import assessment_pdf
from scoring.report.common.request import ReportRequest
from scoring.report.common.texts import Texts
from scoring.validation.assessment import Assessment, assess
from scoring.validation.pair import Pair
from scp.validating.drifting import Drift
from scp.validating.matching import Matched
from scp.validating.pairing import pair_stored
from scp.validating.standing import find_standing
from scp.web import audit
from scp.web.identity import Person, find_person, require
from scp.web.rendering import find_language, find_texts, render
from scp.web.services import Services, find_services
from scp.web.validation.standing_view import describe_standing
from scp.web.validation.watching import find_drift
from storage.validation import decisions, holding, readings

router: Final = APIRouter()

Viewer = Annotated[Person, Depends(require("view"))]
_MOST_WORST: Final = 50
_MOST_HELD: Final = 100
_MOST_MONTHS: Final = 24


@router.get("/validation", response_class=HTMLResponse)
def show_figures(request: Request, _: Viewer) -> Response:
    """Show every figure, the charts, the worst cases, and what was decided."""
    return render_figures(request)


@router.get("/validation/coronode-validation.pdf")
def print_figures(request: Request, _: Viewer) -> Response:
    """Return the figures as a PDF in the reader's language."""
    services, texts = find_services(request), find_texts(request)
    paired = pair_stored(services.database)
    now = services.clock()
    site = ReportRequest.of(services.settings.results, version=1, created=now)
    language = find_language(request)
    if language != site.language:  # a site's own words are those of its own language
        site = replace(site, language=language, texts=None)
    remarks = [describe_standing(find_standing(services.installation), texts).words]
    content = assessment_pdf(assess(paired.pairs, paired.left_out), paired.pairs, site, created=now, remarks=remarks)
    audit.note_view(request, "")
    return Response(content, media_type="application/pdf")


def render_figures(
    request: Request, status_code: int = 200, *, said: str = "", fault: str = "", matched: Matched | None = None
) -> HTMLResponse:
    """Render the page; `said` or `fault` is what became of a form, `matched` what a file brought."""
    services, texts = find_services(request), find_texts(request)
    paired = pair_stored(services.database)
    assessment = assess(paired.pairs, paired.left_out)
    audit.note_view(request, "")
    values = _collect_figures(assessment, paired.pairs, texts) | _collect_decisions(services, texts)
    values |= _describe_drift(find_drift(services), services, texts)
    person = find_person(request)
    values |= {
        "said": said,
        "fault": fault,
        "name": "" if person is None else person.name or person.account,
        "refused": [] if matched is None else _describe_refused(matched, texts),
    }
    return render(request, "validation/validation.html", status_code, **values)


def _describe_refused(matched: Matched, texts: Texts) -> list[tuple[int, str]]:
    return [(one.line, texts(f"validation.{one.code}", **one.values)) for one in matched.refused]


def _collect_figures(assessment: Assessment, pairs: Sequence[Pair], texts: Texts) -> dict[str, Any]:
    total = assessment.total
    strata = {
        by: words.list_stratum_cells([one for one in assessment.strata if one.by == by], texts)
        for by in dict.fromkeys(stratum.by for stratum in assessment.strata)
    }
    return {
        "assessment": assessment,
        "tables": words.list_tables(total, texts),
        "categories": words.name_categories(texts),
        "matrix": words.list_matrix(total),
        "expected": words.list_expected(total, texts),
        "charts": [draw_totals(pairs, texts), draw_differences(pairs, total.roots, texts)] if pairs else [],
        "arteries": words.list_artery_cells(assessment.arteries, texts),
        "strata": strata,
        "worst": assessment.worst[:_MOST_WORST],
        "worst_more": max(len(assessment.worst) - _MOST_WORST, 0),
        "needed": words.list_needed(assessment, texts),
        "left_out": words.list_left_out(assessment, texts),
    }


def _collect_decisions(services: Services, texts: Texts) -> dict[str, Any]:
    standing = find_standing(services.installation)
    return {
        "standing": standing,
        "banner": describe_standing(standing, texts),
        "decisions": decisions.list_decisions(services.database),
        "held": holding.list_held(services.database, _MOST_HELD),
        "sources": readings.list_sources(services.database),
        "day": lambda at: texts.date(at.astimezone().date().isoformat()),
    }


def _describe_drift(drift: Drift, services: Services, texts: Texts) -> dict[str, Any]:
    months = services.settings.validation.drift_months
    baseline = None if drift.baseline is None else drift.baseline.zeros.estimate
    shown = drift.months[-_MOST_MONTHS:]
    return {
        "alarms": [words.describe_alarm(alarm, months, texts) for alarm in drift.alarms],
        "drift_baseline": drift.baseline,
        "drift_recent": words.format_estimate(drift.recent, "ratio", texts),
        "drift_months": months,
        "drift_before": "" if drift.baseline is None else words.format_estimate(drift.baseline.kappa, "ratio", texts),
        "drift_chart": draw_months([(one.month, one.zeros) for one in shown], baseline, texts) if shown else None,
        "months": [
            (
                one.month,
                one.scored,
                words.format_estimate(one.zeros, "share", texts),
                words.format_estimate(one.not_scorable, "share", texts),
            )
            for one in reversed(shown)
        ],
    }
