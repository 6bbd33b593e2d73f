"""The outbox: what goes where, what does not, and what an operator does about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from config.errors import Permanent
from scoring.report.common.texts import Texts
from scp.web import audit
from scp.web.overview import words
from scp.web.overview.forms import Back, Name, Numbers, Operator, Viewer, name_person, return_to
from scp.web.overview.query import LAST_PAGE, PAGE_SIZE
from scp.web.rendering import find_texts, render
from scp.web.services import Services, find_services
from storage.outbox import outgoing, pauses
from storage.outbox.deliveries import Delivery, DeliveryState
from storage.overview import errands, outbox
from storage.overview.errands import Line

router: Final = APIRouter()

GROUPS: Final[Mapping[str, tuple[DeliveryState, ...]]] = {
    "open": (DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.DEAD, DeliveryState.UNCOMMITTED),
    "all": tuple(DeliveryState),
}
MOST_AT_ONCE: Final = 1000
"""Deliveries that one click changes; another click takes the next ones."""


@router.get("/outbox", response_class=HTMLResponse)
def show_outbox(request: Request, _: Viewer, state: str = "open", destination: str = "", page: int = 1) -> Response:
    """Show the destinations and the deliveries in a state."""
    values = _collect(request, state, destination, page)
    if values["rows"]:
        audit.note(request, "listed", f"{len(values['rows'])} deliveries")
    return render(request, "overview/outbox.html", **values)


@router.get("/outbox/part", response_class=HTMLResponse)
def show_part(request: Request, _: Viewer, state: str = "open", destination: str = "", page: int = 1) -> Response:
    """Show what changes of the outbox, for a page that is open."""
    return render(request, "overview/outbox_part.html", **_collect(request, state, destination, page))


@router.post("/outbox/retry")
def retry(request: Request, person: Operator, number: Numbers, back: Back = "") -> Response:
    """Send deliveries again that have ended without success."""
    return _change(request, person, outgoing.retry, number, back)


@router.post("/outbox/discard")
def discard(request: Request, person: Operator, number: Numbers, back: Back = "") -> Response:
    """Give deliveries up for good."""
    return _change(request, person, outgoing.discard, number, back)


@router.post("/outbox/retry-all")
def retry_all(request: Request, person: Operator, destination: Name, back: Back = "") -> Response:
    """Send everything again that is dead at a destination."""
    numbers = outbox.list_numbers(find_services(request).database, DeliveryState.DEAD, destination, limit=MOST_AT_ONCE)
    return _change(request, person, outgoing.retry, numbers, back)


@router.post("/outbox/pause")
def pause(request: Request, person: Operator, destination: Name, back: Back = "") -> Response:
    """Send nothing more to a destination for now."""
    services = find_services(request)
    if destination not in services.settings.peers:
        raise HTTPException(404)
    pauses.pause(services.database, destination, services.clock(), person=name_person(person))
    return return_to(back, "/outbox")


@router.post("/outbox/resume")
def resume(request: Request, person: Operator, destination: Name, back: Back = "") -> Response:
    """Let deliveries to a destination go on."""
    services = find_services(request)
    pauses.resume(services.database, destination, services.clock(), person=name_person(person))
    return return_to(back, "/outbox")


def describe_line(line: Line, services: Services, texts: Texts) -> dict[str, Any]:
    """Describe a destination: what waits since when, what was given up, whether it answers."""
    age = None if line.oldest is None else (services.clock() - line.oldest).total_seconds()
    waiting = line.counts.get(DeliveryState.PENDING, 0) + line.counts.get(DeliveryState.SENDING, 0)
    return {
        "name": line.destination,
        "is_known": line.destination in services.settings.peers,
        "waiting": waiting,
        "dead": line.counts.get(DeliveryState.DEAD, 0),
        "uncommitted": line.counts.get(DeliveryState.UNCOMMITTED, 0),
        "failing": line.failing,
        "age": "" if age is None else words.format_age(age, texts),
        "next": words.format_moment(line.next_attempt_at, texts) if line.failing else "",
        "error": line.error,
        "paused": "" if line.paused_since is None else words.format_moment(line.paused_since, texts),
        "paused_by": line.paused_by,
    }


def _collect(request: Request, state: str, destination: str, page: int) -> dict[str, Any]:
    services, texts = find_services(request), find_texts(request)
    database = services.database
    states = GROUPS.get(state) or tuple(one for one in DeliveryState if one == state) or GROUPS["open"]
    chosen = state if state in (*GROUPS, *DeliveryState) else "open"
    number = min(max(page, 1), LAST_PAGE)
    sendings = outbox.list_sendings(database, states, destination, limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE)
    count = outbox.count_sendings(database, states, destination)
    lines = errands.list_lines(database, services.settings.results.destinations)
    return {
        "lines": [describe_line(line, services, texts) for line in lines],
        "rows": [
            {
                "item": one.delivery,
                "name": words.format_name(one.patient_name),
                "day": words.format_day(one.study_date, texts),
                "created": words.format_moment(one.delivery.created_at, texts),
                "next": _format_next(one.delivery, texts),
            }
            for one in sendings
        ],
        "state": chosen,
        "states": ["open", *DeliveryState, "all"],
        "destination": destination,
        "count": count,
        "page": number,
        "pages": min(max(1, math.ceil(count / PAGE_SIZE)), LAST_PAGE),
        "path_back": request.url.path.removesuffix("/part") + (f"?{request.url.query}" if request.url.query else ""),
    }


def _format_next(item: Delivery, texts: Texts) -> str:
    """Write when a document is sent, or asked about."""
    return words.format_moment(item.next_attempt_at if item.state == DeliveryState.PENDING else item.commit_at, texts)


def _change(
    request: Request, person: Operator, change: Callable[..., Delivery], numbers: list[int], back: str
) -> Response:
    """Change deliveries one by one; one that somebody else has changed meanwhile does not stop the others."""
    services = find_services(request)
    refused: list[Permanent] = []
    for number in numbers[:MOST_AT_ONCE]:
        try:
            change(services.database, number, services.clock(), person=name_person(person))
        except Permanent as error:
            refused.append(error)
    if refused and len(refused) == len(numbers):
        raise refused[0]
    return return_to(back, "/outbox")
