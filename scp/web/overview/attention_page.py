"""The page of what needs a person."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from scp.web.overview import words
from scp.web.overview.attention import list_matters
from scp.web.overview.forms import Viewer
from scp.web.overview.timeline import name_kind
from scp.web.rendering import find_texts, render
from scp.web.services import find_services
from storage.overview.troubles import find_last_trouble

router: Final = APIRouter()


@router.get("/attention", response_class=HTMLResponse)
def show_attention(request: Request, _: Viewer) -> Response:
    """Show what needs a person, or that nothing does, and since when."""
    return render(request, "overview/attention.html", **_collect(request))


@router.get("/attention/part", response_class=HTMLResponse)
def show_part(request: Request, _: Viewer) -> Response:
    """Show what changes of it, for a page that is open."""
    return render(request, "overview/attention_part.html", **_collect(request))


def _collect(request: Request) -> dict[str, Any]:
    services, texts = find_services(request), find_texts(request)
    matters = list_matters(services, texts)
    last = None if matters else find_last_trouble(services.database)
    return {
        "matters": matters,
        "last_at": "" if last is None else words.format_moment(last.at, texts),
        "last_what": "" if last is None else name_kind(last.kind, texts),
        "last_series": "" if last is None else last.series_instance_uid,
    }
