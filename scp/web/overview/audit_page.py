"""The audit log, for administrators."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from scp.web.overview.forms import Administrator, RowNumber
from scp.web.overview.timeline import make_entries
from scp.web.rendering import find_texts, render
from scp.web.services import find_services
from storage.database import audit

router: Final = APIRouter()

_PAGE: Final = 100


@router.get("/system/audit", response_class=HTMLResponse)
def show_audit(
    request: Request, _: Administrator, kind: str = "", person: str = "", series: str = "", before: RowNumber = 0
) -> Response:
    """Show the latest events, of one kind, person or series if asked, page by page back in time."""
    database, texts = find_services(request).database, find_texts(request)
    events = audit.list_events(
        database,
        series_instance_uid=series or None,
        kind=kind or None,
        person=person or None,
        before=before or None,
        limit=_PAGE,
    )
    return render(
        request,
        "overview/audit.html",
        events=make_entries(events, texts),
        kind=kind,
        who=person,
        series=series,
        next_before=events[-1].id if len(events) == _PAGE else 0,
        is_first=not before,
    )
