"""Everything about one series on one page, and what an operator can do with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from scoring.report.common.texts import Texts
from scp.web import audit
from scp.web.overview import words
from scp.web.overview.forms import Operator, RowNumber, Viewer, name_person
from scp.web.overview.missing import list_missing_notes
from scp.web.overview.printing import print_report
from scp.web.overview.result_view import describe_result
from scp.web.overview.rows import make_rows
from scp.web.overview.timeline import make_entries
from scp.web.rendering import find_texts, render
from scp.web.services import Services, find_services
from storage.database import audit as log
from storage.outbox import deliveries, outgoing, pauses
from storage.outbox.deliveries import Delivery, DeliveryState
from storage.overview import errands
from storage.overview.listing import Listed, find_listed
from storage.series import lifecycle, rejecting, results, step_changes
from storage.series.quarantine import list_quarantined_series
from storage.series.results import Result
from storage.series.states import State
from storage.series.summary import summarise

router: Final = APIRouter()

_MOST_EVENTS: Final = 200


@router.get("/series/{series_instance_uid}", response_class=HTMLResponse)
def show_series(request: Request, series_instance_uid: str, _: Viewer) -> Response:
    """Show a series: state, result, documents, what is missing, and its history."""
    services, texts = find_services(request), find_texts(request)
    item = _find(services, series_instance_uid)
    audit.note_view(request, series_instance_uid)
    return render(request, "overview/series.html", **_collect(services, item, texts))


@router.get("/series/{series_instance_uid}/part", response_class=HTMLResponse)
def show_part(request: Request, series_instance_uid: str, _: Viewer) -> Response:
    """Show what changes of a series, for a page that is open."""
    services, texts = find_services(request), find_texts(request)
    item = _find(services, series_instance_uid)
    return render(request, "overview/series_part.html", **_collect(services, item, texts))


@router.get("/series/{series_instance_uid}/report.pdf")
def print_series(request: Request, series_instance_uid: str, _: Viewer, version: RowNumber | None = None) -> Response:
    """Print the result of a version, the latest unless told otherwise, in the reader's language."""
    services = find_services(request)
    item = _find(services, series_instance_uid)
    result = results.get(services.database, series_instance_uid, version)
    if result is None or item.instance_count == item.hidden_count:
        raise HTTPException(404)
    content = print_report(request, result)
    audit.note(request, "viewed", f"report, version {result.version}", series_instance_uid=series_instance_uid)
    name = f"coronode-{item.patient.study_date or 'report'}-v{result.version}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)


@router.post("/series/{series_instance_uid}/rescore")
def rescore(request: Request, series_instance_uid: str, person: Operator) -> Response:
    """Score a series again, a discontinued one too: it was named."""
    services = find_services(request)
    item = _find(services, series_instance_uid)
    step_changes.overrule(services.database, item.series_instance_uid)
    lifecycle.rescore(services.database, series_instance_uid, services.clock(), person=name_person(person))
    return _return(series_instance_uid)


@router.post("/series/{series_instance_uid}/restore")
def restore(request: Request, series_instance_uid: str, person: Operator) -> Response:
    """Take back what rejection notes took out of a series."""
    services = find_services(request)
    rejecting.restore(services.database, series_instance_uid, services.clock(), person=name_person(person))
    return _return(series_instance_uid)


@router.post("/series/{series_instance_uid}/retry")
def retry(request: Request, series_instance_uid: str, person: Operator) -> Response:
    """Send the documents of a series again that are dead."""
    services = find_services(request)
    dead = deliveries.list_deliveries(
        services.database, DeliveryState.DEAD, series_instance_uid=series_instance_uid, limit=None
    )
    for delivery in dead:
        outgoing.retry(services.database, delivery.id, services.clock(), person=name_person(person))
    return _return(series_instance_uid)


def _find(services: Services, series_instance_uid: str) -> Listed:
    item = find_listed(services.database, series_instance_uid)
    if item is None:
        raise HTTPException(404)
    return item


def _collect(services: Services, item: Listed, texts: Texts) -> dict[str, Any]:
    database, uid, now = services.database, item.series_instance_uid, services.clock()
    versions = results.list_versions(database, uid)
    # a version that is still to come has none; the one before it stays readable
    current = versions[0] if versions else None
    sent = deliveries.list_deliveries(database, series_instance_uid=uid, limit=None)
    paused = [pause.destination for pause in pauses.list_pauses(database)]
    (row,) = make_rows([item], errands.list_owed(database, [uid]), paused, texts, now)
    return {
        "row": row,
        "item": item,
        "current": current,
        "result": None if current is None else describe_result(current.score_json, texts),
        "is_outdated": (current is not None and current.version != item.version) or item.state == State.RECEIVING,
        "versions": [_describe_version(result, texts) for result in versions],
        "deliveries": _group_deliveries(sent, texts),
        "has_dead": any(delivery.state == DeliveryState.DEAD for delivery in sent),
        "quarantine": list_quarantined_series(database, concerning=uid),
        "missing": list_missing_notes(database, item, texts),
        "events": make_entries(log.list_events(database, series_instance_uid=uid, limit=_MOST_EVENTS), texts),
        "completed": words.format_moment(item.completed_at, texts),
        "first_received": words.format_moment(item.first_received_at, texts),
        "moment": lambda at: words.format_moment(at, texts),
        "may_rescore": item.state != State.KEPT and item.instance_count > item.hidden_count,
    }


def _group_deliveries(sent: Iterable[Delivery], texts: Texts) -> list[dict[str, Any]]:
    """Put together what is said once for all pages of pictures: deliveries that differ in nothing but the object."""
    groups: dict[tuple[object, ...], list[Delivery]] = {}
    for item in sent:
        groups.setdefault((item.version, item.kind, item.destination, item.state, item.last_error), []).append(item)
    return [
        {
            "item": same[0],
            "count": len(same),
            "attempts": max(item.attempts for item in same),
            "changed": words.format_moment(max(item.updated_at for item in same), texts),
        }
        for same in groups.values()
    ]


def _describe_version(result: Result, texts: Texts) -> dict[str, Any]:
    summary = summarise(result.score_json)
    return {
        "version": result.version,
        "created": words.format_moment(result.created_at, texts),
        "score": words.format_score(summary["agatston"], texts),
        "category": summary["category"],
        "status": result.status,
        "held": result.held,
        "reader": summary["reader"],
        "has_report": result.status == "scored" and bool(result.score_json),
        "sop_instance_uid": "" if result.report is None else result.report.sop_instance_uid,
    }


def _return(series_instance_uid: str) -> Response:
    return RedirectResponse(f"/series/{series_instance_uid}", 303)
