"""Health and metrics, for those who watch over the node: no patient data, open without an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from config.errors import Rejected, Transient
from config.settings import MIB
from scp.counting import add_counters
from scp.reception.incoming import check_room
from scp.watching.gauges import Gauges
from scp.web.link import NodeSilent
from scp.web.services import Services, find_services
from scp.web.validation.metrics import render_metrics
from storage.database.ping import ping

router: Final = APIRouter()


@router.get("/health")
def health() -> Response:
    """Say that the web process answers."""
    return PlainTextResponse("ok\n")


@router.get("/ready")
def ready(request: Request) -> Response:
    """Say whether what comes in can be stored and scored: 200, or 503 and what is wrong."""
    faults = dict(_list_faults(find_services(request)))
    return JSONResponse({"ready": not faults, "faults": faults}, 503 if faults else 200)


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Return the metrics of the node and of this process in the format of Prometheus."""
    try:
        content = add_counters(find_services(request).node.ask("metrics"))
    except NodeSilent as error:
        return PlainTextResponse(f"{error}\n", 503)
    gauges: Gauges = request.app.state.gauges
    content += gauges.render()
    # a database that does not answer takes no metric of the node away
    with suppress(Transient):
        content += render_metrics(find_services(request))
    return Response(content, media_type=CONTENT_TYPE_LATEST)


def _list_faults(services: Services) -> Iterator[tuple[str, str]]:
    try:
        ping(services.database)
    except Transient as error:
        yield "database", str(error)
    try:
        check_room(services.files, services.settings.node.reserve_mb * MIB)
    except Rejected as error:
        yield "disk", error.reason
    try:
        if not services.node.ask("scorer"):
            yield "scorer", "the scoring process is not running"
    except NodeSilent as error:
        yield "scorer", str(error)
