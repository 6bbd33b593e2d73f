"""The quarantine: objects that contradict stored ones; an operator releases them, or deletes them for good."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from scp.web.overview import words
from scp.web.overview.forms import Back, Name, Numbers, Operator, Viewer, name_person, return_to
from scp.web.rendering import find_texts, render
from scp.web.services import Services, find_services
from storage.intake import release as releasing
from storage.series.quarantine import (
    Quarantined,
    count_quarantined,
    get_quarantined,
    list_quarantined,
    list_quarantined_series,
)

router: Final = APIRouter()

_MOST_SERIES: Final = 200
_MOST_OBJECTS: Final = 500


@router.get("/quarantine", response_class=HTMLResponse)
def show_quarantine(request: Request, _: Viewer, series: str = "") -> Response:
    """Show the series that have objects in quarantine, and the objects of one of them."""
    services, texts = find_services(request), find_texts(request)
    entries = list_quarantined_series(services.database, concerning=series or None)
    objects = []
    if series:
        objects = list_quarantined(services.database, series_instance_uid=series, limit=_MOST_OBJECTS)
    return render(
        request,
        "overview/quarantine.html",
        entries=[
            {
                "item": entry,
                "count": words.format_count("objects", entry.count, texts),
                "received": words.format_moment(entry.last_received_at, texts),
            }
            for entry in entries[:_MOST_SERIES]
        ],
        left_out=max(0, len(entries) - _MOST_SERIES),
        count=words.format_count("objects", count_quarantined(services.database), texts),
        series=series,
        objects=[_describe(item, words.format_moment(item.received_at, texts)) for item in objects],
    )


@router.post("/quarantine/release")
def release(
    request: Request, person: Operator, number: Numbers | None = None, series: Name = "", back: Back = ""
) -> Response:
    """Put objects in the place of those that hold their SOP Instance UIDs; these go into quarantine."""
    services = find_services(request)
    chosen = sorted(_choose(services, number or [], series), key=_get_series)
    for _, group in groupby(chosen, key=_get_series):
        releasing.release(services.database, services.files, list(group), services.clock(), person=name_person(person))
    return return_to(back, "/quarantine")


@router.post("/quarantine/delete")
def delete(
    request: Request,
    person: Operator,
    number: Numbers | None = None,
    series: Name = "",
    confirmed: Annotated[str, Form()] = "",
    back: Back = "",
) -> Response:
    """Delete objects for good, after a page that asks once more."""
    services, texts = find_services(request), find_texts(request)
    chosen = _choose(services, number or [], series)
    if not confirmed:
        return render(
            request,
            "overview/quarantine_delete.html",
            numbers=[item.id for item in chosen] if not series else [],
            series=series,
            count=words.format_count("objects", len(chosen), texts),
            back=back,
        )
    releasing.delete(services.database, services.files, chosen, services.clock(), person=name_person(person))
    return return_to(back, "/quarantine")


def _choose(services: Services, numbers: list[int], series: str) -> list[Quarantined]:
    """Return the objects of a series, or those with these numbers."""
    if series:
        chosen = list_quarantined(services.database, series_instance_uid=series, limit=None)
    else:
        chosen = get_quarantined(services.database, numbers[:_MOST_OBJECTS])
    if not chosen:
        raise HTTPException(422, "nothing was chosen")
    return chosen


def _describe(item: Quarantined, received: str) -> dict[str, Any]:
    return {"item": item, "received": received}


def _get_series(item: Quarantined) -> str:
    return item.series_instance_uid
