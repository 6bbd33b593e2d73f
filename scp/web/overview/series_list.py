"""The list of series: searched, filtered, sorted, and renewed while somebody looks at it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from scoring.report.common.texts import Texts
from scoring.result import CATEGORIES
from scp.web import audit
from scp.web.overview.forms import Viewer
from scp.web.overview.query import LAST_PAGE, PAGE_SIZE, STATE_GROUPS, Query
from scp.web.overview.rows import make_rows
from scp.web.overview.words import format_category, format_state, name_reason
from scp.web.rendering import find_texts, render
from scp.web.services import Services, find_services
from storage.outbox import pauses
from storage.overview import errands, listing
from storage.series.states import State, count_reasons

router: Final = APIRouter()

Field = Annotated[str, Form()]


@router.get("/", response_class=HTMLResponse)
def show_list(request: Request, _: Viewer) -> Response:
    """Show the list that the address asks for; no address holds words to search for."""
    query = Query.parse({name: value for name, value in request.query_params.items() if name != "q"})
    return _show_page(request, query)


@router.get("/search")
def leave_search(_: Viewer) -> Response:
    """Lead whoever loads a search again, without its form, to the list."""
    return RedirectResponse("/", 303)


@router.post("/search", response_class=HTMLResponse)
def search(  # the fields of the form
    request: Request,
    _: Viewer,
    q: Field = "",
    state: Field = "",
    category: Field = "",
    sender: Field = "",
    reason: Field = "",
    wish: Field = "",
    study: Field = "",
    date_from: Field = "",
    date_to: Field = "",
    since: Field = "",
    sort: Field = "",
    order: Field = "",
    page: Field = "",
    live: Field = "",
) -> Response:
    """Show the list that the form asks for: its rows where a script asks, else the page."""
    query = Query.parse(
        {
            "q": q,
            "state": state,
            "category": category,
            "sender": sender,
            "reason": reason,
            "wish": wish,
            "study": study,
            "date_from": date_from,
            "date_to": date_to,
            "since": since,
            "sort": sort,
            "order": order,
            "page": page,
        }
    )
    if "hx-request" in request.headers:
        return _show_rows(request, query, live=bool(live))
    return _show_page(request, query) if query.words else RedirectResponse(query.address, 303)


def _show_page(request: Request, query: Query) -> Response:
    services, texts = find_services(request), find_texts(request)
    values = _collect(request, query)
    _note_listed(request, len(values["rows"]))
    return render(request, "overview/series_list.html", **values, choices=_list_choices(services, query, texts))


def _show_rows(request: Request, query: Query, *, live: bool) -> Response:
    values = _collect(request, query)
    if not live:  # a list that renews itself shows nobody anything else
        _note_listed(request, len(values["rows"]))
    response = render(request, "overview/series_rows.html", **values)
    if not live:
        response.headers["HX-Replace-Url"] = query.address
    return response


def _collect(request: Request, query: Query) -> dict[str, Any]:
    services, texts = find_services(request), find_texts(request)
    database, selection = services.database, query.to_selection()
    items = listing.list_series(
        database,
        selection,
        order=query.sort,
        descending=query.descending,
        limit=PAGE_SIZE,
        offset=query.offset,
    )
    sent = [item.series_instance_uid for item in items if item.state in (State.SCORED, State.UNDELIVERABLE)]
    paused = [pause.destination for pause in pauses.list_pauses(database)]
    count = listing.count_series(database, selection)
    return {
        "query": query,
        "rows": make_rows(items, errands.list_owed(database, sent), paused, texts, services.clock()),
        "count": min(count, listing.MOST_COUNTED),
        "more": count > listing.MOST_COUNTED,
        "pages": min(max(1, math.ceil(count / PAGE_SIZE)), LAST_PAGE),
        "first": query.offset + 1,
    }


def _list_choices(services: Services, query: Query, texts: Texts) -> dict[str, Any]:
    """List what each filter can be set to, with the number of series."""
    counts = listing.count_states(services.database)
    groups = [
        (name, texts(f"overview.states_{name}"), sum(counts.get(state, 0) for state in states))
        for name, states in STATE_GROUPS.items()
    ]
    states = [(state, format_state(state, texts), counts.get(state, 0)) for state in State]
    return {
        "states": groups + states,
        "categories": [(category, format_category(category, texts)) for category in CATEGORIES],
        "senders": listing.list_senders(services.database),
        "reasons": list(_name_reasons(count_reasons(services.database), query.fields["reason"], texts)),
    }


def _name_reasons(counts: dict[str, int], chosen: str, texts: Texts) -> Iterator[tuple[str, str]]:
    for code, count in (counts if not chosen else {chosen: 0} | counts).items():
        yield code, f"{name_reason(code, texts)} ({count})"


def _note_listed(request: Request, count: int) -> None:
    if count:
        audit.note(request, "listed", f"{count} series")
