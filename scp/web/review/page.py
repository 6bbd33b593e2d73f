"""The page on which a reader sees what was counted; its scripts ask `/api/reviews` and DICOMweb for the rest."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse

from config.results import ResultsSettings
from scoring.report.common.texts import Texts
from scp.web import audit
from scp.web.identity import Person, require
from scp.web.overview.words import format_day, format_name
from scp.web.rendering import find_texts, render
from scp.web.services import find_services
from storage.overview.listing import Listed, find_listed
from storage.series.states import REPORTED

router: Final = APIRouter()

Viewer = Annotated[Person, Depends(require("view"))]
_SECTION: Final = "viewer."
_SEXES: Final = {"F": "report.sex_female", "M": "report.sex_male"}


@router.get("/review/{series_instance_uid}", response_class=HTMLResponse)
def show_review(request: Request, series_instance_uid: str, _: Viewer) -> HTMLResponse:
    """Show a scored series with what was counted of it.

    Raises HTTPException: 404 without such a series, 409 where it has no result.
    """
    services, texts = find_services(request), find_texts(request)
    listed = find_listed(services.database, series_instance_uid)
    if listed is None:
        raise HTTPException(404)
    if listed.state not in REPORTED:
        raise HTTPException(409, texts("viewer.not_scored"))
    audit.note_view(request, series_instance_uid)
    return render(
        request,
        "review/review.html",
        series=listed,
        name=format_name(listed.patient.name),
        facts=_list_facts(listed, texts),
        warning=_find_warning(services.settings.results, texts),
        words=select_words(texts),
    )


def select_words(texts: Texts) -> dict[str, str]:
    """Select the words that the scripts of the page fill in, by their keys without the section."""
    return {key.removeprefix(_SECTION): text for key, text in texts.words.items() if key.startswith(_SECTION)}


def _list_facts(listed: Listed, texts: Texts) -> list[tuple[str, str]]:
    patient = listed.patient
    sex = _SEXES.get(patient.sex)
    return [
        ("patient_id", patient.patient_id),
        ("birth_date", format_day(patient.birth_date, texts)),
        ("sex", texts(sex) if sex else patient.sex),
        ("study_date", format_day(patient.study_date, texts)),
        ("accession_number", patient.accession_number),
        ("series_description", listed.description),
    ]


def _find_warning(results: ResultsSettings, texts: Texts) -> str:
    """The site's own words, else the shipped ones in the reader's language."""
    shipped = results.warning_text == ResultsSettings().warning_text
    return texts("report.research_use") if shipped else results.warning_text
