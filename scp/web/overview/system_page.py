"""The installation: this node, its peers, how much comes and goes, disk, certificates, settings."""

from __future__ import annotations

import shutil
import threading
from datetime import timedelta
from importlib import metadata
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from config.disclosure import disclose
from config.errors import CoronodeError
from config.settings import PeerSettings, Settings
from scoring.report.common.texts import Texts
from scp.expiry import list_named
from scp.scu.verification import verify
from scp.web import audit
from scp.web.overview import words
from scp.web.overview.forms import Administrator, Operator, Viewer
from scp.web.overview.node_metrics import read_metrics
from scp.web.overview.timeline import name_kind
from scp.web.rendering import find_texts, render
from scp.web.services import Services, find_services
from storage.migrations import HEAD
from storage.overview import rates

router: Final = APIRouter()

_ECHOES: Final = threading.BoundedSemaphore(4)
_GIB: Final = 1 << 30
_PERIODS: Final = (("minutes", timedelta(minutes=15)), ("hour", timedelta(hours=1)), ("day", timedelta(days=1)))


@router.get("/system", response_class=HTMLResponse)
def show_system(request: Request, person: Viewer) -> Response:
    """Show the installation; its settings only to an administrator."""
    services, texts = find_services(request), find_texts(request)
    settings = disclose(services.settings) if person.may("administer") else {}
    return render(
        request,
        "overview/system.html",
        **_collect(services, texts),
        settings=settings,
        peers=_list_peers(services, texts),
    )


@router.get("/system/part", response_class=HTMLResponse)
def show_part(request: Request, _: Viewer) -> Response:
    """Show what changes of it, for a page that is open."""
    return render(request, "overview/system_part.html", **_collect(find_services(request), find_texts(request)))


@router.post("/system/echo/{name}")
def echo(request: Request, name: str, _: Operator) -> Response:
    """Ask a peer whether it answers (C-ECHO, PS3.4 annex A), and say what it said."""
    services, texts = find_services(request), find_texts(request)
    peer = services.settings.peers.get(name)
    if peer is None or peer.port is None:
        raise HTTPException(404)
    if not _ECHOES.acquire(blocking=False):
        raise HTTPException(503, "other peers are being asked; try again in a moment")
    try:
        verify(services.settings.node, peer)
        outcome = {"good": True, "words": texts("overview.echo_answered"), "detail": ""}
    except CoronodeError as error:
        outcome = {"good": False, "words": texts("overview.echo_failed"), "detail": str(error)}
    finally:
        _ECHOES.release()
    audit.note(request, "echo", f"{name}: {'answered' if outcome['good'] else 'no answer'}")
    template = "overview/echo_part.html" if "hx-request" in request.headers else "overview/echo.html"
    return render(request, template, name=name, outcome=outcome)


@router.get("/system/settings.json")
def show_settings(request: Request, _: Administrator) -> dict[str, Any]:
    """Return the settings in force without their secrets, as `coronode config show --json` prints them."""
    return disclose(find_services(request).settings)


def _collect(services: Services, texts: Texts) -> dict[str, Any]:
    settings, now = services.settings, services.clock()
    counts = {name: rates.count_events(services.database, now - period) for name, period in _PERIODS}
    return {
        "node": _describe_node(settings, services),
        "stock": rates.measure_stock(services.database),
        "disk": _measure_disk(services, texts),
        "metrics": read_metrics(services.node),
        "periods": [name for name, _ in _PERIODS],
        "rates": [(name_kind(kind, texts), [counts[name][kind] for name, _ in _PERIODS]) for kind in rates.KINDS],
        "certificates": [
            {
                "setting": named.setting,
                "words": named.describe(now),
                "end": words.format_moment(named.first_to_end.not_after, texts),
                "kind": "bad" if not named.is_valid(now) else "warn" if named.ends_soon(now) else "good",
            }
            for named in list_named(settings, now)
        ],
    }


def _describe_node(settings: Settings, services: Services) -> dict[str, str]:
    node = settings.node
    ports = [] if node.tls.only else [f"{node.host}:{node.port}"]
    ports += [f"{node.host}:{node.tls.port} (TLS)"] if node.tls.port is not None else []
    return {
        "ae_title": node.ae_title,
        "addresses": ", ".join(ports),
        "web": f"{settings.web.host}:{settings.web.port}",
        "version": metadata.version("coronode"),
        "schema": HEAD,
        "engine": f"{settings.scoring.engine}, {settings.scoring.convention}",
        "database": services.database.engine.dialect.name,
        "folder": services.files.place,
    }


def _measure_disk(services: Services, texts: Texts) -> dict[str, Any]:
    usage = shutil.disk_usage(services.files.root)
    reserve = services.settings.node.reserve_mb * (1 << 20)
    return {
        "free": texts.number(usage.free / _GIB),
        "total": texts.number(usage.total / _GIB),
        "percent": round(100 * (1 - usage.free / usage.total)),
        "is_low": usage.free < 2 * reserve,
        "is_full": usage.free < reserve,
        "reserve": texts.number(reserve / _GIB),
    }


def _list_peers(services: Services, texts: Texts) -> list[dict[str, Any]]:
    heard = rates.list_senders(services.database)
    peers = [
        _describe_peer(name, peer, services, heard, texts) for name, peer in sorted(services.settings.peers.items())
    ]
    known = {peer.ae_title for peer in services.settings.peers.values()}
    strangers = [sender for title, sender in sorted(heard.items()) if title not in known]
    return peers + [
        {
            "name": "",
            "ae_title": sender.ae_title,
            "address": "",
            "services": "",
            "is_destination": False,
            "tls": False,
            "may_be_asked": False,
            "series": sender.series,
            "latest": words.format_moment(sender.latest, texts),
        }
        for sender in strangers
    ]


def _describe_peer(
    name: str, peer: PeerSettings, services: Services, heard: dict[str, rates.Sender], texts: Texts
) -> dict[str, Any]:
    sender = heard.get(peer.ae_title)
    return {
        "name": name,
        "ae_title": peer.ae_title,
        "address": f"{peer.host}:{peer.port}" if peer.port is not None else peer.host,
        "services": ", ".join(peer.services),
        "is_destination": name in services.settings.results.destinations,
        "tls": bool(peer.tls),
        "may_be_asked": peer.port is not None,
        "series": 0 if sender is None else sender.series,
        "latest": "" if sender is None else words.format_moment(sender.latest, texts),
    }
